package deploy

import (
	"context"
	"time"

	"tocsin/alerts/audit"
	"tocsin/streams"
)

// once reads every partition to where it ends now and answers what is wrong, and how many warnings are open. How old
// what came in is can only be taken from the log's own stamps here.
func (a *auditor) once(ctx context.Context) (found []audit.Finding, open int, err error) {
	for _, p := range a.parts {
		if err := p.once(ctx, a); err != nil {
			return nil, 0, err
		}
		found = append(found, p.looks.last...)
		for _, s := range p.patients {
			open += len(s.Open)
		}
	}
	return found, open, nil
}

func (p *audited) once(ctx context.Context, a *auditor) error {
	inputs, decisions, err := p.ends(ctx, a.log)
	if err != nil {
		return err
	}
	if decisions > 0 {
		err = p.fold(ctx, a.log, func(read int64) bool { return read >= decisions })
	}
	at := a.clock()
	if err != nil && !p.gaveUp(err, at) {
		return err
	}
	l := &p.looks
	l.read, l.settled, l.grew = mark{at, 0}, mark{at, inputs}, mark{at, inputs}
	if l.settled.at, err = p.stamp(ctx, a.log, p.covered, inputs, at); err != nil {
		return err
	}
	if l.grew.at, err = p.stamp(ctx, a.log, inputs-1, inputs, at); err != nil {
		return err
	}
	l.known = p.find(at, a.within)
	l.last = p.standing(at, a.within)
	return nil
}

// stamp answers when the input at an offset was written; otherwise when there is none.
func (p *audited) stamp(ctx context.Context, log streams.Log, offset, end int64, otherwise time.Time) (time.Time, error) {
	if offset < 0 || offset >= end {
		return otherwise, nil
	}
	r, err := streams.RecordAt(ctx, log, streams.Inputs, p.number, offset)
	if err != nil {
		return otherwise, err
	}
	return time.UnixMilli(r.AppendMs), nil
}
