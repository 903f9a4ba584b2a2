package history

import (
	"context"
	"errors"
	"fmt"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Digest is what two copies of a range have to agree on: counts, and sums of checksums, which do not depend on order.
type Digest struct {
	Records, RecordSum   uint64 // every record, whatever it says
	Held, HeldSum        uint64 // those of steps that hold; without steps all
	Readings, ReadingSum uint64 // what charts are drawn from
	Events, EventSum     uint64 // what else stands on a patient's time axis
}

// Check compares one partition of one topic over [From, Next).
type Check struct {
	Topic      string
	Partition  int32
	From, Next int64
	Behind     int64 // records that lie beyond in the log and are still to come
	Log        Digest
	History    Digest
	// HoursWrong is how many hours of the roll-up differ from the readings in ClickHouse, whatever their age.
	HoursWrong uint64
}

// Equal says whether history has what the log has, and the roll-up what the readings have.
func (c Check) Equal() bool { return c.Log == c.History && c.HoursWrong == 0 }

// String is one line for people.
func (c Check) String() string {
	if c.Equal() {
		return fmt.Sprintf("%s/%d: equal over offsets %d to %d (%d records, %d readings), %d still to come",
			c.Topic, c.Partition, c.From, c.Next, c.Log.Records, c.Log.Readings, c.Behind)
	}
	return fmt.Sprintf("%s/%d: history DIFFERS over offsets %d to %d: log %+v, history %+v, %d hours of the roll-up wrong; run `tocsin history rebuild`",
		c.Topic, c.Partition, c.From, c.Next, c.Log, c.History, c.HoursWrong)
}

// Verify compares the log with ClickHouse, every partition of both pairs, as far as history says that it has come. It
// reads the whole log.
func (h *History) Verify(ctx context.Context, log streams.Log) ([]Check, error) {
	return h.verify(ctx, log, "")
}

// Again looks once more at what a check compared, and no further: a range that the sink is just inserting is announced in the
// log a moment before it stands in history.
func (h *History) Again(ctx context.Context, log streams.Log, c Check) (Check, error) {
	all, err := log.Partitions(ctx, streams.HistoryRanges)
	if err != nil {
		return c, fmt.Errorf("verify history: %w", err)
	}
	p := c.Partition
	if c.Topic == streams.DirectoryInputs || c.Topic == streams.Directory {
		p = all - 1
	}
	b, err := readBook(ctx, log, p, nil)
	if err == nil {
		c, err = h.check(ctx, log, "", c.Topic, c.Partition, p, b)
	}
	if err != nil {
		return c, fmt.Errorf("verify history of %s/%d: %w", c.Topic, c.Partition, err)
	}
	return c, nil
}

func (h *History) verify(ctx context.Context, log streams.Log, suffix string) ([]Check, error) {
	all, err := log.Partitions(ctx, streams.HistoryRanges)
	if err != nil {
		return nil, fmt.Errorf("verify history: %w", err)
	}
	var checks []Check
	for p := range all {
		b, err := readBook(ctx, log, p, nil)
		if err != nil {
			return nil, fmt.Errorf("verify history: %w", err)
		}
		pair, part := topicsOf(p, all-1)
		for _, topic := range []string{pair.Inputs, pair.Decisions} {
			c, err := h.check(ctx, log, suffix, topic, part, p, b)
			if err != nil {
				return nil, fmt.Errorf("verify history of %s/%d: %w", topic, part, err)
			}
			checks = append(checks, c)
		}
	}
	return checks, nil
}

func (h *History) check(ctx context.Context, log streams.Log, suffix, topic string, part, p int32, b *book) (Check, error) {
	c := Check{Topic: topic, Partition: part}
	first, end, err := log.Bounds(ctx, topic, part)
	if err != nil {
		return c, err
	}
	at := streams.Beginning
	if first > 0 {
		if at, err = positionFrom(ctx, log, p, topic, first); err != nil {
			return c, err
		}
	}
	c.From, c.Next = at.Offset+1, b.topics[topic].last.Next
	if c.Next < c.From {
		c.Next = c.From
	}
	c.Behind = max(0, end-c.Next)
	if c.Log, err = digestLog(ctx, log, topic, part, at, min(c.Next, end)); err != nil { // a log that lost its end differs
		return c, err
	}
	if c.History, err = h.digest(ctx, suffix, topic, part, c.From, c.Next); err != nil {
		return c, err
	}
	if topic == streams.Inputs {
		c.HoursWrong, err = h.hoursWrong(ctx, suffix, part)
	}
	return c, err
}

// positionFrom answers the first position at the end of a range that lies wholly in what the log still has.
func positionFrom(ctx context.Context, log streams.Log, p int32, topic string, first int64) (streams.Position, error) {
	at, found := streams.Position{}, false
	_, err := readBook(ctx, log, p, func(_ *streams.Step, b *book) error {
		if r, ok := b.topics[topic]; ok && !found && r.end().Offset+1 >= first {
			at, found = r.end(), true
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("the log begins at %d, beyond everything that history has", first)
	}
	return at, err
}

// digestLog reads [at, next) of the log and sums it up, by the same projection that the sink uses.
func digestLog(ctx context.Context, log streams.Log, topic string, part int32, at streams.Position, next int64) (d Digest, err error) {
	if at.Offset+1 >= next {
		return d, nil
	}
	r, err := log.Read(topic, part, at.Offset+1)
	if err != nil {
		return d, err
	}
	f := newFeed(topic, part, at)
	for f.at() < next && err == nil {
		var records []streams.Record
		if records, err = r.Next(ctx); err == nil {
			err = f.add(upTo(records, next))
		}
		if err == nil && f.ready > 0 {
			d.add(f.take())
		}
	}
	for _, one := range f.records { // void at the end, when a range could end there: only in a log that is no longer whole
		d.Records, d.RecordSum = d.Records+1, d.RecordSum+recordSum(one)
	}
	return d, errors.Join(err, r.Close())
}

func (d *Digest) add(b batch) {
	for _, r := range b.records {
		sum := recordSum(r)
		d.Records, d.RecordSum = d.Records+1, d.RecordSum+sum
		if b.held != nil && !b.held[r.Offset] {
			continue
		}
		d.Held, d.HeldSum = d.Held+1, d.HeldSum+sum
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			continue
		}
		if row, ok := eventOf(r, e); ok {
			d.Events, d.EventSum = d.Events+1, d.EventSum+row.sum(r, e)
		}
		if o, ok := e.Data.(*event.ObservationRecorded); ok && r.Topic == streams.Inputs {
			for _, row := range readingsOf(r, e, o) {
				d.Readings, d.ReadingSum = d.Readings+1, d.ReadingSum+row.sum()
			}
		}
	}
}

// recordSumSQL, readingSumSQL and eventSumSQL say in SQL what recordSum, readingRow.sum and eventRow.sum say in Go.
const (
	recordSumSQL = `xxHash64(concat(toString(log_offset), ';', toString(length(key)), ':', key,
		arrayStringConcat(arrayMap((k, v) -> concat(toString(length(k)), ':', k, toString(length(v)), ':', v), header_keys, header_values)),
		toString(length(value)), ':', value))`
	readingSumSQL = `xxHash64(concat(arrayStringConcat(arrayMap(s -> concat(toString(length(s)), ':', s),
			[toString(tenant), patient, toString(quantity), toString(mark), toString(clock_quality), device, msg_id, toString(door)])),
		arrayStringConcat(arrayMap(n -> concat(toString(n), ';'), [toUnixTimestamp64Milli(measured_at), toUnixTimestamp64Milli(received_at),
			ifNull(toUnixTimestamp64Milli(gateway_at), -1), toInt64(value * 1000000), clock_offset_ms, boot_id, seq, toInt64(log_offset)]))))`
	eventSumSQL = `xxHash64(concat(arrayStringConcat(arrayMap(s -> concat(toString(length(s)), ':', s), [toString(tenant), patient, toString(type), about, value])),
		arrayStringConcat(arrayMap(n -> concat(toString(n), ';'), [toUnixTimestamp64Milli(at), toInt64(severity), toInt64(score_lower), toInt64(score_upper), toInt64(log_offset)]))))`
)

func (h *History) digest(ctx context.Context, suffix, topic string, part int32, from, next int64) (d Digest, err error) {
	err = h.db.QueryRow(ctx, `SELECT count(), sumWithOverflow(`+recordSumSQL+`), countIf(holds), sumWithOverflow(if(holds, `+recordSumSQL+`, 0))
		FROM records`+suffix+` WHERE topic = ? AND log_partition = ? AND log_offset >= ? AND log_offset < ?`,
		topic, uint32(part), uint64(from), uint64(next)).Scan(&d.Records, &d.RecordSum, &d.Held, &d.HeldSum)
	if err != nil {
		return d, err
	}
	err = h.db.QueryRow(ctx, `SELECT count(), sumWithOverflow(`+eventSumSQL+`) FROM patient_events`+suffix+`
		WHERE topic = ? AND log_partition = ? AND log_offset >= ? AND log_offset < ?`, topic, uint32(part), uint64(from), uint64(next)).Scan(&d.Events, &d.EventSum)
	if err != nil || topic != streams.Inputs {
		return d, err
	}
	err = h.db.QueryRow(ctx, `SELECT count(), sumWithOverflow(`+readingSumSQL+`) FROM readings`+suffix+`
		WHERE log_partition = ? AND log_offset >= ? AND log_offset < ?`, uint32(part), uint64(from), uint64(next)).Scan(&d.Readings, &d.ReadingSum)
	return d, err
}

// hourMsSQL is the beginning of a reading's hour in milliseconds since 1970, towards the past before that too.
const hourMsSQL = `toUnixTimestamp64Milli(measured_at) - positiveModulo(toUnixTimestamp64Milli(measured_at), 3600000)`

// hoursWrong counts the hours for which the roll-up and the readings differ in any column.
func (h *History) hoursWrong(ctx context.Context, suffix string, part int32) (n uint64, err error) {
	err = h.db.QueryRow(ctx, `SELECT count() FROM (
			SELECT tenant, patient, quantity, mark, hour, count() AS c, uniqExact(x) AS u FROM (
				SELECT tenant, patient, quantity, mark, toUnixTimestamp64Milli(CAST(hour AS DateTime64(3, 'UTC'))) AS hour,
					(sum(row_count), min(value_min), max(value_max), max(newest)) AS x
				FROM readings_hour`+suffix+` WHERE log_partition = ? GROUP BY tenant, patient, quantity, mark, hour
				UNION ALL
				SELECT tenant, patient, quantity, mark, `+hourMsSQL+` AS hour,
					(count(), min(value), max(value), max((toUnixTimestamp64Milli(measured_at), log_offset, toInt64(value * 1000000), toString(clock_quality)))) AS x
				FROM readings`+suffix+` WHERE log_partition = ? GROUP BY tenant, patient, quantity, mark, hour)
			GROUP BY tenant, patient, quantity, mark, hour HAVING c != 2 OR u != 1)`, uint32(part), uint32(part)).Scan(&n)
	return n, err
}
