package history

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/shopspring/decimal"

	"tocsin/streams"
	"tocsin/streams/event"
)

// The span that ClickHouse's DateTime64 can say. What lies outside is held at its ends in columns; the record keeps
// what was said.
var (
	firstMoment = event.TimeOf(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC))
	lastMoment  = event.TimeOf(time.Date(2299, 12, 31, 23, 59, 59, 0, time.UTC))
)

func within(t event.Time) event.Time { return min(max(t, firstMoment), lastMoment) }

// block is what goes into one table with one insert: columns of equal length.
type block struct {
	table   string
	names   []string
	columns []any
	rows    int
}

// project turns a range of one partition into the rows of every table that it concerns. held tells, for a topic of
// steps, which offsets belong to a step that holds; nil: all count. It is pure, so a range that is inserted
// again gives the same rows. The error wraps event.ErrNewer: a newer program has to do it.
func project(records []streams.Record, held map[int64]bool) ([]block, error) {
	rec, read, hours, members, events := newRecords(len(records)), &readingRows{}, hourRows{}, &memberRows{}, &eventRows{}
	for _, r := range records {
		e, err := event.Decode(r.Headers, r.Value)
		if errors.Is(err, event.ErrNewer) {
			return nil, fmt.Errorf("history of %s/%d at %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		if err != nil {
			e.Data = nil // what of it could be read is not what it says
		}
		counts := held == nil || held[r.Offset]
		rec.add(r, e, counts)
		if err != nil || !counts {
			continue
		}
		events.add(r, e)
		if r.Topic != streams.Inputs {
			continue
		}
		switch d := e.Data.(type) {
		case *event.ObservationRecorded:
			for _, row := range readingsOf(r, e, d) {
				read.add(row)
				hours.add(row)
			}
		case *event.PatientEnrolled:
			members.add(d.Tenant, d.Patient, d.Group, e, r)
		case *event.PatientGrouped:
			members.add(d.Tenant, d.Patient, d.Group, e, r)
		}
	}
	return []block{rec.block(), read.block(), hours.block(), members.block(), events.block()}, nil
}

// recordRows are the columns of the table records.
type recordRows struct {
	topic, typ, key, life, value []string
	partition                    []uint32
	offset                       []uint64
	appended, at                 []time.Time
	holds                        []bool
	step                         []int64
	index                        []int32
	headerKeys, headerValues     [][]string
}

func newRecords(n int) *recordRows {
	return &recordRows{topic: make([]string, 0, n), key: make([]string, 0, n), value: make([]string, 0, n)}
}

func (c *recordRows) add(r streams.Record, e event.Envelope, holds bool) {
	typ := event.Type("")
	if e.Data != nil {
		typ = e.Data.Type()
	}
	keys, values := headersOf(r)
	c.topic, c.partition, c.offset = append(c.topic, r.Topic), append(c.partition, uint32(r.Partition)), append(c.offset, uint64(r.Offset))
	c.appended, c.holds = append(c.appended, within(event.Time(r.AppendMs)).Std()), append(c.holds, holds)
	c.typ, c.key, c.at = append(c.typ, string(typ)), append(c.key, string(r.Key)), append(c.at, within(e.At).Std())
	c.life, c.step, c.index = append(c.life, e.Life), append(c.step, e.Step), append(c.index, int32(e.Index))
	c.headerKeys, c.headerValues, c.value = append(c.headerKeys, keys), append(c.headerValues, values), append(c.value, string(r.Value))
}

func (c *recordRows) block() block {
	return block{table: "records", rows: len(c.topic),
		names: []string{"topic", "log_partition", "log_offset", "appended_at", "holds", "type", "key", "at", "life", "step_number", "step_index", "header_keys", "header_values", "value"},
		columns: []any{c.topic, c.partition, c.offset, c.appended, c.holds, c.typ, c.key, c.at, c.life, c.step, c.index,
			c.headerKeys, c.headerValues, c.value}}
}

// readingRow is one quantity of one upload.
type readingRow struct {
	tenant, patient     string
	quantity, mark      string
	measured, received  event.Time
	gateway             *event.Time
	value               event.Decimal
	clock               string
	clockOffsetMs       int64
	device, msgID, door string
	bootID, seq         int64
	partition           uint32
	offset              uint64
}

// readingsOf takes an upload apart.
func readingsOf(r streams.Record, e event.Envelope, d *event.ObservationRecorded) []readingRow {
	tenant, patient := streams.SplitPatientKey(string(r.Key))
	row := readingRow{tenant: tenant, patient: patient, measured: within(d.MeasuredAt), received: within(d.ReceivedAt),
		clock: string(d.Clock.Quality), clockOffsetMs: d.Clock.OffsetMs, device: d.Device, door: d.Door,
		partition: uint32(r.Partition), offset: uint64(r.Offset)}
	if d.GatewayAt != nil {
		at := within(*d.GatewayAt)
		row.gateway = &at
	}
	if d.Sequenced {
		row.bootID, row.seq = d.BootID, d.Seq
	} else {
		row.msgID = strings.TrimPrefix(e.ID, d.Device+"/")
	}
	rows := make([]readingRow, 0, len(d.Readings))
	for _, one := range d.Readings {
		row.quantity, row.value, row.mark = one.Quantity.String(), one.Value, string(one.Mark)
		rows = append(rows, row)
	}
	return rows
}

// sum is the row's checksum; readingSum says the same in SQL.
func (r readingRow) sum() uint64 {
	b := make([]byte, 0, 160)
	for _, s := range []string{r.tenant, r.patient, r.quantity, r.mark, r.clock, r.device, r.msgID, r.door} {
		b = append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
	}
	gateway := int64(-1)
	if r.gateway != nil {
		gateway = int64(*r.gateway)
	}
	for _, n := range []int64{int64(r.measured), int64(r.received), gateway, int64(r.value), r.clockOffsetMs, r.bootID, r.seq, int64(r.offset)} {
		b = append(strconv.AppendInt(b, n, 10), ';')
	}
	return xxhash.Sum64(b)
}

func dec(d event.Decimal) decimal.Decimal { return decimal.New(int64(d), -6) }

// readingRows are the columns of the table readings.
type readingRows struct {
	tenant, patient, quantity, mark, clock, device, msgID, door []string
	measured, received                                          []time.Time
	gateway                                                     []*time.Time
	value                                                       []decimal.Decimal
	clockOffsetMs, bootID, seq                                  []int64
	partition                                                   []uint32
	offset                                                      []uint64
}

func (c *readingRows) add(r readingRow) {
	c.tenant, c.patient, c.quantity = append(c.tenant, r.tenant), append(c.patient, r.patient), append(c.quantity, r.quantity)
	c.mark, c.clock, c.device = append(c.mark, r.mark), append(c.clock, r.clock), append(c.device, r.device)
	c.msgID, c.door = append(c.msgID, r.msgID), append(c.door, r.door)
	c.measured, c.received = append(c.measured, r.measured.Std()), append(c.received, r.received.Std())
	var gateway *time.Time
	if r.gateway != nil {
		at := r.gateway.Std()
		gateway = &at
	}
	c.gateway, c.value = append(c.gateway, gateway), append(c.value, dec(r.value))
	c.clockOffsetMs, c.bootID, c.seq = append(c.clockOffsetMs, r.clockOffsetMs), append(c.bootID, r.bootID), append(c.seq, r.seq)
	c.partition, c.offset = append(c.partition, r.partition), append(c.offset, r.offset)
}

func (c *readingRows) block() block {
	return block{table: "readings", rows: len(c.tenant),
		names: []string{"tenant", "patient", "quantity", "measured_at", "received_at", "gateway_at", "value", "mark", "clock_quality",
			"clock_offset_ms", "device", "boot_id", "seq", "msg_id", "door", "log_partition", "log_offset"},
		columns: []any{c.tenant, c.patient, c.quantity, c.measured, c.received, c.gateway, c.value, c.mark, c.clock,
			c.clockOffsetMs, c.device, c.bootID, c.seq, c.msgID, c.door, c.partition, c.offset}}
}

// hourKey is what a row of the roll-up is kept by.
type hourKey struct {
	tenant, patient, quantity, mark string
	hour                            event.Time
	partition                       uint32
}

// hourRow is what one range adds to an hour.
type hourRow struct {
	rows     uint64
	min, max event.Decimal
	newest   readingRow
}

// hourRows is the roll-up of a range, by key; order keeps the keys as they came, for the same block each time.
type hourRows struct {
	rows  map[hourKey]*hourRow
	order []hourKey
}

const hourMs = event.Time(time.Hour / time.Millisecond)

func (c *hourRows) add(r readingRow) {
	hour := r.measured - (r.measured%hourMs+hourMs)%hourMs // towards the past, before 1970 too
	k := hourKey{r.tenant, r.patient, r.quantity, r.mark, hour, r.partition}
	h := c.rows[k]
	if h == nil {
		if c.rows == nil {
			c.rows = map[hourKey]*hourRow{}
		}
		h = &hourRow{min: r.value, max: r.value, newest: r}
		c.rows[k] = h
		c.order = append(c.order, k)
	}
	h.rows++
	h.min, h.max = min(h.min, r.value), max(h.max, r.value)
	if r.measured > h.newest.measured || r.measured == h.newest.measured && r.offset > h.newest.offset {
		h.newest = r
	}
}

func (c *hourRows) block() block {
	n := len(c.order)
	tenant, patient, quantity, mark := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	hour, partition, rows := make([]time.Time, n), make([]uint32, n), make([]uint64, n)
	low, high, newest := make([]decimal.Decimal, n), make([]decimal.Decimal, n), make([][]any, n)
	for i, k := range c.order {
		h := c.rows[k]
		tenant[i], patient[i], quantity[i], mark[i] = k.tenant, k.patient, k.quantity, k.mark
		hour[i], partition[i], rows[i], low[i], high[i] = k.hour.Std(), k.partition, h.rows, dec(h.min), dec(h.max)
		newest[i] = []any{int64(h.newest.measured), h.newest.offset, int64(h.newest.value), h.newest.clock}
	}
	return block{table: "readings_hour", rows: n,
		names:   []string{"tenant", "patient", "quantity", "mark", "hour", "log_partition", "row_count", "value_min", "value_max", "newest"},
		columns: []any{tenant, patient, quantity, mark, hour, partition, rows, low, high, newest}}
}

// memberRows are the columns of the table memberships.
type memberRows struct {
	tenant, patient, group []string
	since                  []time.Time
	partition              []uint32
	offset                 []uint64
}

func (c *memberRows) add(tenant, patient, group string, e event.Envelope, r streams.Record) {
	c.tenant, c.patient, c.group = append(c.tenant, tenant), append(c.patient, patient), append(c.group, group)
	c.since, c.partition, c.offset = append(c.since, within(e.At).Std()), append(c.partition, uint32(r.Partition)), append(c.offset, uint64(r.Offset))
}

func (c *memberRows) block() block {
	return block{table: "memberships", rows: len(c.tenant),
		names:   []string{"tenant", "patient", "disease_group", "since", "log_partition", "log_offset"},
		columns: []any{c.tenant, c.patient, c.group, c.since, c.partition, c.offset}}
}

// recordSum is a record's checksum, over its place and all its bytes; recordSumSQL says the same.
func recordSum(r streams.Record) uint64 {
	b := make([]byte, 0, 256+len(r.Value))
	b = append(strconv.AppendInt(b, r.Offset, 10), ';')
	part := func(s []byte) { b = append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...) }
	part(r.Key)
	for _, h := range r.Headers {
		part([]byte(h.Key))
		part(h.Value)
	}
	part(r.Value)
	return xxhash.Sum64(b)
}
