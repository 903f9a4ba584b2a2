package desk

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
	"tocsin/streams/course"
	"tocsin/streams/event"
)

// How is she, over months? Everything that is known of one patient on one time axis, from ten minutes to two years.

// Course is that, in an answer whose size does not depend on the span.
type Course struct {
	History  string          `json:"history" enum:"on,off"`
	Group    string          `json:"group" doc:"that leads the care now"`
	From     event.Time      `json:"from"`
	To       event.Time      `json:"to"`
	StepMs   int64           `json:"step_ms" doc:"readings are drawn together over so long a stretch; 0: each stands by itself"`
	Signals  []CourseSignal  `json:"signals" doc:"those without a doubt hold all that is believed; where readings are drawn together, those of doubtful clocks stand beside once more"`
	Scores   []CoursePoint   `json:"scores" doc:"[first, last, least lower bound, greatest lower bound, greatest upper bound, lower and upper bound that stood at last]; the bounds are -1 when there was no score. The first may lie before the span"`
	Warnings []CourseWarning `json:"warnings" doc:"that were open in the span, in the order of raising"`
	LeftOut  int             `json:"left_out" doc:"further warnings, lighter or older ones"`
	Events   []CourseEvent   `json:"events" doc:"oldest first"`
	Spans    []CourseSpan    `json:"spans"`
}

// CourseSignal is one quantity, as far as one doubt goes.
type CourseSignal struct {
	Quantity event.Quantity `json:"quantity"`
	Doubt    string         `json:"doubt" enum:",disowned,unconfirmed,low_quality,test,clock,clock_corrected"`
	Points   []CoursePoint  `json:"points" doc:"a reading as [moment, value], or what was drawn together as [first, last, least, greatest]; moments are milliseconds since 1970"`
}

// CoursePoint is a point or a stretch, as numbers: there are thousands.
type CoursePoint []json64

// json64 is a number that is written as short as it can be.
type json64 struct {
	at event.Time
	v  event.Decimal
	is bool // a value and no moment
}

// MarshalJSON writes the number.
func (n json64) MarshalJSON() ([]byte, error) {
	if n.is {
		return n.v.Append(nil), nil
	}
	return strconv.AppendInt(nil, int64(n.at), 10), nil
}

// Schema says that it is a list of numbers.
func (CoursePoint) Schema(huma.Registry) *huma.Schema {
	two, seven := 2, 7
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeNumber}, MinItems: &two, MaxItems: &seven}
}

func moments(all ...event.Time) (p CoursePoint) {
	for _, at := range all {
		p = append(p, json64{at: at})
	}
	return p
}

func (p CoursePoint) values(all ...event.Decimal) CoursePoint {
	for _, v := range all {
		p = append(p, json64{v: v, is: true})
	}
	return p
}

// CourseWarning is a warning as a bar from its raising to its close.
type CourseWarning struct {
	ID         string         `json:"id"`
	Problem    string         `json:"problem"`
	Severity   event.Severity `json:"severity" doc:"the gravest that it has been"`
	RaisedAt   event.Time     `json:"raised_at"`
	ClosedAt   *event.Time    `json:"closed_at,omitempty" doc:"absent: it is open"`
	Rule       string         `json:"rule"`
	Zh         string         `json:"zh" doc:"why it was raised"`
	En         string         `json:"en"`
	AcceptedBy string         `json:"accepted_by,omitempty" doc:"who took it first"`
	ClosedBy   string         `json:"closed_by,omitempty"`
	Outcome    string         `json:"outcome,omitempty"`
	Page       bool           `json:"page" doc:"this desk still has the warning's own page"`
}

// CourseEvent is one thing, or several that would lie on each other.
type CourseEvent struct {
	Lane    string     `json:"lane" enum:"contacts,notices,answers,plan,care"`
	From    event.Time `json:"from"`
	To      event.Time `json:"to" doc:"of several the last; else the same moment"`
	N       int        `json:"n"`
	Zh      string     `json:"zh" doc:"of several, the last"`
	En      string     `json:"en"`
	Warning string     `json:"warning,omitempty" doc:"which it was about"`
}

// CourseSpan is a time for which something held.
type CourseSpan struct {
	Kind     string         `json:"kind" enum:"watched,away,silent,planned,unheard" doc:"watched: between enrolment and the end of care; away: after the end of care; silent: a signal that should have come did not; planned: silence is excused; unheard: a door was shut, and nothing counts as silence"`
	From     event.Time     `json:"from"`
	To       *event.Time    `json:"to,omitempty" doc:"absent: it lasts"`
	Quantity event.Quantity `json:"quantity,omitempty"`
	Text     string         `json:"text,omitempty" doc:"why, as it was written; of unheard, the door"`
}

// pointsOfEvent is how many points wide a mark is.
const pointsOfEvent = 3

// course answers what stands on the time axis of a patient over a span.
func (s *Server) course(ctx context.Context, tenant, patient string, from, to time.Time, points int) (Course, error) {
	if err := s.see(ctx, tenant, patient, "chart.read"); err != nil {
		return Course{}, err
	}
	if to.IsZero() {
		to = s.o.Now()
	}
	if from.IsZero() {
		from = to.Add(-defaultSpan)
	}
	if !from.Before(to) || to.Sub(from) > longestSpanDays*24*time.Hour {
		return Course{}, refuse(http.StatusUnprocessableEntity, "span", "时间范围有误", "from must lie before to, by ten years at most")
	}
	now, _ := s.o.Directory.Patient(tenant, patient)
	c := Course{History: historyOff, Group: now.Group, From: event.TimeOf(from), To: event.TimeOf(to), Signals: []CourseSignal{}, Scores: []CoursePoint{}, Warnings: []CourseWarning{}, Events: []CourseEvent{}, Spans: []CourseSpan{}}
	if s.o.History == nil {
		return c, nil
	}
	c.History = historyOn
	ctx, stop := context.WithTimeout(ctx, readingsWithin)
	defer stop()
	readings, err := s.o.History.Course(ctx, tenant, patient, c.From, c.To, points)
	if err != nil {
		return c, noHistory(err)
	}
	axis, err := s.o.History.Axis(ctx, tenant, patient, c.From, c.To, max(points/pointsOfEvent, 1))
	if err != nil {
		return c, noHistory(err)
	}
	c.readings(readings)
	c.axis(axis, s.past.rulesOf(tenant, patient, c.From, c.To), s.answerNames(streams.PatientKey(tenant, patient)))
	for i := range c.Warnings {
		_, c.Warnings[i].Page = s.ward.find(c.Warnings[i].ID)
	}
	return c, nil
}

func (c *Course) readings(r course.Readings) {
	c.StepMs = r.Step.Milliseconds()
	for _, s := range r.Signals {
		signal := CourseSignal{Quantity: s.Quantity, Doubt: string(s.Doubt), Points: make([]CoursePoint, len(s.Points))}
		for i, p := range s.Points {
			if r.Step == 0 {
				signal.Points[i] = moments(p.First).values(p.Low)
			} else {
				signal.Points[i] = moments(p.First, p.Last).values(p.Low, p.High)
			}
		}
		c.Signals = append(c.Signals, signal)
	}
}

// answerNames are what the questions of the patient's packs are called; codes that no pack asks for stand as they are.
func (s *Server) answerNames(key string) map[string]WordPair {
	if st, _, ok := s.ward.stands(key); ok && st.Pack != nil {
		return namesOf(st.Pack)
	}
	return nil
}
