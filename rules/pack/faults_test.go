package pack

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestRUL9_EveryFaultAtOnce reads a pack with many faults: each is told with line and column, all in one go.
func TestRUL9_EveryFaultAtOnce(t *testing.T) {
	text, err := os.ReadFile("testdata/faulty.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = CompileFile("faulty.yaml", string(text))
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("want faults, got %v", err)
	}
	got := err.Error() + "\n"
	want, err := os.ReadFile("testdata/faulty.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("faults are now\n%s\nwant\n%s", got, want)
	}
}

// TestRUL9_NotYAML still says where.
func TestRUL9_NotYAML(t *testing.T) {
	_, err := CompileFile("broken.yaml", "pack: x\nsignals: {a: [}\n")
	if err == nil || !strings.HasPrefix(err.Error(), "broken.yaml:2:") {
		t.Errorf("got %v", err)
	}
	for _, nothing := range []string{"", "\n", "# a comment\n", "---\n"} {
		if _, err := Compile(nothing); err == nil || !strings.Contains(err.Error(), "there is nothing in this file") {
			t.Errorf("%q: %v", nothing, err)
		}
	}
	if _, err := Compile("pack: a\n---\npack: b\n"); err == nil || !strings.Contains(err.Error(), "found 2") {
		t.Errorf("two packs in one file: %v", err)
	}
}

// TestRUL9_MemoryIsNeverInEffect keeps rules out that rest on a source which nobody has read.
func TestRUL9_MemoryIsNeverInEffect(t *testing.T) {
	text := strings.Replace(Library()["news2"], "evidence: R}\n\n", "evidence: R}\n  flu: {cite: recalled, evidence: M}\n\n", 1)
	remembered := strings.Replace(text, "limits:\n", "limits:\n  - {id: recalled, signal: spo2_percent, at_most: 95, severity: low, source: flu}\n", 1)
	if _, err := CompileFile("news2.yaml", remembered); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a rule from memory was accepted: %v", err)
	}
	off := strings.Replace(remembered, "source: flu}", "source: flu, off: true}", 1)
	p, err := CompileFile("news2.yaml", off)
	if err != nil {
		t.Fatalf("switched off it may wait in the pack: %v", err)
	}
	for _, limits := range p.Limits {
		for _, l := range limits {
			if l.ID == "recalled" {
				t.Error("a rule that is off is in effect")
			}
		}
	}
}

// FuzzCompile: whatever a pack's text holds, it is refused or read, and never panics.
func FuzzCompile(f *testing.F) {
	for _, text := range Library() {
		f.Add(text)
	}
	f.Add("pack: x\nversion: 1\nsources: {a: {cite: b, evidence: P}}\nsignals: {spo2_percent: {unit: \"%\", source: a}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Compile(text)
		if (p == nil) == (err == nil) {
			t.Fatalf("pack %v, error %v", p, err)
		}
	})
}

// TestRUL9_UnitsThatDoNotAgree: kilograms are not held against millimetres of mercury, nor a rise of weight against a bound
// in another unit; the fault says where.
func TestRUL9_UnitsThatDoNotAgree(t *testing.T) {
	const head = "pack: x\nversion: 1\nzh: x\nen: x\nsources: {ours: {cite: ours, evidence: P}}\n" +
		"signals:\n  weight_kg: {unit: kg, source: ours}\n  systolic_mmhg: {unit: \"mm[Hg]\", source: ours}\n" +
		"confirm: {within: 30m, answer: 5m, severity: medium, source: ours}\n"
	for when, ok := range map[string]bool{
		"weight_kg > 80":                            true,
		"rise(weight_kg, \"72h\") > much":           true,
		"weight_kg > systolic_mmhg":                 false,
		"rise(weight_kg, \"72h\") > pressure":       false,
		"weight_kg + systolic_mmhg > 200":           false,
		"slope(weight_kg, \"7d\") > systolic_mmhg":  false,
		"weight_kg / 2 + much > 40 && pressure > 1": true,
	} {
		var params []string
		for name, unit := range map[string]string{"much": "kg", "pressure": `"mm[Hg]"`} {
			if strings.Contains(when, name) {
				params = append(params, name+": {value: 2, unit: "+unit+"}")
			}
		}
		text := head + "rules:\n  - {id: r, when: '" + when + "', params: {" + strings.Join(params, ", ") + "}, severity: low, source: ours, zh: x, en: x}\n"
		_, err := CompileFile("x.yaml", text)
		if ok != (err == nil) {
			t.Errorf("%s: %v", when, err)
		}
		if !ok && err != nil && !strings.HasPrefix(err.Error(), "x.yaml:11:19: condition, line 1 column ") {
			t.Errorf("%s: where is it? %v", when, err)
		}
	}
}

// TestRUL13_ATooCostlyConditionIsRefused: what would hold up the readings behind it never comes into effect.
func TestRUL13_ATooCostlyConditionIsRefused(t *testing.T) {
	const head = "pack: x\nversion: 1\nzh: x\nen: x\nsources: {ours: {cite: ours, evidence: P}}\nsignals:\n  weight_kg: {unit: kg, source: ours}\n" +
		"confirm: {within: 30m, answer: 5m, severity: medium, source: ours}\nrules:\n  - {id: r, when: '"
	const tail = "', severity: low, source: ours, zh: x, en: x}\n"
	many := strings.Repeat("mean(weight_kg, \"7d\") > 80 && ", 60) + "true"
	if _, err := CompileFile("x.yaml", head+many+tail); err == nil || !strings.Contains(err.Error(), "no rule can hold up the readings") {
		t.Errorf("60 windows: %v", err)
	}
	trends := strings.Repeat("trend(weight_kg, \"7d\") > 80 && ", 7) + "true"
	if _, err := CompileFile("x.yaml", head+trends+tail); err == nil {
		t.Error("seven trends were let in")
	}
	if _, err := CompileFile("x.yaml", head+strings.Repeat("mean(weight_kg, \"7d\") > 80 && ", 20)+"true"+tail); err != nil {
		t.Errorf("20 windows: %v", err)
	}
}

// TestRUL9_ADerivedSeriesIsOfOneUpload: what looks back or names another series would say nothing for ever.
func TestRUL9_ADerivedSeriesIsOfOneUpload(t *testing.T) {
	const head = "pack: x\nversion: 1\nzh: x\nen: x\nsources: {ours: {cite: ours, evidence: P}}\nsignals:\n  weight_kg: {unit: kg, source: ours}\n" +
		"confirm: {within: 30m, answer: 5m, severity: medium, source: ours}\nderived:\n  - {id: heavy, fresh: 24h, when: 'weight_kg > 90'}\n  - {id: other, fresh: 24h, "
	for expression, want := range map[string]string{
		"value: 'weight_kg / 2.0'":               "",
		"value: 'count(weight_kg, \"24h\")'":     "looks back",
		"when: 'weight_kg > 90 && heavy >= 1.0'": `names the series "heavy"`,
	} {
		_, err := CompileFile("x.yaml", head+expression+"}\n")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

// TestRUL9_WhatCanChangeNothingIsRefused: a number that no condition names, which a clinic would set otherwise in vain, and a
// condition that can never be known.
func TestRUL9_WhatCanChangeNothingIsRefused(t *testing.T) {
	of := func(when string) string {
		return strings.Replace(Library()["heart-failure"], `when: 'rise(weight_kg, "72h") > kg', params`, "when: '"+when+"', params", 1)
	}
	for when, want := range map[string]string{
		`rise(weight_kg, "72h") > 2`:       `rule "weight-3d" has a param kg which its condition does not name`,
		`rise(weight_kg, "72h") / 0 > kg`:  "divides by 0",
		`rise(weight_kg, "72h") > kg`:      "",
		`rise(weight_kg, "72h") / kg > 10`: "", // a number of a clinic may be 0; it is not known then
	} {
		text := of(when)
		if _, err := Compile(text); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", when, err)
		}
	}
}
