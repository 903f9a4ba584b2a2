package ingest

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/streams/event"

	"pgregory.net/rapid"
)

// rows reads a CSV file by its header. A file may be exchanged for one with other rows, or none.
func rows(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		return nil
	}
	var out []map[string]string
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = fields[i]
		}
		out = append(out, row)
	}
	return out
}

// vectorQuantity answers the quantity of a row's name: units of mass and of moles convert only when the substance is known.
func vectorQuantity(name string) (event.Quantity, bool) {
	for _, k := range []struct {
		part string
		q    event.Quantity
	}{
		{"temp", event.TemperatureCel}, {"weight", event.WeightKg}, {"pressure", event.SystolicMmHg}, {"bp", event.SystolicMmHg},
		{"flow", event.PeakFlowLPerMin}, {"pef", event.PeakFlowLPerMin}, {"gluc", event.GlucoseMmolPerL}, {"keto", event.KetoneMmolPerL},
		{"butyrate", event.KetoneMmolPerL}, {"spo2", event.SpO2Percent}, {"saturation", event.SpO2Percent}, {"pulse", event.PulsePerMin},
		{"heart", event.PulsePerMin}, {"resp", event.RespirationPerMin},
	} {
		if strings.Contains(name, k.part) {
			return k.q, true
		}
	}
	return event.NoQuantity, false
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".csv"), func(t *testing.T) {
			for i, row := range rows(t, path) {
				name := row["case_id"]
				if name == "" {
					name = fmt.Sprintf("row%d", i+1)
				}
				t.Run(name, func(t *testing.T) { checkConversion(t, row) })
			}
		})
	}
}

func checkConversion(t *testing.T, row map[string]string) {
	q, ok := vectorQuantity(row["quantity"])
	if !ok {
		t.Fatalf("quantity %q is not known here", row["quantity"])
	}
	value, err := event.ParseDecimal(row["value"])
	if err != nil {
		t.Fatal(err)
	}
	want, err := event.ParseDecimal(row["exp"])
	if err != nil {
		t.Fatal(err)
	}
	got, err := Convert(q, value, row["from_ucum"], row["to_ucum"])
	if err != nil {
		t.Fatal(err)
	}
	_, decimals, _ := strings.Cut(row["exp"], ".")
	step := event.One
	for range decimals {
		step /= 10
	}
	if got.RoundTo(max(step, 1)) != want {
		t.Errorf("%s %s is %s %s, want %s", value, row["from_ucum"], got, row["to_ucum"], want)
	}
}

// Every row of the table, there and back: what is lost is the rounding at millionths and nothing else.
func TestING11_EveryUnitConvertsThereAndBack(t *testing.T) {
	for q := range event.Quantities {
		q := event.Quantity(q)
		for _, s := range scales[q] {
			t.Run(q.String()+" "+s.unit, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					v := event.Decimal(rapid.Int64Range(0, 2000*int64(event.One)).Draw(t, "v"))
					ours, err := Convert(q, v, s.unit, Unit(q))
					if err != nil {
						t.Fatal(err)
					}
					if stored, err := toStored(q, v, []byte(s.unit)); err != nil || stored != ours {
						t.Fatalf("stored as %s, converted to %s, %v", stored, ours, err)
					}
					back, err := Convert(q, ours, Unit(q), s.unit)
					if err != nil {
						t.Fatal(err)
					}
					// One millionth of ours is den/num millionths of theirs.
					if off, most := back-v, event.Decimal(s.den/s.num+1); off > most || off < -most {
						t.Fatalf("%s %s came back as %s", v, s.unit, back)
					}
				})
			})
		}
	}
}

func TestING11_NoUnitIsGuessed(t *testing.T) {
	for _, c := range []struct {
		q    event.Quantity
		unit string
	}{
		{event.TemperatureCel, ""}, {event.TemperatureCel, "F"}, {event.TemperatureCel, "C"}, {event.SpO2Percent, "/min"}, {event.GlucoseMmolPerL, "mmol"},
		{event.WeightKg, "lb"}, {event.PeakFlowLPerMin, "L"}, {event.SystolicMmHg, "cm[H2O]"}, {event.ACVPU, "%"}, {event.NoQuantity, "%"},
		{event.UrineMlPerH, "mL"}, {event.StepsPerDay, "{steps}"}, {event.O2FlowLPerMin, "L"}, {event.PainNRS, "mm"}, {event.CapillaryRefillS, "min"}, {event.RespiratoryDistress, "1"},
	} {
		if v, err := toStored(c.q, event.Int(98), []byte(c.unit)); err == nil {
			t.Errorf("%s in %q was taken for %s", c.q, c.unit, v)
		}
	}
	if v, err := Convert(event.WeightKg, 1e15, "[stone_av]", "g"); err == nil {
		t.Errorf("a weight beyond all numbers became %s", v)
	}
}
