package desk

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tocsin/streams/course"
	"tocsin/streams/event"
)

// History answers a patient's readings that were measured in [from, to) and known to the desk at the moment known
// (event.Never: now), oldest first, each identity once. Truncated wraps ErrTooMany. Course and Axis answer what stands on one
// time axis, in about so many points whatever the span.
type History interface {
	Course(ctx context.Context, tenant, patient string, from, to event.Time, points int) (course.Readings, error)
	Axis(ctx context.Context, tenant, patient string, from, to event.Time, points int) (course.Axis, error)
	Readings(ctx context.Context, tenant, patient string, from, to, known event.Time) ([]Reading, error)
}

// ErrTooMany is wrapped by a History when a span holds more readings than one answer may.
var ErrTooMany = errors.New("more readings than one answer may have")

const (
	defaultSpan     = 24 * time.Hour
	readingsWithin  = 10 * time.Second
	historyOn       = "on"
	historyOff      = "off"
	longestSpanDays = 3660
)

// readings answers what history holds, or that it is off.
func (s *Server) readings(ctx context.Context, tenant, patient string, from, to, known time.Time) (string, []Reading, error) {
	if err := s.see(ctx, tenant, patient, "chart.read"); err != nil {
		return historyOn, nil, err
	}
	if s.o.History == nil {
		return historyOff, []Reading{}, nil
	}
	if to.IsZero() {
		to = s.o.Now()
	}
	if from.IsZero() {
		from = to.Add(-defaultSpan)
	}
	if !from.Before(to) || to.Sub(from) > longestSpanDays*24*time.Hour {
		return historyOn, nil, refuse(http.StatusUnprocessableEntity, "span", "时间范围有误", "from must lie before to, by ten years at most")
	}
	ctx, stop := context.WithTimeout(ctx, readingsWithin)
	defer stop()
	asOf := event.Never
	if !known.IsZero() {
		asOf = event.TimeOf(known)
	}
	rs, err := s.o.History.Readings(ctx, tenant, patient, event.TimeOf(from), event.TimeOf(to), asOf)
	switch {
	case errors.Is(err, ErrTooMany):
		return historyOn, nil, refuse(http.StatusUnprocessableEntity, "too_many", "数据过多，请缩短时间范围", "too many readings for one answer; choose a shorter span")
	case err != nil:
		return historyOn, nil, noHistory(err)
	}
	return historyOn, some(rs), nil
}

func noHistory(err error) error {
	return refuse(http.StatusBadGateway, "history", "历史数据暂不可用", "history does not answer now; warnings are not affected: "+err.Error())
}
