package rules

import (
	"testing"

	"tocsin/streams/event"
)

// A converted value keeps six decimals in the record; a nurse reads two at most.
func TestValueInWords(t *testing.T) {
	for in, want := range map[string]string{"89.257328": "89.26 mmHg", "90": "90 mmHg", "90.5": "90.5 mmHg"} {
		v, err := event.ParseDecimal(in)
		if err != nil {
			t.Fatal(err)
		}
		if zh, en := value(event.SystolicMmHg, v); zh != want || en != want {
			t.Errorf("%s reads %q and %q, want %q", in, zh, en, want)
		}
	}
}

// A cadence under a minute is no "0 min".
func TestLengthInWords(t *testing.T) {
	for ms, want := range map[int64]string{12_000: "12 s", 90_000: "90 s", 120_000: "2 min", 7_200_000: "2 h"} {
		if _, en := length(ms); en != want {
			t.Errorf("%d ms reads %q, want %q", ms, en, want)
		}
	}
}
