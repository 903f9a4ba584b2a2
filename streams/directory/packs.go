package directory

import (
	"slices"
	"strings"

	"tocsin/streams/event"
)

// Packs: published, proposed, signed by a second person, declined (RUL-3).

// proposing answers the pack with what waits for signatures; nil: nothing does.
func (p *Pack) proposing(waits *Proposed) *Pack {
	next := Pack{}
	if p != nil {
		next = *p
	}
	next.Proposed = waits
	return &next
}

// waiting answers what waits for signatures; nil: nothing.
func (p *Pack) waiting() *Proposed {
	if p == nil {
		return nil
	}
	return p.Proposed
}

func (m Machine) decidePack(s Entity, id string, r *event.PackRequested) []event.Event {
	is, why := m.checkPack(r.Pack, r.Version, r.Text)
	if why != nil {
		return refuse(id, *why)
	}
	sum := Sum(r.Text)
	if s.Pack != nil && s.Pack.Version > 0 {
		switch {
		case is.Version == s.Pack.Version && sum == s.Pack.Sum:
			return nil
		case is.Version <= s.Pack.Version:
			return refuse(id, packNotNewer(r.Pack, is.Version, s.Pack.Version))
		}
	}
	if why := checkDraft(s.Pack, sum, r); why != nil {
		return refuse(id, *why)
	}
	return signed(s.Pack, id, is, r.Text, r.By, r.Draft)
}

// checkPack compiles a text and holds it against what was said of it.
func (m Machine) checkPack(pack string, version int, text string) (Checked, *refusal) {
	if m.Check == nil {
		why := packFault(pack, "this program has no compiler for packs")
		return Checked{}, &why
	}
	is, err := m.Check(text)
	var why refusal
	switch {
	case err != nil:
		why = packFault(pack, err.Error())
	case is.Pack != pack || is.Version != version:
		why = packFault(pack, "its text says that it is another: "+named(is.Pack, is.Version))
	default:
		return is, nil
	}
	return is, &why
}

// checkDraft answers why something may not be proposed now. A draft stands on the text in effect that it changes, and brings what it would
// have warned of, or why that is not known. While a draft waits, nobody puts another text in its place: it is signed, or declined with a reason.
func checkDraft(p *Pack, sum string, r *event.PackRequested) *refusal {
	w, d := p.waiting(), r.Draft
	switch {
	case w != nil && w.Draft && (d != nil || w.Sum != sum):
		why := packWaits(r.Pack, w.Version, w.Signed)
		return &why
	case d == nil:
		return nil
	case p == nil || p.Version == 0:
		why := unknownPack(r.Pack)
		return &why
	case d.Based != p.Sum:
		return &packOvertaken
	case d.Backtest == nil && strings.TrimSpace(d.Without) == "", d.Backtest != nil && (d.Backtest.Sum != sum || d.Backtest.Against != p.Sum):
		return &packUntried
	}
	return nil
}

// decideSign signs what waits, and nothing else: a text that was declined or overtaken meanwhile is not proposed anew by it.
func (m Machine) decideSign(s Entity, id string, r *event.PackSignRequested) []event.Event {
	w := s.Pack.waiting()
	if w == nil || w.Sum != Sum(r.Text) {
		return refuse(id, packNotWaiting)
	}
	is, why := m.checkPack(r.Pack, r.Version, r.Text)
	if why != nil {
		return refuse(id, *why)
	}
	return signed(s.Pack, id, is, r.Text, r.By, nil)
}

// signed puts a text into effect when enough people have signed it; else it waits.
func signed(p *Pack, id string, is Checked, text, by string, draft *event.Draft) []event.Event {
	sum := Sum(text)
	all := signedBy(p, sum, by)
	if all == nil {
		return refuse(id, packSignedAlready(is.Pack, by))
	}
	needs := signatures(p)
	if w := p.waiting(); w != nil && w.Sum == sum {
		needs = max(needs, w.Needs)
	}
	if draft != nil {
		needs = max(needs, draftSignatures)
	}
	if len(all) < needs {
		return one(&event.PackProposed{Pack: is.Pack, Version: is.Version, Sum: sum, Text: text, Signed: all, Needs: needs, Draft: draft})
	}
	return one(&event.PackPublished{Pack: is.Pack, Version: is.Version, Sum: sum, Text: text, Signatures: is.Signatures, Signed: all})
}

// decideDecline ends the wait of a proposal.
func decideDecline(s Entity, id string, r *event.PackDeclineRequested) []event.Event {
	w := s.Pack.waiting()
	switch {
	case w == nil || w.Sum != r.Sum:
		return refuse(id, packNotWaiting)
	case strings.TrimSpace(r.Why) == "":
		return refuse(id, packNoReason)
	}
	return one(&event.PackDeclined{Pack: r.Pack, Version: w.Version, Sum: w.Sum, Why: r.Why, By: r.By})
}

// draftSignatures is how many people a draft takes, whatever the pack in effect asks for: who proposed it and one more.
const draftSignatures = 2

// signatures answers how many people must sign the next version: as the one in effect says.
func signatures(p *Pack) int {
	if p == nil {
		return 1
	}
	return max(p.Signatures, 1)
}

// signedBy answers who will have signed a text when by does; nil when that is nobody new.
func signedBy(p *Pack, sum, by string) []string {
	w := p.waiting()
	if w == nil || w.Sum != sum {
		return []string{by}
	}
	if slices.Contains(w.Signed, by) {
		return nil
	}
	return append(slices.Clone(w.Signed), by)
}
