package deploy

import (
	"context"
	"errors"
	"sync"
	"time"

	"tocsin/rules"
	"tocsin/rules/backtest"
)

// backtestAsked is what is asked of a backtest, whoever asks: the command, or a desk.
type backtestAsked struct {
	setting   backtest.Setting
	candidate backtest.Pack
	against   string // current, recorded or a file
	warmup    time.Duration
	cores     int                         // 0: all
	rest      func(context.Context) error // between steps; nil: it works without a break
}

// job surveys the record and decides what is held against what.
func (b backtestAsked) job(ctx context.Context, rec record) (*backtestJob, error) {
	survey, err := surveyed(ctx, rec, b.cores)
	if err != nil {
		return nil, err
	}
	s := b.setting
	scope, err := survey.Scope(b.candidate.ID, s.Group)
	if err != nil {
		return nil, err
	}
	j := &backtestJob{record: rec, scope: scope, cores: b.cores, rest: b.rest}
	s.Source = rec.name()
	if s.Names[0], j.swaps, err = b.sides(survey, scope); err != nil {
		return nil, err
	}
	s.Names[1] = b.candidate.String()
	j.setting = s
	if b.warmup > 0 {
		j.warmup = s.Span.From.Add(-b.warmup)
	}
	j.size, err = rec.size(ctx)
	return j, err
}

// sides decides what each side hears in place of the packs that were published.
func (b backtestAsked) sides(survey *backtest.Survey, scope backtest.Scope) (string, [2]*backtest.Swap, error) {
	base := survey.InForce()
	name := "packs in force"
	if p, ok := survey.Pack(b.candidate.ID); ok {
		name = p.String()
	}
	against := base
	switch b.against {
	case "current":
	case "recorded":
		base = backtest.AsRecorded()
		name, against = "packs as recorded", base
	default:
		p, err := readPack(b.against)
		if err != nil {
			return "", [2]*backtest.Swap{}, err
		}
		name, against = p.String(), base.With(survey, scope, p)
	}
	return name, [2]*backtest.Swap{against, base.With(survey, scope, b.candidate)}, nil
}

// surveyed reads the facts of all partitions, so many at once; 0: all.
func surveyed(ctx context.Context, rec record, atOnce int) (*backtest.Survey, error) {
	n, err := rec.partitions(ctx)
	if err != nil {
		return nil, err
	}
	if atOnce == 0 {
		atOnce = int(n)
	}
	each := make([]*backtest.Survey, n)
	faults := make([]error, n)
	turn := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for p := range n {
		all.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			each[p] = backtest.NewSurvey(rules.DefaultPack)
			faults[p] = rec.facts(ctx, p, each[p].Hear)
		})
	}
	all.Wait()
	whole := backtest.NewSurvey(rules.DefaultPack)
	for _, s := range each {
		whole.Merge(s)
	}
	return whole, errors.Join(faults...)
}
