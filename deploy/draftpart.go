package deploy

import (
	"context"
	"sync/atomic"
	"time"

	"tocsin/desk"
	"tocsin/rules/backtest"
)

// backtestOf is a backtest as the desk asks for one: the functions of `tocsin backtest` over the log or history of this process, on one
// core, and on that no more than half of the time. A backtest that took all there is would delay a warning for a number.
func (a *App) backtestOf(ctx context.Context, draft backtest.Pack, span backtest.Span, told func(done, total int64)) (*backtest.Report, error) {
	rec, err := a.recorded(ctx)
	if err != nil {
		return nil, err
	}
	j, err := backtestAsked{candidate: draft, against: "current", cores: 1, rest: halfTime(),
		setting: backtest.Setting{Span: span, Tolerance: backtest.DefaultTolerance, Lead: backtest.DefaultLead}}.job(ctx, rec)
	if err != nil {
		return nil, err
	}
	var folded atomic.Int64
	j.told = func(n int64) { told(min(folded.Add(n), j.size), j.size) }
	told(0, j.size)
	return j.run(ctx)
}

// recorded answers the log while it has its beginning, else history, as the command does.
func (a *App) recorded(ctx context.Context) (record, error) {
	log := recordedLog{a.store}
	whole, err := log.whole(ctx)
	switch {
	case err != nil:
		return nil, err
	case whole:
		return log, nil
	case a.past == nil:
		return nil, desk.ErrNothingRecorded
	}
	return recordedHistory{a.past}, nil
}

// How long a backtest of the desk works before it rests, and how long it rests at most.
const (
	stretch     = 5 * time.Millisecond
	longestRest = time.Second // after a wait for the record, which was no work
)

// halfTime rests as long as was worked since the last rest, once that was long enough to be worth it. Only one may use it at a time.
func halfTime() func(context.Context) error {
	began := time.Now()
	return func(ctx context.Context) error {
		worked := time.Since(began)
		if worked < stretch {
			return nil
		}
		rested := time.NewTimer(min(worked, longestRest))
		defer rested.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rested.C:
		}
		began = time.Now()
		return nil
	}
}
