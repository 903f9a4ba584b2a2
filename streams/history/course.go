package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"tocsin/streams/course"
	"tocsin/streams/event"
)

// doubtOf answers the gravest doubt about a reading.
func doubtOf(mark event.Mark, clock event.ClockQuality) course.Doubt {
	switch {
	case mark != event.Plausible:
		return course.Doubt(mark)
	case clock == event.ClockCorrected:
		return course.ClockCorrected
	case clock != "" && clock != event.ClockOK:
		return course.ClockDoubt
	}
	return course.NoDoubt
}

// steps are the widths of a point's stretch. From an hour on the roll-up is enough.
var steps = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour}

// stepOf answers the least width by which a span is at most so many points.
func stepOf(span time.Duration, points int) time.Duration {
	for _, s := range steps {
		if span <= time.Duration(points)*s {
			return s
		}
	}
	return span/time.Duration(points) - span/time.Duration(points)%time.Hour + time.Hour
}

// Course answers how the readings of a patient went over [from, to).
func (h *History) Course(ctx context.Context, tenant, patient string, from, to event.Time, points int) (course.Readings, error) {
	c, err := h.course(ctx, tenant, patient, within(from), within(to), points)
	if err != nil {
		return c, fmt.Errorf("course of patient %s/%s: %w", tenant, patient, err)
	}
	slices.SortStableFunc(c.Signals, func(a, b course.Signal) int {
		if a.Quantity != b.Quantity {
			return int(a.Quantity) - int(b.Quantity)
		}
		return len(a.Doubt) - len(b.Doubt) // none first
	})
	return c, nil
}

func (h *History) course(ctx context.Context, tenant, patient string, from, to event.Time, points int) (course.Readings, error) {
	q := asked{h, tenant, patient, from, to}
	most, err := q.most(ctx)
	if err != nil {
		return course.Readings{}, err
	}
	step := time.Duration(0)
	if most > uint64(points) {
		step = stepOf(to.Sub(from), points)
		width := event.Time(step.Milliseconds())
		q.from -= (q.from%width + width) % width // a stretch begins where it does in every span
	}
	gone, err := q.disowned(ctx)
	if err != nil {
		return course.Readings{}, err
	}
	by := signals{}
	if step == 0 {
		err = q.each(ctx, by, gone)
	} else {
		err = q.drawn(ctx, by, step, gone)
	}
	return course.Readings{Step: step, Signals: by.list()}, err
}

// asked is one question for the course of a patient.
type asked struct {
	*History
	tenant, patient string
	from, to        event.Time
}

// reading is one by what it says; repeats of it are alike.
type reading struct {
	at       event.Time
	quantity event.Quantity
	value    event.Decimal
}

// disowned answers the readings of the span of which somebody said that they were not the patient's.
func (q asked) disowned(ctx context.Context) (map[reading]bool, error) {
	said, err := q.DisownedOf(ctx, q.tenant, q.patient)
	gone := map[reading]bool{}
	for _, e := range said {
		if d, ok := e.Data.(*event.ReadingDisowned); ok {
			for _, r := range d.Readings {
				if d.MeasuredAt >= q.from && d.MeasuredAt < q.to {
					gone[reading{d.MeasuredAt, r.Quantity, r.Value}] = true
				}
			}
		}
	}
	return gone, err
}

// most answers how many readings the busiest quantity has at most, by the roll-up.
func (q asked) most(ctx context.Context) (n uint64, err error) {
	err = q.db.QueryRow(ctx, `SELECT max(n) FROM (SELECT sum(row_count) AS n FROM readings_hour WHERE tenant = ? AND patient = ?
		AND hour >= toStartOfHour(fromUnixTimestamp64Milli(?, 'UTC')) AND hour < fromUnixTimestamp64Milli(?) GROUP BY quantity)`,
		q.tenant, q.patient, int64(q.from), int64(q.to)).Scan(&n)
	return n, err
}

// each answers every reading by itself.
func (q asked) each(ctx context.Context, by signals, gone map[reading]bool) error {
	all, err := q.Readings(ctx, q.tenant, q.patient, q.from, q.to, event.Never)
	for _, r := range all {
		doubt := doubtOf(r.Mark, r.Clock)
		if gone[reading{r.MeasuredAt, r.Quantity, r.Value}] {
			doubt = course.Disowned
		}
		by.add(r.Quantity, doubt, course.Stretch{First: r.MeasuredAt, Last: r.MeasuredAt, Low: r.Value, High: r.Value})
	}
	return err
}

// stretches is the part of a question that is the same over roll-up and readings.
const stretches = ` GROUP BY quantity, doubt, slot ORDER BY quantity, doubt, slot`

const (
	ofHours = `SELECT quantity, mark AS doubt, intDiv(toUnixTimestamp64Milli(toDateTime64(hour, 3, 'UTC')) - ?, ?) AS slot,
		min(toUnixTimestamp64Milli(toDateTime64(hour, 3, 'UTC'))), max(tupleElement(newest, 1)), min(value_min), max(value_max)
		FROM readings_hour WHERE tenant = ? AND patient = ? AND hour >= fromUnixTimestamp64Milli(?) AND hour < fromUnixTimestamp64Milli(?)`
	ofReadings = `intDiv(toUnixTimestamp64Milli(measured_at) - ?, ?) AS slot,
		min(toUnixTimestamp64Milli(measured_at)), max(toUnixTimestamp64Milli(measured_at)), min(value), max(value)
		FROM readings `
	inSpan   = `tenant = ? AND patient = ? AND measured_at >= fromUnixTimestamp64Milli(?) AND measured_at < fromUnixTimestamp64Milli(?)`
	ofMarks  = `SELECT quantity, mark AS doubt, ` + ofReadings + `WHERE ` + inSpan
	ofClocks = `SELECT quantity, if(clock_quality = 'corrected', 'clock_corrected', 'clock') AS doubt, ` + ofReadings + `PREWHERE clock_quality NOT IN ('ok', '') WHERE mark = '' AND ` + inSpan
	notGone  = ` AND NOT has(?, concat(toString(quantity), ' ', toString(toUnixTimestamp64Milli(measured_at)), ' ', toString(toInt64(value * 1000000))))`
)

// drawn draws readings together that are too many to be shown each. The roll-up does not know which of its readings were
// measured by a doubtful clock or disowned since: the first are looked for among the readings, and the stretches of the
// second are worked out anew from them. A repeat that was given another time stands where that is, as in the roll-up.
func (q asked) drawn(ctx context.Context, by signals, step time.Duration, gone map[reading]bool) error {
	args := []any{int64(q.from), step.Milliseconds(), q.tenant, q.patient, int64(q.from), int64(q.to)}
	if len(gone) == 0 {
		err := q.stretches(ctx, by, drawnFrom(step)+stretches, args, nil)
		if err == nil {
			err = q.stretches(ctx, by, ofClocks+stretches, args, nil)
		}
		return err
	}
	names, slots, anew := []string{}, []int64{}, map[spot]bool{}
	for r := range gone {
		k := spot{r.quantity, r.at.Sub(q.from) / step}
		by.add(r.quantity, course.Disowned, course.Stretch{First: r.at, Last: r.at, Low: r.value, High: r.value})
		names, slots, anew[k] = append(names, fmt.Sprintf("%s %d %d", r.quantity, r.at, r.value)), append(slots, int64(k.slot)), true
	}
	without := append(slices.Clone(args), names)
	for _, ask := range []struct {
		sql  string
		args []any
		only func(spot) bool
	}{
		{drawnFrom(step), args, func(k spot) bool { return !anew[k] }},
		{ofMarks + notGone + ` AND has(?, slot)`, append(slices.Clone(without), slots), func(k spot) bool { return anew[k] }},
		{ofClocks + notGone, without, nil},
	} {
		if err := q.stretches(ctx, by, ask.sql+stretches, ask.args, ask.only); err != nil {
			return err
		}
	}
	return nil
}

// drawnFrom is where stretches of a width are drawn from.
func drawnFrom(step time.Duration) string {
	if step < time.Hour {
		return ofMarks
	}
	return ofHours
}

// spot is one stretch of one quantity, by its number in the span.
type spot struct {
	quantity event.Quantity
	slot     time.Duration
}

// stretches adds the rows of a question; with only, those of its spots alone.
func (q asked) stretches(ctx context.Context, by signals, sql string, args []any, only func(spot) bool) error {
	rows, err := q.db.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = collect(rows, func(rows driver.Rows) (none struct{}, err error) {
		var name, doubt string
		var slot, first, last int64
		var low, high decimal.Decimal
		if err = rows.Scan(&name, &doubt, &slot, &first, &last, &low, &high); err != nil {
			return none, err
		}
		quantity, err := event.ParseQuantity(name)
		if only == nil || only(spot{quantity, time.Duration(slot)}) {
			by.add(quantity, course.Doubt(doubt), course.Stretch{First: event.Time(first), Last: event.Time(last), Low: decimalOf(low), High: decimalOf(high)})
		}
		return none, err
	})
	return err
}

func decimalOf(d decimal.Decimal) event.Decimal { return event.Decimal(d.Shift(6).IntPart()) }

// signals are collected by quantity and doubt.
type signals map[kind][]course.Stretch

type kind struct {
	quantity event.Quantity
	doubt    course.Doubt
}

func (s signals) add(q event.Quantity, d course.Doubt, one course.Stretch) {
	k := kind{q, d}
	s[k] = append(s[k], one)
}

func (s signals) list() (all []course.Signal) {
	for k, points := range s {
		if len(points) > 0 {
			slices.SortStableFunc(points, func(a, b course.Stretch) int { return int(min(max(a.First-b.First, -1), 1)) })
			all = append(all, course.Signal{Quantity: k.quantity, Doubt: k.doubt, Points: points})
		}
	}
	return all
}
