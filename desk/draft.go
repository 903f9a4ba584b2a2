package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"tocsin/rules/pack"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// A pack that is changed at the desk (screen 6; RUL-3, RUL-4, RUL-11): written as a draft, held against the version in effect over what
// has been recorded, proposed, and only then taken live by a second person.
//
// Who may: leads and doctors, since what is too much is a medical judgement and theirs to answer for; and of these only who sees every
// patient. A pack judges the patients of all tenants, and a backtest counts them all: somebody who answers for a part of them neither
// decides for the rest nor is told numbers of them. To propose, sign and decline takes a person who has signed in; a program's token is none.

var mayDraft = oneOf(roleLead, roleDoctor)

// drafting refuses who may not change packs at the desk.
func drafting(ctx context.Context) error {
	if !everywhere(identityOf(ctx).Scope) {
		return refuse(http.StatusForbidden, "relation", "规则包作用于全部患者，仅可查看全部患者的账号可以修改", "a pack judges every patient: only an account that sees them all may change it")
	}
	return nil
}

// signing is drafting for what takes a person.
func signing(ctx context.Context) error {
	if identityOf(ctx).token {
		return refuse(http.StatusForbidden, "person", "提出、签署和退回须由本人登录操作，令牌不可代替", "a person proposes, signs and declines: sign in, a token does not stand for somebody")
	}
	return drafting(ctx)
}

// DraftPage is what whoever changes a pack begins with.
type DraftPage struct {
	Current  PackText  `json:"current" doc:"in effect; a draft is begun from it"`
	Proposed *Proposal `json:"proposed,omitempty" doc:"what waits for a second signature"`
	Declined *Declined `json:"declined,omitempty" doc:"what was declined last, until something is proposed again"`
	Backtest bool      `json:"backtest" doc:"whether this desk can run one"`
}

// PackText is a version of a pack as it was written.
type PackText struct {
	Version int    `json:"version"`
	Sum     string `json:"sum" doc:"SHA-256 of its text"`
	Text    string `json:"text" doc:"YAML"`
}

// Proposal is a version that waits for signatures, with what its proposer saw.
type Proposal struct {
	PackVersion
	Text  string       `json:"text" doc:"YAML"`
	Draft *event.Draft `json:"draft,omitempty" doc:"absent when it was not proposed at a desk"`
}

// Declined is a version that somebody declined.
type Declined struct {
	Version int        `json:"version"`
	Sum     string     `json:"sum"`
	By      string     `json:"by"`
	At      event.Time `json:"at"`
	Why     string     `json:"why"`
}

// DraftBody is a draft as it stands in the editor.
type DraftBody struct {
	Text string `json:"text" minLength:"1" maxLength:"60000" doc:"YAML"`
}

// DraftChecked is what the loader says of a draft.
type DraftChecked struct {
	Faults  []DraftFault `json:"faults" doc:"in the order of the text; empty: it is in order"`
	Version int          `json:"version" doc:"that it says of itself; 0 when it cannot be read"`
	Sum     string       `json:"sum"`
	Changed bool         `json:"changed" doc:"it differs from the version in effect"`
	Newer   bool         `json:"newer" doc:"its version is above the one in effect: without that it cannot be proposed"`
	Tests   PackTests    `json:"tests" doc:"the pack's cases, run on the draft"`
}

// DraftFault is one thing wrong with a draft, and where.
type DraftFault struct {
	Line   int    `json:"line" doc:"from 1"`
	Column int    `json:"column" doc:"from 1, in characters"`
	Says   string `json:"says" doc:"as the loader words it, in English"`
}

// ProposeBody proposes a draft.
type ProposeBody struct {
	Text    string `json:"text" minLength:"1" maxLength:"60000" doc:"YAML"`
	Based   string `json:"based" minLength:"64" maxLength:"64" doc:"sum of the version in effect that it changes"`
	Without string `json:"without,omitempty" maxLength:"500" doc:"why there is no backtest to rest on; heard only where none can be run, or where it counted less than 7 patient-days"`
}

// SignBody signs a proposal.
type SignBody struct {
	Sum string `json:"sum" minLength:"64" maxLength:"64" doc:"of the text that was read: another is not signed unseen"`
}

// DeclineBody declines a proposal, or withdraws one's own.
type DeclineBody struct {
	Sum string `json:"sum" minLength:"64" maxLength:"64"`
	Why string `json:"why" minLength:"1" maxLength:"500"`
}

// draft answers what a change of a pack begins with.
func (s *Server) draft(ctx context.Context, id string) (DraftPage, error) {
	if err := drafting(ctx); err != nil {
		return DraftPage{}, err
	}
	page, ok := s.past.draft(id)
	if !ok {
		return page, noPack(id)
	}
	page.Backtest = s.o.Backtest != nil
	return page, nil
}

func (p *past) draft(id string) (page DraftPage, known bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := p.packs[id]
	if len(all) == 0 {
		return page, false
	}
	v := all[len(all)-1]
	page.Current = PackText{v.number, v.sum, v.text}
	if w, waits := p.proposed[id]; waits {
		page.Proposed = &Proposal{w.page(), w.text, w.draft}
	}
	if d, was := p.declined[id]; was {
		page.Declined = &d
	}
	return page, true
}

// checkDraft reads a draft as the loader will, and runs the pack's cases on it. Two at a time: it is asked while people type.
func (s *Server) checkDraft(ctx context.Context, id, text string) (DraftChecked, error) {
	page, err := s.draft(ctx, id)
	if err != nil {
		return DraftChecked{}, err
	}
	select {
	case s.trying <- struct{}{}:
		defer func() { <-s.trying }()
	case <-ctx.Done():
		return DraftChecked{}, ctx.Err()
	}
	c := DraftChecked{Faults: faultsOf(id, text), Sum: directory.Sum(text), Changed: text != page.Current.Text, Tests: PackTests{State: "none", Cases: []PackCase{}}}
	if len(c.Faults) > 0 {
		return c, nil
	}
	if p, err := pack.Compile(text); err == nil {
		c.Version, c.Newer = p.Version, p.Version > page.Current.Version
	}
	c.Tests = tryCases(id, text, pack.Cases()[id])
	return c, nil
}

// faultsOf answers everything that keeps a text from being a version of a pack.
func faultsOf(id, text string) []DraftFault {
	p, err := pack.Compile(text)
	var all pack.Faults
	switch {
	case errors.As(err, &all):
		faults := make([]DraftFault, len(all))
		for i, f := range all {
			faults[i] = DraftFault{f.Line, f.Column, f.Says}
		}
		return faults
	case err != nil:
		return []DraftFault{{1, 1, err.Error()}}
	case p.ID != id:
		return []DraftFault{{firstLine(text, "pack:"), 1, "this is a draft of pack " + id + ", and its text says that it is " + p.ID}}
	}
	return []DraftFault{}
}

// firstLine answers the first line that begins so; 1 where none does.
func firstLine(text, begins string) int {
	return max(1, 1+slices.IndexFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(l, begins) }))
}

// propose asks the registrar to let a draft wait for a second person. What it would have warned of is this server's own count, never
// what a page says; where there can be none, the proposer says why.
func (s *Server) propose(ctx context.Context, id string, in ProposeBody) error {
	if err := signing(ctx); err != nil {
		return err
	}
	page, ok := s.past.draft(id)
	if !ok {
		return noPack(id)
	}
	if faults := faultsOf(id, in.Text); len(faults) > 0 {
		return badDraft(faults)
	}
	p, err := pack.Compile(in.Text)
	if err != nil {
		return err // it was read a moment ago
	}
	draft, problem := s.evidence(page, in)
	if problem != nil {
		return problem
	}
	return s.tell(ctx, &event.PackRequested{Pack: id, Version: p.Version, Text: in.Text, By: identityOf(ctx).Account, Draft: draft})
}

func badDraft(faults []DraftFault) *Problem {
	p := refuse(http.StatusUnprocessableEntity, "bad_pack", "草稿有误，未提出", "the draft is not in order, and was not proposed")
	for _, f := range faults {
		p.Errors = append(p.Errors, ProblemField{Where: "body.text:" + itoa(f.Line) + ":" + itoa(f.Column), Message: f.Says})
	}
	return p
}

// evidence answers what goes with a proposal: the backtest of this very text against the version in effect, or why there is none.
func (s *Server) evidence(page DraftPage, in ProposeBody) (*event.Draft, *Problem) {
	d, sum := &event.Draft{Based: in.Based}, directory.Sum(in.Text)
	one, ran := s.backtests.of(sum, page.Current.Sum)
	switch {
	case s.o.Backtest == nil:
		d.Fault = noBacktests.En
	case !ran:
		return nil, refuse(http.StatusConflict, "no_backtest", "该文本尚未在本预警台对照当前版本回测；请先回测", "this very text has not been backtested here against the version in effect: backtest it first")
	case one.State == backtestFailed:
		d.Fault = one.Fault.En
	default:
		d.Backtest = one.fact()
	}
	if d.Backtest != nil && d.Backtest.PatientDays >= event.Int(leastPatientDays) {
		return d, nil
	}
	if d.Without = strings.TrimSpace(in.Without); d.Without == "" {
		return nil, refuse(http.StatusConflict, "no_reason", "没有可依据的回测（未完成，或不足 7 患者日），请说明理由", "there is no backtest to rest on, none or of less than 7 patient-days: say why it is proposed all the same")
	}
	return d, nil
}

// sign puts a name under what waits; the last one that is needed puts it into effect.
func (s *Server) sign(ctx context.Context, id string, in SignBody) error {
	if err := signing(ctx); err != nil {
		return err
	}
	page, ok := s.past.draft(id)
	switch {
	case !ok:
		return noPack(id)
	case page.Proposed == nil || page.Proposed.Sum != in.Sum:
		return refuse(http.StatusConflict, "not_waiting", "等待签署的已不是该文本，请重新查看", "this text waits for no signature any more: look again at what does")
	}
	return s.tell(ctx, &event.PackSignRequested{Pack: id, Version: page.Proposed.Version, Text: page.Proposed.Text, By: identityOf(ctx).Account})
}

// decline ends the wait of a proposal. Its proposer may do that too.
func (s *Server) decline(ctx context.Context, id string, in DeclineBody) error {
	if err := signing(ctx); err != nil {
		return err
	}
	if _, ok := s.past.draft(id); !ok {
		return noPack(id)
	}
	return s.tell(ctx, &event.PackDeclineRequested{Pack: id, Sum: in.Sum, Why: in.Why, By: identityOf(ctx).Account})
}
