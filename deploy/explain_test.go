package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tocsin/rules/pack"
	"tocsin/streams/event"
)

// TestRUL10_RUL4_ExplainStandsAfterThePackHasChanged: a warning is explained from the log to the same bytes, in both
// languages, with inputs, bounds and sources; after the pack has been replaced in the running system, its new version judges
// the next reading, and the old warning is still explained as it was decided.
func TestRUL10_RUL4_ExplainStandsAfterThePackHasChanged(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("demo,P-0113,copd,oxi-1,token-of-oxi-1\n")
	c := h.device(h.tcp(), "oxi-1", "token-of-oxi-1")
	h.publish(c, "demo", "oxi-1", "m1", spo2(84))
	w := h.warningOf("P-0113", "deterioration")

	before := h.tocsin("explain", w.ID)
	for _, part := range []string{"P-0113", "alert.raised", "decided again: same bytes", "pack copd version", "spo2-88", "84 %, measured", "bound 88 below, of the pack", "source [S]", "血氧饱和度 84 %", "not known: "} {
		if !strings.Contains(before, part) {
			t.Errorf("%q is not said in\n%s", part, before)
		}
	}
	if zh := h.tocsin("explain", w.ID, "--lang", "zh"); strings.Contains(zh, "SpO2 84") {
		t.Errorf("in Chinese alone:\n%s", zh)
	}

	if zh := h.tocsin("explain", w.ID, "--lang", "zh"); !strings.Contains(zh, "界限 低于 88，规则包所定") || !strings.Contains(zh, "重新判定：逐字节相同") || strings.Contains(zh, "measured") {
		t.Errorf("around the rules' own words it is not Chinese:\n%s", zh)
	}

	p, err := pack.Compile(pack.Library()["copd"])
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(pack.Library()["copd"], "version: "+strconv.Itoa(p.Version), "version: "+strconv.Itoa(p.Version+1), 1)
	newer = strings.Replace(newer, "signal: spo2_percent, below: 88,", "signal: spo2_percent, below: 93,", 1)
	file := filepath.Join(t.TempDir(), "copd.yaml")
	if err := os.WriteFile(file, []byte(newer), 0o600); err != nil {
		t.Fatal(err)
	}
	h.tocsin("pack", "publish", file)
	h.enrol("demo,P-0114,copd,oxi-2,token-of-oxi-2\n")
	c2 := h.device(h.tcp(), "oxi-2", "token-of-oxi-2")
	h.publish(c2, "demo", "oxi-2", "m1", spo2(92))
	if w2 := h.warningOf("P-0114", "deterioration"); w2.Severity != "medium" {
		t.Errorf("92 %% by the new version, without a restart: %+v", w2)
	}

	var x explanation
	if err := json.Unmarshal([]byte(h.tocsin("explain", w.ID, "--json")), &x); err != nil {
		t.Fatal(err)
	}
	if len(x.Happened) == 0 || x.Happened[0].Again != sameBytes || x.Happened[0].Assessed.PackVersion != p.Version {
		t.Errorf("after the change: %+v", x.Happened)
	}
	if !strings.HasPrefix(h.tocsin("explain", w.ID), before) {
		t.Error("what was said of the warning's beginning has changed")
	}
}

// TestRUL5_RUL10_ExplainTellsWhoseTheNumberIs: a number that a group has otherwise is told with who set it, until when and why.
func TestRUL5_RUL10_ExplainTellsWhoseTheNumberIs(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-0113,copd,oxi-1,token-of-oxi-1\n")
	h.tocsin("group", "t1", "copd", "--override", "spo2-88:bound=91@14d", "--why", "house rule, lung clinic")
	c := h.device(h.tcp(), "oxi-1", "token-of-oxi-1")
	h.publish(c, "t1", "oxi-1", "m1", spo2(90))
	said := h.tocsin("explain", h.warningOf("P-0113", "deterioration").ID, "--lang", "en")
	for _, part := range []string{"bound 91 below, of the group, set by " + by + ", until ", ", because: house rule, lung clinic\n", "SpO2 90 % +3, measured "} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is not said in\n%s", part, said)
		}
	}
}

// TestRUL10_WhatCameOutOtherwiseIsToldShortly: that it did stands in the first words; the assessments themselves are JSON's.
func TestRUL10_WhatCameOutOtherwiseIsToldShortly(t *testing.T) {
	x := &explanation{Warning: "w", Happened: []happening{{Type: (*event.AlertRaised)(nil).Type(), Again: "deciding again gives another answer: " + strings.Repeat("字", 9000)}}}
	for lang, rest := range map[string]string{"en": "--json tells all of it", "zh": "--json 给出全文"} {
		var b strings.Builder
		x.print(&b, lang)
		if said := b.String(); len([]rune(said)) > 400 || !strings.Contains(said, "another answer") || !strings.Contains(said, rest) {
			t.Errorf("%s: %s", lang, said)
		}
	}
	if x.differs() == nil {
		t.Error("it ends as if all were well")
	}
}
