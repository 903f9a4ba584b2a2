package desk

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"tocsin/rules/pack"
)

// PackTests is what the cases beside a pack say of the text that is in effect.
type PackTests struct {
	State string     `json:"state" enum:"none,passed,failed" doc:"none: the library has no cases for this pack"`
	Cases []PackCase `json:"cases"`
	// Fault is what is wrong with the file of cases itself.
	Fault string `json:"fault,omitempty"`
}

// PackCase is one case: readings in, severities out.
type PackCase struct {
	Name   string   `json:"name"`
	Text   string   `json:"text" doc:"as clinicians wrote it (YAML)"`
	Passed bool     `json:"passed"`
	Faults []string `json:"faults" doc:"what went otherwise than expected"`
}

// tried is what a pack's text comes to. Texts are never changed, so each is read and tried once.
type tried struct {
	page    PackPage
	zoneMin int
	once    sync.Once
	tests   PackTests
}

// try answers what a text comes to. The newest of each pack are kept.
func (p *past) try(text string) *tried {
	p.mu.RLock()
	one := p.tried[text]
	p.mu.RUnlock()
	if one != nil {
		return one
	}
	one = &tried{}
	if c, err := pack.Compile(text); err == nil { // else the registrar would not have published it
		one.page, one.zoneMin = pageOf(c), c.ZoneMin
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if had := p.tried[text]; had != nil {
		return had
	}
	for t := range p.tried {
		if !p.current(t) {
			delete(p.tried, t)
		}
	}
	p.tried[text] = one
	return one
}

func (p *past) current(text string) bool {
	for _, all := range p.packs {
		if all[len(all)-1].text == text {
			return true
		}
	}
	return false
}

// run tries the library's cases on the published text, once.
func (o *tried) run(text string) PackTests {
	o.once.Do(func() { o.tests = tryCases(o.page.ID, text, pack.Cases()[o.page.ID]) })
	return o.tests
}

func tryCases(id, text, cases string) PackTests {
	t := PackTests{State: "none", Cases: []PackCase{}}
	if cases == "" {
		return t
	}
	_, err := pack.RunCases(id, text, cases)
	var faults pack.Faults
	if err != nil && !errors.As(err, &faults) {
		return PackTests{State: "failed", Cases: t.Cases, Fault: err.Error()}
	}
	named := pack.CaseNames(cases)
	lines := strings.Split(cases, "\n")
	for i, c := range named {
		end := len(lines)
		if i+1 < len(named) {
			end = named[i+1].Line - 1
		}
		t.Cases = append(t.Cases, PackCase{Name: c.Name, Passed: true, Faults: []string{}, Text: caseText(lines[c.Line-1 : max(end, c.Line)])})
	}
	t.State = "passed"
	for _, f := range faults {
		t.State = "failed"
		i := len(named) - 1
		for i >= 0 && named[i].Line > f.Line {
			i--
		}
		if i < 0 {
			t.Fault = strings.TrimSpace(t.Fault + "\n" + f.Says)
			continue
		}
		t.Cases[i].Passed = false
		t.Cases[i].Faults = append(t.Cases[i].Faults, strings.TrimPrefix(f.Says, t.Cases[i].Name+": "))
	}
	return t
}

// caseText is a case without its name and its indent.
func caseText(lines []string) string {
	var kept []string
	for i, l := range lines {
		if t := strings.TrimSpace(l); t == "" || strings.HasPrefix(t, "#") || i == 0 && strings.HasPrefix(t, "- name:") {
			continue
		}
		kept = append(kept, strings.TrimRight(l, " "))
	}
	indent := 1 << 10
	for _, l := range kept {
		indent = min(indent, len(l)-len(strings.TrimLeft(l, " ")))
	}
	for i := range kept {
		kept[i] = kept[i][indent:]
	}
	return strings.Join(slices.Clip(kept), "\n")
}
