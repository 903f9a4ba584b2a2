package event

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestDecimalReadsExactly(t *testing.T) {
	for in, want := range map[string]string{"91": "91", "37.20": "37.2", "-0.5": "-0.5", "1e2": "100", "12.5e-1": "1.25", "0.000001": "0.000001", "38.05": "38.05", "1.0000000": "1"} {
		d, err := ParseDecimal(in)
		if err != nil || d.String() != want {
			t.Errorf("%s: got %s, %v; want %s", in, d, err, want)
		}
	}
	for _, in := range []string{"", ".", "1.2.3", "NaN", "0x1", "1e", "1e999", "0.0000001", "9999999999999", "--1", "1 "} {
		if d, err := ParseDecimal(in); err == nil {
			t.Errorf("%q was read as %s", in, d)
		}
	}
}

func TestDecimalRoundsHalfUp(t *testing.T) {
	for in, want := range map[string]string{"38.05": "38.1", "38.04": "38", "35.04999": "35", "-0.05": "-0.1", "35.95": "36"} {
		d, err := ParseDecimal(in)
		if err != nil || d.RoundTo(One/10).String() != want {
			t.Errorf("%s: got %s, %v; want %s", in, d.RoundTo(One/10), err, want)
		}
	}
}

// A moment that no event could be written with is refused where it is read, not where it is written.
func TestTimeBeyondWhatCanBeWrittenIsRefused(t *testing.T) {
	for _, in := range []string{"0000-12-31T23:59:59Z", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z"} {
		if at, err := ParseTime(in); err == nil {
			t.Errorf("%s was read as %d", in, at)
		}
	}
	for _, in := range []string{"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"} {
		at, err := ParseTime(in)
		if _, writes := at.MarshalJSON(); err != nil || writes != nil {
			t.Errorf("%s: %v, %v", in, err, writes)
		}
	}
}

func TestTimeKeepsMilliseconds(t *testing.T) {
	at, err := ParseTime("2026-03-02T07:14:00.1239+08:00")
	if err != nil || at.String() != "2026-03-01T23:14:00.123Z" {
		t.Fatalf("got %s, %v", at, err)
	}
	b, err := json.Marshal([]Time{at, Never})
	if err != nil || string(b) != `["2026-03-01T23:14:00.123Z",null]` {
		t.Fatalf("got %s, %v", b, err)
	}
	var back []Time
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, []Time{at, Never}) {
		t.Fatalf("got %v, %v", back, err)
	}
}
