package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/streams"
	"tocsin/streams/event"
)

// What did the desk know at 03:10? (FEATURES HIS-2) The same fold, of the log up to that moment.

// Then is what a desk knew of one patient at a moment.
type Then struct {
	Patient
	Offset int64 // of the closing record in decisions; -1 before the first
	Clock  event.Time
}

// AsOf answers what every desk knew of a patient at the moment until; false: nothing at all. streams.ErrTrimmed: the log
// does not reach back so far.
type AsOf func(ctx context.Context, partition int32, key string, until event.Time) (Then, bool, error)

// LookBack answers from the log, whose patients are joined of rules, alerts and care, in this order.
func LookBack[A, FA any](log streams.Log, parts streams.Parts[streams.Three[A, alerts.State, care.State], streams.Three[FA, alerts.Facts, care.Facts]],
	look func(facts func() FA, state A) Looked) AsOf {
	return func(ctx context.Context, partition int32, key string, until event.Time) (Then, bool, error) {
		r, err := streams.AsOf(ctx, log, streams.PatientPair, partition, parts, key, until)
		if err != nil {
			return Then{}, false, err
		}
		s, ok := r.Get(key)
		facts := r.Common().A
		return Then{Patient{Alerts: s.B, Care: s.C, Looked: look(func() FA { return facts }, s.A)}, r.At().Offset, r.Clock()}, ok, nil
	}
}

const (
	lookBackWithin = 10 * time.Second
	lookBacks      = 2 // at the same time: each reads a part of the log
)

// storyThen answers a warning as it was known at a moment.
func (s *Server) storyThen(ctx context.Context, id string, at time.Time) (WarningStory, error) {
	now, known := s.ward.find(id)
	if !known {
		return WarningStory{}, noWarning()
	}
	tenant, patient := streams.SplitPatientKey(now.key)
	if err := s.see(ctx, tenant, patient, "chart.read"); err != nil {
		return WarningStory{}, err
	}
	until := event.TimeOf(at)
	then, ok, err := s.lookBack(ctx, now.partition, now.key, until)
	if err != nil {
		return WarningStory{}, err
	}
	if ok {
		if was, raised := then.warning(now.key, id); raised {
			return storyOf(was, then.names(), lastOfProblem(then.Alerts.Closed, was), &until), nil
		}
	}
	return WarningStory{}, refuse(http.StatusNotFound, "not_yet", "当时尚无此预警", "this warning did not exist yet at that moment")
}

// lookBack waits its turn and asks the log.
func (s *Server) lookBack(ctx context.Context, partition int32, key string, until event.Time) (Then, bool, error) {
	switch {
	case s.o.AsOf == nil:
		return Then{}, false, refuse(http.StatusServiceUnavailable, "off", "此预警台不能回看", "this desk cannot look back")
	case until > event.TimeOf(s.o.Now()):
		return Then{}, false, refuse(http.StatusUnprocessableEntity, "span", "时间范围有误", "as_of lies ahead: what will be known nobody knows")
	}
	ctx, stop := context.WithTimeout(ctx, lookBackWithin)
	defer stop()
	var then Then
	var ok bool
	var err error
	select {
	case s.lookingBack <- struct{}{}:
		then, ok, err = s.o.AsOf(ctx, partition, key, until)
		<-s.lookingBack
	case <-ctx.Done():
		err = ctx.Err()
	}
	switch {
	case errors.Is(err, streams.ErrTrimmed):
		return Then{}, false, refuse(http.StatusGone, "trimmed", "日志已不含该时刻", "the log does not reach back to that moment any more")
	case errors.Is(err, context.DeadlineExceeded):
		return Then{}, false, refuse(http.StatusServiceUnavailable, "slow", "回看用时过长，请稍后再试", fmt.Sprintf("looking back took longer than %s; try again later", lookBackWithin))
	}
	return then, ok, err
}

// warning answers a warning as it stood then, open or closed.
func (t Then) warning(key, id string) (shown, bool) {
	s := shown{mark: mark{offset: t.Offset}, key: key, group: t.Care.Group(), clinic: t.Care.Clinic}
	for i := range t.Alerts.Closed {
		if past := &t.Alerts.Closed[i]; past.Alert == id {
			s.w, s.past = past.Warning, past
			return s, true
		}
	}
	for _, a := range t.Alerts.Open {
		if a.Alert == id {
			s.w = a
			return s, true
		}
	}
	return s, false
}

// names are those of what the patient's packs ask for, as the packs were then.
func (t Then) names() map[string]WordPair {
	if t.Stands == nil || t.Care.Group() == "" {
		return map[string]WordPair{}
	}
	if st := t.Stands(t.Clock); st.Pack != nil {
		return namesOf(st.Pack)
	}
	return map[string]WordPair{}
}
