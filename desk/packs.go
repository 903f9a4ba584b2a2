package desk

import (
	"cmp"
	"net/http"
	"slices"

	"tocsin/rules"
	"tocsin/streams/event"
)

// A pack as clinicians read it: what it watches, what is too much, who says so, whether its own cases pass, and how it has
// done. Lengths of time are milliseconds.

// PackHead is a pack in the list of packs.
type PackHead struct {
	ID          string     `json:"id"`
	Version     int        `json:"version"`
	Zh          string     `json:"zh"`
	En          string     `json:"en"`
	PublishedAt event.Time `json:"published_at"`
	PublishedBy []string   `json:"published_by" doc:"the accounts that signed it; library for what came with the program; empty when the log does not tell"`
	Groups      int        `json:"groups" doc:"groups that use it"`
	Patients    int        `json:"patients" doc:"patients whom it judges, alone or with others"`
	Last30      Tally      `json:"last_30_days"`
	Complete    bool       `json:"complete" doc:"false while the log is still being read: last_30_days is too small"`
}

// PackPage is one pack.
type PackPage struct {
	PackHead
	Signals    []PackSignal   `json:"signals"`
	Scores     []PackScore    `json:"scores"`
	Limits     []PackLimit    `json:"limits" doc:"bounds of single signs, by quantity and gravest first"`
	OwnTargets []PackLimit    `json:"own_targets" doc:"steps beyond a patient's own target: bound says how far beyond"`
	Rules      []PackRule     `json:"rules"`
	Questions  []PackQuestion `json:"questions"`
	Facts      []PackFact     `json:"facts"`
	Measures   []PackMeasure  `json:"measures"`
	Learn      []PackLesson   `json:"learn" doc:"pages for the patient"`
	Silence    PackSilence    `json:"silence"`
	Sources    []PackSource   `json:"sources"`
	Tests      PackTests      `json:"tests"`
	Versions   []PackVersion  `json:"versions" doc:"newest first"`
	Proposed   *PackVersion   `json:"proposed,omitempty" doc:"a version that waits for further signatures"`
	UsedBy     []PackGroup    `json:"used_by"`
	Record     Record         `json:"record"`
}

// PackSource is a document behind numbers of a pack.
type PackSource struct {
	ID       string `json:"id"`
	Cite     string `json:"cite"`
	Evidence string `json:"evidence" enum:"R,S,I,M,P," doc:"R the document was read, S a secondary page, I an independent implementation, M memory (never in effect), P own policy"`
}

// PackSignal is what a pack expects of one quantity.
type PackSignal struct {
	Quantity  event.Quantity `json:"quantity"`
	Unit      string         `json:"unit" doc:"UCUM"`
	CadenceMs int64          `json:"cadence_ms" doc:"0: it is judged when it comes and not expected"`
	GraceMs   int64          `json:"grace_ms"`
	FreshMs   int64          `json:"fresh_ms" doc:"how much older than the newest input it may be and still count in the score; 0: any age"`
	Tolerance event.Decimal  `json:"tolerance" doc:"two implausible readings this close confirm each other; 0: they never do"`
	Source    string         `json:"source" doc:"id in sources"`
}

// PackScore is a score with its tables and bands.
type PackScore struct {
	ID         string     `json:"id"`
	Zh         string     `json:"zh"`
	En         string     `json:"en"`
	NoteZh     string     `json:"note_zh"`
	NoteEn     string     `json:"note_en"`
	Source     string     `json:"source"`
	AgeFrom    int        `json:"age_from" doc:"years; 0: any age"`
	MonthsFrom int        `json:"months_from"`
	MonthsTo   int        `json:"months_to" doc:"exclusive; 0: no end"`
	Pregnant   bool       `json:"pregnant" doc:"whether it holds in pregnancy"`
	Beside     bool       `json:"beside" doc:"judged beside the leading score"`
	Single     int        `json:"single" doc:"points of one part that make the band with single"`
	Parts      []PackPart `json:"parts"`
	Bands      []PackBand `json:"bands" doc:"in the order of evaluation: the first that holds is the band"`
	Ask        *PackAsk   `json:"ask,omitempty"`
}

// PackAsk says when missing signs are asked for.
type PackAsk struct {
	Upper    int              `json:"upper"`
	Above    int              `json:"above"`
	AnswerMs int64            `json:"answer_ms"`
	Severity event.Severity   `json:"severity"`
	Signs    []event.Quantity `json:"signs"`
	Source   string           `json:"source"`
}

// PackPart is one input of a score: a quantity with tables, or conditions of which the first that holds counts.
type PackPart struct {
	Quantity *event.Quantity `json:"quantity,omitempty"`
	Code     string          `json:"code,omitempty"`
	Zh       string          `json:"zh,omitempty"`
	En       string          `json:"en,omitempty"`
	Tables   []PackTable     `json:"tables" doc:"of a quantity"`
	Rows     []PackRow       `json:"rows" doc:"of conditions"`
}

// PackTable is a table of points, from low to high.
type PackTable struct {
	Scale  int         `json:"scale" doc:"oxygen scale 1 or 2; 0: both"`
	Oxygen string      `json:"oxygen" enum:",air,oxygen" doc:"empty: both"`
	Cells  []PackCells `json:"cells"`
}

// PackCells is one row of a table. Values are rounded half up to Step first; 0 is no rounding.
type PackCells struct {
	To     *event.Decimal `json:"to,omitempty" doc:"inclusive, after rounding; absent in the last row"`
	Below  *event.Decimal `json:"below,omitempty" doc:"exclusive, instead of to"`
	Step   event.Decimal  `json:"step"`
	Points int            `json:"points"`
}

// PackRow gives points when its condition holds.
type PackRow struct {
	When   string `json:"when"`
	Points int    `json:"points"`
}

// PackBand is a range of totals.
type PackBand struct {
	Name      string         `json:"name"`
	From      int            `json:"from"`
	Single    bool           `json:"single"`
	Severity  event.Severity `json:"severity"`
	Danger    bool           `json:"danger"`
	RecheckMs int64          `json:"recheck_ms"`
	Zh        string         `json:"zh"`
	En        string         `json:"en"`
}

// PackLimit is a bound of a single sign.
type PackLimit struct {
	ID         string           `json:"id"`
	Quantities []event.Quantity `json:"quantities" doc:"one, or all that have no steps of their own"`
	Above      bool             `json:"above" doc:"too high rather than too low"`
	Bound      event.Decimal    `json:"bound"`
	MgPerDL    *event.Decimal   `json:"mg_per_dl,omitempty" doc:"the same for readings sent in mg/dL"`
	Strict     bool             `json:"strict" doc:"the bound itself does not breach"`
	Severity   event.Severity   `json:"severity"`
	Danger     bool             `json:"danger" doc:"the immediate-danger band"`
	Unsure     bool             `json:"unsure" doc:"counts before an implausible reading is confirmed"`
	Readings   int              `json:"readings" doc:"how many in a row must breach"`
	Margin     event.Decimal    `json:"margin" doc:"how far back inside it must be to count as clear"`
	OnOxygen   bool             `json:"on_oxygen"`
	Source     string           `json:"source"`
	Zh         string           `json:"zh"`
	En         string           `json:"en"`
}

// PackRule is a condition.
type PackRule struct {
	ID       string         `json:"id"`
	Zh       string         `json:"zh"`
	En       string         `json:"en"`
	When     string         `json:"when" doc:"the condition as its author wrote it (CEL)"`
	Clear    string         `json:"clear,omitempty" doc:"what must hold before it goes down; absent: that the condition is known not to hold"`
	HoldMs   int64          `json:"hold_ms"`
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger"`
	Params   []PackParam    `json:"params"`
	Needs    []string       `json:"needs" doc:"facts without which it is not in effect"`
	Source   string         `json:"source"`
}

// PackParam is a number of a rule that a group or a patient may have otherwise.
type PackParam struct {
	Name  string        `json:"name"`
	Value event.Decimal `json:"value"`
	Unit  string        `json:"unit"`
	Zh    string        `json:"zh"`
	En    string        `json:"en"`
}

// PackQuestion is an answer that the pack understands.
type PackQuestion struct {
	Code    string `json:"code"`
	YesNo   bool   `json:"yes_no"`
	Unit    string `json:"unit"`
	FreshMs int64  `json:"fresh_ms"`
	EveryMs int64  `json:"every_ms" doc:"how often it is put; 0: not by itself"`
	Zh      string `json:"zh"`
	En      string `json:"en"`
}

// PackFact is a number about the patient that the pack asks the clinic for.
type PackFact struct {
	Name  string         `json:"name"`
	Unit  string         `json:"unit"`
	Usual *event.Decimal `json:"usual,omitempty" doc:"holds until another is entered"`
	Zh    string         `json:"zh"`
	En    string         `json:"en"`
}

// PackMeasure is a number that is computed and shown, and judges nothing.
type PackMeasure struct {
	ID     string `json:"id"`
	Value  string `json:"value" doc:"how it is computed (CEL)"`
	Unit   string `json:"unit"`
	Source string `json:"source"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
}

// PackLesson is a page for the patient.
type PackLesson struct {
	ID      string `json:"id"`
	TitleZh string `json:"title_zh"`
	TitleEn string `json:"title_en"`
	Zh      string `json:"zh"`
	En      string `json:"en"`
	Source  string `json:"source"`
}

// PackSilence says how grave it is when nothing comes.
type PackSilence struct {
	Severity   event.Severity `json:"severity"`
	AfterGrave event.Severity `json:"after_grave" doc:"after a finding of medium or worse"`
	RepeatMs   int64          `json:"repeat_ms"`
	Source     string         `json:"source"`
}

// PackVersion is one published version.
type PackVersion struct {
	Version int        `json:"version"`
	At      event.Time `json:"at"`
	By      []string   `json:"by" doc:"who signed it"`
	Sum     string     `json:"sum" doc:"SHA-256 of its text"`
	Needs   int        `json:"needs" doc:"signatures: of a published version those that the next one needs, of a proposed one its own"`
}

// PackGroup is a group that uses a pack.
type PackGroup struct {
	Tenant   string `json:"tenant"`
	Group    string `json:"group"`
	Zh       string `json:"zh"`
	En       string `json:"en"`
	Patients int    `json:"patients"`
	Changed  int    `json:"changed" doc:"how many numbers and rules the group has otherwise"`
}

func pageOf(p *rules.Pack) PackPage {
	page := PackPage{
		PackHead: PackHead{ID: p.ID, Version: p.Version, Zh: cmp.Or(p.Zh, p.ID), En: cmp.Or(p.En, p.ID)},
		Signals:  []PackSignal{}, Scores: []PackScore{}, Limits: []PackLimit{}, Rules: []PackRule{}, Questions: []PackQuestion{}, Facts: []PackFact{}, Measures: []PackMeasure{},
		Learn: []PackLesson{}, Sources: []PackSource{}, OwnTargets: ownOf(p),
		Silence: PackSilence{p.Silence.Severity, p.Silence.AfterGrave, p.Silence.RepeatMs, p.Silence.Source},
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if s := p.Signals[q]; s != (rules.Signal{}) {
			_, _, unit := rules.Name(q)
			page.Signals = append(page.Signals, PackSignal{q, unit, s.CadenceMs, s.GraceMs, s.FreshMs, s.Tolerance, s.Source})
		}
		for i := range p.Limits[q] {
			page.Limits = append(page.Limits, limitOf(&p.Limits[q][i], q))
		}
	}
	for i := range p.Scores {
		page.Scores = append(page.Scores, ScorePage(&p.Scores[i]))
	}
	for i := range p.Rules {
		page.Rules = append(page.Rules, ruleOfPack(&p.Rules[i]))
	}
	for _, q := range p.Questions {
		page.Questions = append(page.Questions, PackQuestion{q.Code, q.YesNo, q.Unit, q.FreshMs, q.EveryMs, q.Zh, q.En})
	}
	for _, f := range p.Facts {
		page.Facts = append(page.Facts, PackFact{f.Name, f.Unit, f.Usual, f.Zh, f.En})
	}
	for i := range p.Measures {
		m := &p.Measures[i]
		page.Measures = append(page.Measures, PackMeasure{m.ID, m.Text, m.Unit, m.Source, m.Zh, m.En})
	}
	for _, l := range p.Learn {
		page.Learn = append(page.Learn, PackLesson{ID: l.ID, TitleZh: l.TitleZh, TitleEn: l.TitleEn, Zh: l.Zh, En: l.En, Source: l.Source})
	}
	for _, s := range p.Sources {
		page.Sources = append(page.Sources, PackSource{ID: s.ID, Cite: s.Cite, Evidence: s.Evidence})
	}
	return page
}

func limitOf(l *rules.Limit, quantities ...event.Quantity) PackLimit {
	return PackLimit{ID: l.ID, Quantities: quantities, Above: l.Above, Bound: l.Bound, MgPerDL: l.AltBound, Strict: l.Strict, Severity: l.Severity, Danger: l.Danger,
		Unsure: l.Unsure, Readings: max(l.Readings, 1), Margin: l.Margin, OnOxygen: l.OnOxygen, Source: l.Source, Zh: l.Zh, En: l.En}
}

// ownOf answers the steps beyond own targets. One that holds for every quantity without steps of its own stands there once.
func ownOf(p *rules.Pack) []PackLimit {
	all := []PackLimit{}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		for i := range p.Own[q] {
			l := &p.Own[q][i]
			k := slices.IndexFunc(all, func(x PackLimit) bool { return x.ID == l.ID })
			if k >= 0 {
				all[k].Quantities = append(all[k].Quantities, q)
				continue
			}
			all = append(all, limitOf(l, q))
		}
	}
	return all
}

func ruleOfPack(r *rules.Rule) PackRule {
	zh, en := r.Words()
	out := PackRule{ID: r.ID, Zh: zh, En: en, When: r.Text, HoldMs: r.HoldMs, Severity: r.Severity, Danger: r.Danger, Params: []PackParam{}, Needs: some(r.Needs), Source: r.Source}
	if r.Clear != nil {
		out.Clear = r.Clear.String()
	}
	for _, p := range r.Params {
		out.Params = append(out.Params, PackParam{Name: p.Name, Value: p.Value, Unit: p.Unit, Zh: p.Zh, En: p.En})
	}
	return out
}

// ScorePage lays out a score as its chart prints it.
func ScorePage(sc *rules.Score) PackScore {
	out := PackScore{ID: sc.ID, Zh: sc.Zh, En: sc.En, NoteZh: sc.NoteZh, NoteEn: sc.NoteEn, Source: sc.Source, AgeFrom: sc.AgeFrom, MonthsFrom: sc.MonthsFrom, MonthsTo: sc.MonthsTo,
		Pregnant: sc.Pregnant, Beside: sc.Beside, Single: sc.Single, Parts: []PackPart{}, Bands: []PackBand{}}
	for i := range sc.Parts {
		out.Parts = append(out.Parts, partOf(&sc.Parts[i]))
	}
	for _, b := range sc.Bands {
		out.Bands = append(out.Bands, PackBand{Name: b.Name, From: b.From, Single: b.Single, Severity: b.Severity, Danger: b.Danger, RecheckMs: b.RecheckMs, Zh: b.Zh, En: b.En})
	}
	if a := sc.Ask; a != nil {
		out.Ask = &PackAsk{a.Upper, a.Above, a.AnswerMs, a.Severity, some(a.Signs), a.Source}
	}
	return out
}

func partOf(p *rules.Part) PackPart {
	out := PackPart{Code: p.Code, Zh: p.Zh, En: p.En, Tables: []PackTable{}, Rows: []PackRow{}}
	if p.Rows != nil {
		for _, r := range p.Rows {
			out.Rows = append(out.Rows, PackRow{r.When.String(), int(r.Points)})
		}
		return out
	}
	q := p.Quantity
	out.Quantity = &q
	for i := range p.Tables {
		if t, ok := tableOf(p, uint8(i)); ok {
			out.Tables = append(out.Tables, t)
		}
	}
	return out
}

// tableOf says for which oxygen scale and for whom a table is; one that nobody gets is left out.
func tableOf(p *rules.Part, i uint8) (PackTable, bool) {
	var scale, oxygen [2]bool
	for s := range p.Pick {
		for o := range p.Pick[s] {
			if p.Pick[s][o] == i {
				scale[s], oxygen[o] = true, true
			}
		}
	}
	t := PackTable{Cells: cellsOf(&p.Tables[i])}
	switch scale {
	case [2]bool{true, false}:
		t.Scale = 1
	case [2]bool{false, true}:
		t.Scale = 2
	}
	switch oxygen {
	case [2]bool{true, false}:
		t.Oxygen = "air"
	case [2]bool{false, true}:
		t.Oxygen = "oxygen"
	}
	return t, scale[0] || scale[1]
}

// steps are the grids to which charts round, as they are folded into the cuts of a table (rules.Cut).
var steps = []event.Decimal{event.One, event.One / 10, event.One / 100}

// cellsOf unfolds the cuts of a table into bounds as the chart prints them.
func cellsOf(t *rules.Table) (cells []PackCells) {
	const out = event.Decimal(1e14) // beyond every value: the last row
	for i, points := range t.Points {
		if i == len(t.Cuts) || t.Cuts[i] >= out {
			return append(cells, PackCells{Points: int(points)})
		}
		cells = append(cells, cellOf(t.Cuts[i], int(points)))
	}
	return cells
}

func cellOf(cut event.Decimal, points int) PackCells {
	for _, step := range steps {
		if bound := cut + 1 - step/2; bound%step == 0 {
			return PackCells{To: &bound, Step: step, Points: points}
		}
	}
	if below := cut + 1; below%(event.One/1000) == 0 {
		return PackCells{Below: &below, Points: points}
	}
	return PackCells{To: &cut, Points: points}
}

// heads answers every pack that was published, by id.
func (p *past) heads(now event.Time) []PackHead {
	p.mu.RLock()
	ids := make([]string, 0, len(p.packs))
	for id := range p.packs {
		ids = append(ids, id)
	}
	p.mu.RUnlock()
	slices.Sort(ids)
	all := make([]PackHead, 0, len(ids))
	for _, id := range ids {
		if page, ok := p.head(id, now); ok {
			all = append(all, page.PackHead)
		}
	}
	return all
}

// head answers what a pack is, who uses it and what it led to of late.
func (p *past) head(id string, now event.Time) (PackPage, bool) {
	text, ok := p.textOf(id)
	if !ok {
		return PackPage{}, false
	}
	page := p.try(text).page
	p.usage(&page)
	page.Last30, page.Complete = p.last30(id, now)
	return page, true
}

// page answers one pack with its tests and its record.
func (p *past) page(id string, now event.Time) (PackPage, bool) {
	page, ok := p.head(id, now)
	if !ok {
		return page, false
	}
	text, _ := p.textOf(id)
	one := p.try(text)
	page.Tests, page.Record = one.run(text), p.record(id, one.zoneMin, now)
	return page, true
}

func (p *past) textOf(id string) (string, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := p.packs[id]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1].text, true
}

// usage fills in who published what and who uses it.
func (p *past) usage(page *PackPage) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	page.Versions, page.UsedBy = []PackVersion{}, []PackGroup{}
	for _, v := range p.packs[page.ID] {
		page.Versions = append(page.Versions, v.page())
	}
	slices.Reverse(page.Versions)
	if v, waits := p.proposed[page.ID]; waits {
		x := v.page()
		page.Proposed = &x
	}
	newest := page.Versions[0]
	page.PublishedAt, page.PublishedBy = newest.At, newest.By
	count := map[string]int{}
	for _, life := range p.people {
		uses := false
		for _, g := range life[len(life)-1].groups {
			count[g]++
			uses = uses || p.packOf(g, event.Never) == page.ID
		}
		if uses {
			page.Patients++
		}
	}
	for key, uses := range p.groups {
		if u := uses[len(uses)-1].set; cmp.Or(u.Pack, rules.DefaultPack) == page.ID {
			page.UsedBy = append(page.UsedBy, PackGroup{u.Tenant, u.Group, cmp.Or(u.Zh, u.Group), cmp.Or(u.En, u.Group), count[key], len(u.Overrides)})
		}
	}
	slices.SortFunc(page.UsedBy, func(a, b PackGroup) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Group, b.Group))
	})
	page.Groups = len(page.UsedBy)
}

func (v version) page() PackVersion {
	return PackVersion{v.number, v.at, some(v.signed), v.sum, max(v.needs, 1)}
}

func noPack(id string) *Problem {
	return refuse(http.StatusNotFound, "unknown", "没有规则包 "+id, "there is no pack "+id+"; it may not have been published")
}
