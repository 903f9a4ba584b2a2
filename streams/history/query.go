package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Reading is one measured quantity as history has it.
type Reading struct {
	Quantity   event.Quantity
	Value      event.Decimal
	Mark       event.Mark
	MeasuredAt event.Time
	ReceivedAt event.Time
	Clock      event.ClockQuality
	OffsetMs   int64 // that was added to the device's own time
	Device     string
	Partition  int32
	Offset     int64 // of the record in inputs
}

// ErrTooMany says that there is more than was asked for at most; what was read so far comes with it.
var ErrTooMany = errors.New("more readings than one answer holds; ask for a shorter time")

// maxReadings is the most that one chart gets.
const maxReadings = 50_000

// Readings answers what was measured of a patient in [from, to), the oldest first and one row an identity: of a
// reading that came several times, the one that came first. A repeat may have been given another time, so the first is looked
// for beyond the span, by its number or the sender's id before all that makes it up: that is a column less wide. Of these it answers what the desk knew at the moment known; event.Never: all that is known now.
func (h *History) Readings(ctx context.Context, tenant, patient string, from, to, known event.Time) ([]Reading, error) {
	const identity, span = `quantity, device, boot_id, seq, msg_id`, `measured_at >= fromUnixTimestamp64Milli(?) AND measured_at < fromUnixTimestamp64Milli(?)`
	low, high := int64(within(from)), int64(within(to))
	unknown, err := h.unknownAt(ctx, tenant, patient, known)
	if err != nil {
		return nil, fmt.Errorf("readings of patient %s/%s: %w", tenant, patient, err)
	}
	rows, err := h.db.Query(ctx, `SELECT quantity, value, mark, measured_at, received_at, clock_quality, clock_offset_ms, device, log_partition, log_offset
		FROM readings WHERE tenant = ? AND patient = ? AND `+span+` AND (`+identity+`, log_offset) IN (
			SELECT `+identity+`, min(log_offset) FROM readings PREWHERE tenant = ? AND patient = ? AND seq IN (SELECT seq FROM readings WHERE tenant = ? AND patient = ? AND `+span+`)
			WHERE log_offset < ? AND msg_id IN (SELECT msg_id FROM readings WHERE tenant = ? AND patient = ? AND `+span+`)
				AND (`+identity+`) IN (SELECT `+identity+` FROM readings WHERE tenant = ? AND patient = ? AND `+span+`)
			GROUP BY `+identity+`)
		ORDER BY measured_at, log_offset, quantity LIMIT 1 BY `+identity+` LIMIT ?`,
		tenant, patient, low, high, tenant, patient, tenant, patient, low, high, unknown, tenant, patient, low, high, tenant, patient, low, high, maxReadings+1)
	if err != nil {
		return nil, fmt.Errorf("readings of patient %s/%s: %w", tenant, patient, err)
	}
	all, err := collect(rows, scanReading)
	switch {
	case err != nil:
		return nil, fmt.Errorf("readings of patient %s/%s: %w", tenant, patient, err)
	case len(all) > maxReadings:
		return all[:maxReadings], fmt.Errorf("readings of patient %s/%s: %w", tenant, patient, ErrTooMany)
	}
	return all, nil
}

// unknownAt answers the offset in inputs from which on nothing of a patient was known at a moment: what the first step folded
// that was written later, by the log's stamp, is not known yet, nor is anything behind it. It is the rule of streams.AsOf.
// Where history has no later step, it is what the last one left.
func (h *History) unknownAt(ctx context.Context, tenant, patient string, known event.Time) (uint64, error) {
	if known == event.Never {
		return math.MaxInt64, nil
	}
	for _, ask := range []string{
		`SELECT JSONExtractUInt(value, 'inputs', 'from') ` + stepsOfPatient + ` AND appended_at > fromUnixTimestamp64Milli(?) ORDER BY log_offset LIMIT 1`,
		`SELECT JSONExtractUInt(value, 'inputs', 'next') ` + stepsOfPatient + ` AND appended_at <= fromUnixTimestamp64Milli(?) ORDER BY log_offset DESC LIMIT 1`,
	} {
		rows, err := h.db.Query(ctx, ask, tenant, patient, int64(within(known)))
		if err != nil {
			return 0, err
		}
		offset, err := collect(rows, func(rows driver.Rows) (offset uint64, err error) {
			err = rows.Scan(&offset)
			return offset, err
		})
		if err != nil || len(offset) > 0 {
			return append(offset, 0)[0], err
		}
	}
	return 0, nil
}

// stepsOfPatient are the steps that hold in the partition of a patient who has been measured.
var stepsOfPatient = `FROM records WHERE topic = '` + streams.Decisions + `' AND type = '` + string((*event.StepClosed)(nil).Type()) + `' AND holds
	AND log_partition = (SELECT any(log_partition) FROM readings WHERE tenant = ? AND patient = ?)`

func scanReading(rows driver.Rows) (r Reading, err error) {
	var quantity, mark, clock string
	var value decimal.Decimal
	var measured, received time.Time
	var partition uint32
	var offset uint64
	if err = rows.Scan(&quantity, &value, &mark, &measured, &received, &clock, &r.OffsetMs, &r.Device, &partition, &offset); err != nil {
		return r, err
	}
	r.Quantity, err = event.ParseQuantity(quantity)
	r.Value, r.Mark, r.Clock = event.Decimal(value.Shift(6).IntPart()), event.Mark(mark), event.ClockQuality(clock)
	r.MeasuredAt, r.ReceivedAt = event.TimeOf(measured), event.TimeOf(received)
	r.Partition, r.Offset = int32(partition), int64(offset)
	return r, err
}

// collect reads a result to its end.
func collect[T any](rows driver.Rows, scan func(driver.Rows) (T, error)) (all []T, err error) {
	for rows.Next() && err == nil {
		var one T
		if one, err = scan(rows); err == nil {
			all = append(all, one)
		}
	}
	return all, errors.Join(err, rows.Err(), rows.Close())
}

// Latest is the newest plausible reading of one quantity of one patient.
type Latest struct {
	Patient    string
	Quantity   event.Quantity
	Value      event.Decimal
	MeasuredAt event.Time
	Clock      event.ClockQuality
}

// LatestOfGroup answers the newest reading of each quantity of each patient who now belongs to a disease group, by
// patient and quantity.
func (h *History) LatestOfGroup(ctx context.Context, tenant, group string) ([]Latest, error) {
	rows, err := h.db.Query(ctx, `SELECT patient, quantity, max(newest) AS n FROM readings_hour
		WHERE tenant = ? AND mark = '' AND patient IN (`+membersNow+`)
		GROUP BY patient, quantity ORDER BY patient, quantity`, tenant, tenant, group)
	if err != nil {
		return nil, fmt.Errorf("latest readings of group %s/%s: %w", tenant, group, err)
	}
	all, err := collect(rows, func(rows driver.Rows) (l Latest, err error) {
		var quantity string
		var newest []any
		if err = rows.Scan(&l.Patient, &quantity, &newest); err != nil {
			return l, err
		}
		l.Quantity, err = event.ParseQuantity(quantity)
		at, okAt := newest[0].(int64)
		value, okValue := newest[2].(int64)
		clock, okClock := newest[3].(string)
		if !okAt || !okValue || !okClock {
			return l, fmt.Errorf("newest reading of patient %s is %v", l.Patient, newest)
		}
		l.MeasuredAt, l.Value, l.Clock = event.Time(at), event.Decimal(value), event.ClockQuality(clock)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("latest readings of group %s/%s: %w", tenant, group, err)
	}
	return all, nil
}

// membersNow are the patients whose newest membership is the group asked for.
const membersNow = `SELECT patient FROM memberships WHERE tenant = ? GROUP BY patient HAVING argMax(disease_group, log_offset) = ?`

// Hour is what a patient's quantity did in one hour. Repeats of a reading change none of it, unless they were given another
// time (HISTORY.md).
type Hour struct {
	Patient  string
	Quantity event.Quantity
	Hour     event.Time // its beginning
	Min, Max event.Decimal
	Last     event.Decimal // the newest by its measured time
}

// HoursOfGroup answers the hours of [from, to) for each patient of a group: the sparklines of its board. Hours without
// a plausible reading are missing, and are gaps.
func (h *History) HoursOfGroup(ctx context.Context, tenant, group string, from, to event.Time) ([]Hour, error) {
	rows, err := h.db.Query(ctx, hours+` AND patient IN (`+membersNow+`)`+hoursEnd, tenant, int64(within(from)), int64(within(to)), tenant, group)
	if err != nil {
		return nil, fmt.Errorf("hours of group %s/%s: %w", tenant, group, err)
	}
	all, err := collect(rows, scanHour)
	if err != nil {
		return nil, fmt.Errorf("hours of group %s/%s: %w", tenant, group, err)
	}
	return all, nil
}

// Hours answers the hours of [from, to) for one patient.
func (h *History) Hours(ctx context.Context, tenant, patient string, from, to event.Time) ([]Hour, error) {
	rows, err := h.db.Query(ctx, hours+` AND patient = ?`+hoursEnd, tenant, int64(within(from)), int64(within(to)), patient)
	if err != nil {
		return nil, fmt.Errorf("hours of patient %s/%s: %w", tenant, patient, err)
	}
	all, err := collect(rows, scanHour)
	if err != nil {
		return nil, fmt.Errorf("hours of patient %s/%s: %w", tenant, patient, err)
	}
	return all, nil
}

const (
	hours = `SELECT patient, quantity, hour, min(value_min), max(value_max), tupleElement(max(newest), 3) FROM readings_hour
		WHERE tenant = ? AND mark = '' AND hour >= fromUnixTimestamp64Milli(?) AND hour < fromUnixTimestamp64Milli(?)`
	hoursEnd = ` GROUP BY patient, quantity, hour ORDER BY patient, quantity, hour`
)

func scanHour(rows driver.Rows) (h Hour, err error) {
	var quantity string
	var hour time.Time
	var low, high decimal.Decimal
	var last int64
	if err = rows.Scan(&h.Patient, &quantity, &hour, &low, &high, &last); err != nil {
		return h, err
	}
	h.Quantity, err = event.ParseQuantity(quantity)
	h.Hour, h.Last = event.TimeOf(hour), event.Decimal(last)
	h.Min, h.Max = event.Decimal(low.Shift(6).IntPart()), event.Decimal(high.Shift(6).IntPart())
	return h, err
}

// Records answers up to limit records of a topic's partition from an offset on, as they lay in the log: for what the log
// no longer holds, they are the record. Explain and backtest decide again from them.
func (h *History) Records(ctx context.Context, topic string, partition int32, from int64, limit int) ([]streams.Record, error) {
	return h.records(ctx, `topic = ? AND log_partition = ? AND log_offset >= ? ORDER BY log_offset LIMIT ?`, topic, uint32(partition), uint64(from), limit)
}

// RecordsOfPatient answers the records under a patient's key in [from, to) by their own time, inputs before decisions
// and each in the order of the log; of decisions, those that hold.
func (h *History) RecordsOfPatient(ctx context.Context, tenant, patient string, from, to event.Time, limit int) ([]streams.Record, error) {
	return h.records(ctx, `key = ? AND holds AND topic IN ('`+streams.Inputs+`', '`+streams.Decisions+`')
		AND at >= fromUnixTimestamp64Milli(?) AND at < fromUnixTimestamp64Milli(?)
		ORDER BY topic DESC, log_offset LIMIT ?`, streams.PatientKey(tenant, patient), int64(within(from)), int64(within(to)), limit)
}

// OfKey hands on the records of a topic's partition under a key, in the order of the log; of steps, those that hold.
func (h *History) OfKey(ctx context.Context, topic string, partition int32, key string, fn func(streams.Record) error) error {
	return h.Each(ctx, Some{Topic: topic, Partition: partition, Keys: []string{key}, Held: true}, fn)
}

// LastHeld answers the last step of a partition that history holds; streams.Beginning when there is none.
func (h *History) LastHeld(ctx context.Context, topic string, partition int32) (streams.Position, error) {
	all, err := h.records(ctx, `topic = ? AND log_partition = ? AND type = ? AND holds ORDER BY log_offset DESC LIMIT 1`,
		topic, uint32(partition), string((*event.StepClosed)(nil).Type()))
	if err != nil || len(all) == 0 {
		return streams.Beginning, err
	}
	e, _, err := event.Attributes(all[0].Headers)
	if err != nil {
		return streams.Beginning, fmt.Errorf("%s/%d at %d: %w", topic, partition, all[0].Offset, err)
	}
	return streams.Position{Life: e.Life, Number: e.Step, Offset: all[0].Offset}, nil
}

// DisownedOf answers what people said about a patient's readings that were not the patient's, in the order of the log.
func (h *History) DisownedOf(ctx context.Context, tenant, patient string) ([]event.Envelope, error) {
	return asked{History: h, tenant: tenant, patient: patient}.events(ctx, []event.Type{disowned}, `true`, `log_offset`)
}

func (h *History) records(ctx context.Context, where string, args ...any) ([]streams.Record, error) {
	rows, err := h.db.Query(ctx, `SELECT topic, log_partition, log_offset, appended_at, key, header_keys, header_values, value FROM records WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("records in history: %w", err)
	}
	all, err := collect(rows, scanRecord)
	if err != nil {
		return nil, fmt.Errorf("records in history: %w", err)
	}
	return all, nil
}

func scanRecord(rows driver.Rows) (streams.Record, error) { return scanRecordAfter(rows) }

// scanRecordAfter reads a record that stands behind other columns.
func scanRecordAfter(rows driver.Rows, before ...any) (r streams.Record, err error) {
	var partition uint32
	var offset uint64
	var at time.Time
	var key, value string
	var keys, values []string
	if err = rows.Scan(append(before, &r.Topic, &partition, &offset, &at, &key, &keys, &values, &value)...); err != nil {
		return r, err
	}
	r.Partition, r.Offset, r.AppendMs = int32(partition), int64(offset), at.UnixMilli()
	r.Key, r.Value = []byte(key), []byte(value)
	for i := range keys {
		r.Headers = append(r.Headers, event.Header{Key: keys[i], Value: []byte(values[i])})
	}
	return r, nil
}
