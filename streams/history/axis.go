package history

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"tocsin/streams"
	"tocsin/streams/course"
	"tocsin/streams/event"
)

const (
	mostEpisodes = 300
	mostTurns    = 20_000
	mostPlans    = 200
)

// Axis answers what stands on the time axis of a patient over [from, to), in at most so many stretches and clusters of a type.
func (h *History) Axis(ctx context.Context, tenant, patient string, from, to event.Time, points int) (course.Axis, error) {
	q := asked{h, tenant, patient, within(from), within(to)}
	var a course.Axis
	for _, part := range []func(context.Context, *course.Axis) error{
		q.episodes,
		func(ctx context.Context, a *course.Axis) error { return q.scores(ctx, a, points) },
		func(ctx context.Context, a *course.Axis) error { return q.clusters(ctx, a, points) },
		q.turns, q.plans, q.shut,
	} {
		if err := part(ctx, &a); err != nil {
			return a, fmt.Errorf("time axis of patient %s/%s: %w", tenant, patient, err)
		}
	}
	return a, nil
}

// ofPatient begins what is asked of patient_events, and needs tenant and patient.
const ofPatient = ` FROM patient_events WHERE tenant = ? AND patient = ? AND `

// eventIdentity is by what a repeat of an event is known.
const eventIdentity = `header_values[indexOf(header_keys, 'ce_id')]`

// events answers what is of some types and fits a condition, in that order, each event once.
func (q asked) events(ctx context.Context, types []event.Type, where, order string, args ...any) ([]event.Envelope, error) {
	rows, err := q.db.Query(ctx, `SELECT topic, log_partition, log_offset, appended_at, key, header_keys, header_values, value`+ofPatient+
		oneOf(types)+` AND `+where+` ORDER BY `+order+` LIMIT 1 BY type, `+eventIdentity, append([]any{q.tenant, q.patient}, args...)...)
	if err != nil {
		return nil, err
	}
	records, err := collect(rows, scanRecord)
	if err != nil {
		return nil, err
	}
	return decodeAll(records)
}

func decodeAll(records []streams.Record) (all []event.Envelope, err error) {
	all = make([]event.Envelope, len(records))
	for i, r := range records {
		if all[i], err = event.Decode(r.Headers, r.Value); err != nil {
			return nil, fmt.Errorf("%s/%d at %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
	}
	return all, nil
}

const oldestFirst = `at, log_offset`

// oneOf is the condition that an event is of one of these types.
func oneOf(types []event.Type) string {
	quoted := make([]string, len(types))
	for i, t := range types {
		quoted[i] = "'" + string(t) + "'"
	}
	return "type IN (" + strings.Join(quoted, ", ") + ")"
}

var (
	raised, worsened, accepted    = new(event.AlertRaised).Type(), new(event.AlertWorsened).Type(), new(event.AlertAccepted).Type()
	closed, judged                = new(event.AlertClosed).Type(), new(event.AlertJudged).Type()
	fellSilent, returned          = new(event.SignalFellSilent).Type(), new(event.SignalReturned).Type()
	enrolled, left, resumed       = new(event.PatientEnrolled).Type(), new(event.PatientLeft).Type(), new(event.PatientResumed).Type()
	grouped, planned, boundDevice = new(event.PatientGrouped).Type(), new(event.PlanChanged).Type(), new(event.DeviceBound).Type()
	revokedDevice, noticed        = new(event.DeviceRevoked).Type(), new(event.NoticeReported).Type()
	contacted, noted, disowned    = new(event.AlertContacted).Type(), new(event.AlertNoted).Type(), new(event.ReadingDisowned).Type()
	observed, faulty              = new(event.ObservationRecorded).Type(), new(event.TechnicalFault).Type()
	consented, withdrew           = new(event.ConsentGiven).Type(), new(event.ConsentWithdrawn).Type()
	answers                       = new(event.ResponsibleSet).Type()
)

// episodes finds the warnings, the gravest first when they are too many, and then what became of them.
func (q asked) episodes(ctx context.Context, a *course.Axis) error {
	rows, err := q.db.Query(ctx, `SELECT about, toUnixTimestamp64Milli(minIf(at, type = 'alert.raised')) AS began, toUnixTimestamp64Milli(maxIf(at, type = 'alert.closed')) AS ended,
			max(severity) AS peak, count() OVER () AS found`+ofPatient+oneOf([]event.Type{raised, worsened, closed})+`
		GROUP BY about HAVING countIf(type = 'alert.raised') > 0 AND began < ? AND (countIf(type = 'alert.closed') = 0 OR ended >= ?)
		ORDER BY peak % 4 DESC, began DESC LIMIT ?`, q.tenant, q.patient, int64(q.to), int64(q.from), mostEpisodes)
	if err != nil {
		return err
	}
	var found uint64
	a.Episodes, err = collect(rows, func(rows driver.Rows) (e course.Episode, err error) {
		var began, ended int64
		var peak int8
		err = rows.Scan(&e.Alert, &began, &ended, &peak, &found)
		e.RaisedAt, e.ClosedAt, e.Peak = event.Time(began), event.Never, event.Severity(peak)
		return e, err
	})
	if err != nil || len(a.Episodes) == 0 {
		return err
	}
	a.LeftOut = found - uint64(len(a.Episodes))
	slices.SortFunc(a.Episodes, func(x, y course.Episode) int { return int(min(max(x.RaisedAt-y.RaisedAt, -1), 1)) })
	ids, by := make([]string, len(a.Episodes)), map[string]*course.Episode{}
	for i := range a.Episodes {
		ids[i] = a.Episodes[i].Alert
		by[ids[i]] = &a.Episodes[i]
	}
	all, err := q.events(ctx, []event.Type{raised, accepted, closed, judged}, `has(?, about)`, oldestFirst, ids)
	for _, e := range all {
		became(by, e)
	}
	return err
}

// became folds what happened to a warning.
func became(by map[string]*course.Episode, e event.Envelope) {
	switch d := e.Data.(type) {
	case *event.AlertRaised:
		by[d.Alert].Raised = d
	case *event.AlertAccepted:
		if w := by[d.Alert]; w.Accepted == nil {
			w.Accepted = d
		}
	case *event.AlertClosed:
		w := by[d.Alert]
		w.Closed, w.ClosedAt, w.Outcome = d, e.At, d.Outcome
	case *event.AlertJudged:
		by[d.Alert].Outcome = d.Outcome
	}
}

// scores draws assessments together that lie too close. The one that stood when the span began comes first.
func (q asked) scores(ctx context.Context, a *course.Axis, points int) error {
	const of = ofPatient + `type = 'severity.scored' AND about = '` + event.Deterioration + `' AND at < fromUnixTimestamp64Milli(?)`
	const columns = `min(toUnixTimestamp64Milli(at)), max(toUnixTimestamp64Milli(at)), minIf(score_lower, score_lower >= 0), max(score_lower), max(score_upper),
		argMax(score_lower, (at, log_offset)), argMax(score_upper, (at, log_offset))`
	for _, ask := range []struct {
		sql  string
		args []any
	}{
		{`SELECT ` + columns + ` FROM (SELECT *` + of + ` ORDER BY at DESC, log_offset DESC LIMIT 1) HAVING count() > 0`, []any{q.tenant, q.patient, int64(q.from)}},
		{`SELECT ` + columns + of + ` AND at >= fromUnixTimestamp64Milli(?) GROUP BY intDiv(toUnixTimestamp64Milli(at) - ?, ?) AS slot ORDER BY slot`,
			[]any{q.tenant, q.patient, int64(q.to), int64(q.from), int64(q.from), q.slot(points)}},
	} {
		rows, err := q.db.Query(ctx, ask.sql, ask.args...)
		if err != nil {
			return err
		}
		some, err := collect(rows, func(rows driver.Rows) (s course.ScoreStretch, err error) {
			var first, last int64
			var n [5]int16
			err = rows.Scan(&first, &last, &n[0], &n[1], &n[2], &n[3], &n[4])
			s.First, s.Last, s.Low, s.High, s.Upper, s.EndLower, s.EndUpper = event.Time(first), event.Time(last), int(n[0]), int(n[1]), int(n[2]), int(n[3]), int(n[4])
			if s.High < 0 {
				s.Low = -1
			}
			return s, err
		})
		if err != nil {
			return err
		}
		a.Scores = append(a.Scores, some...)
	}
	return nil
}

// slot is how wide one of so many parts of the span is.
func (q asked) slot(points int) int64 {
	return max(1, (q.to.Sub(q.from).Milliseconds()+int64(points)-1)/int64(points))
}

// clusters draws events of a type together that would lie on each other.
func (q asked) clusters(ctx context.Context, a *course.Axis, points int) error {
	devices, err := q.devices(ctx)
	if err != nil {
		return err
	}
	mine := `(tenant = ? AND patient = ? AND ` + oneOf([]event.Type{enrolled, grouped, left, resumed, planned, boundDevice, contacted, noted, disowned, noticed, observed, consented, withdrew, answers}) + `
		OR tenant = '' AND patient = '' AND ` + oneOf([]event.Type{revokedDevice}) + ` AND has(?, about))`
	rows, err := q.db.Query(ctx, `SELECT n, first, last, topic, log_partition, log_offset, appended_at, key, header_keys, header_values, value FROM (
			SELECT *, count() OVER w AS n, min(toUnixTimestamp64Milli(at)) OVER w AS first, max(toUnixTimestamp64Milli(at)) OVER w AS last FROM (
				SELECT *, intDiv(toUnixTimestamp64Milli(at) - ?, ?) AS slot FROM patient_events
				WHERE `+mine+` AND at >= fromUnixTimestamp64Milli(?) AND at < fromUnixTimestamp64Milli(?)
				ORDER BY at, log_offset LIMIT 1 BY type, `+eventIdentity+`)
			WINDOW w AS (PARTITION BY type, slot))
		ORDER BY at DESC, log_offset DESC LIMIT 1 BY type, slot`,
		int64(q.from), q.slot(points), q.tenant, q.patient, devices, int64(q.from), int64(q.to))
	if err != nil {
		return err
	}
	var records []streams.Record
	a.Clusters, err = collect(rows, func(rows driver.Rows) (c course.Cluster, err error) {
		var first, last int64
		r, err := scanRecordAfter(rows, &c.N, &first, &last)
		c.First, c.Last = event.Time(first), event.Time(last)
		records = append(records, r)
		return c, err
	})
	if err != nil {
		return err
	}
	all, err := decodeAll(records)
	for i := range all {
		a.Clusters[i].Newest = all[i]
	}
	slices.Reverse(a.Clusters)
	return err
}

// devices answers those that were ever bound to the patient; never none, so that ClickHouse knows the type.
func (q asked) devices(ctx context.Context) ([]string, error) {
	rows, err := q.db.Query(ctx, `SELECT DISTINCT about`+ofPatient+oneOf([]event.Type{boundDevice}), q.tenant, q.patient)
	if err != nil {
		return nil, err
	}
	all, err := collect(rows, func(rows driver.Rows) (id string, err error) {
		err = rows.Scan(&id)
		return id, err
	})
	return append(all, ""), err
}

// turns answers what opened and ended spans, from the beginning.
func (q asked) turns(ctx context.Context, a *course.Axis) error {
	rows, err := q.db.Query(ctx, `SELECT type, about, toUnixTimestamp64Milli(at) FROM (SELECT type, about, at, log_offset`+ofPatient+
		oneOf([]event.Type{enrolled, left, resumed, fellSilent, returned})+` AND at < fromUnixTimestamp64Milli(?) ORDER BY at DESC, log_offset DESC LIMIT ?) ORDER BY at, log_offset`,
		q.tenant, q.patient, int64(q.to), mostTurns)
	if err != nil {
		return err
	}
	a.Turns, err = collect(rows, func(rows driver.Rows) (t course.Turn, err error) {
		var typ string
		var at int64
		err = rows.Scan(&typ, &t.About, &at)
		t.Type, t.At = event.Type(typ), event.Time(at)
		return t, err
	})
	return err
}

// plans answers the plan that held when the span began, and those that were ordered in it.
func (q asked) plans(ctx context.Context, a *course.Axis) error {
	before, err := q.events(ctx, []event.Type{planned}, `at < fromUnixTimestamp64Milli(?)`, `at DESC, log_offset DESC`, int64(q.from))
	if err != nil {
		return err
	}
	in, err := q.events(ctx, []event.Type{planned}, `at >= fromUnixTimestamp64Milli(?) AND at < fromUnixTimestamp64Milli(?)`, oldestFirst, int64(q.from), int64(q.to))
	a.Plans = append(before[:min(len(before), 1)], in[:min(len(in), mostPlans)]...)
	return err
}

// shut answers when what the patient sends could not be heard.
func (q asked) shut(ctx context.Context, a *course.Axis) error {
	var partition uint32
	err := q.db.QueryRow(ctx, `SELECT any(log_partition)`+ofPatient+`topic != '`+streams.Directory+`'`, q.tenant, q.patient).Scan(&partition)
	if err != nil {
		return err
	}
	of := q
	of.tenant, of.patient = streams.SplitPatientKey(streams.PartitionKey(int32(partition)))
	all, err := of.events(ctx, []event.Type{faulty}, `at >= fromUnixTimestamp64Milli(?) AND at < fromUnixTimestamp64Milli(?) AND JSONExtractString(value, 'kind') = 'door_shut'`,
		oldestFirst, int64(q.from), int64(q.to.Add(24*time.Hour)))
	a.Shut = all
	return err
}
