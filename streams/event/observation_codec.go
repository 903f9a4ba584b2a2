package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Every reading passes this file twice on its way in and once in every fold, so ObservationRecorded has a codec by
// hand. It writes the very bytes that encoding/json would write, and it reads the form that it writes; whatever looks
// otherwise (escapes, other order of digits, unknown fields, null, fields twice) is handed to encoding/json, so what
// can be read and what it means are the same with and without it. A fuzzer holds the two against each other.

// plainObservation has the fields and none of the methods: what encoding/json does when left alone.
type plainObservation ObservationRecorded

// MarshalJSON writes o as encoding/json would.
func (o ObservationRecorded) MarshalJSON() ([]byte, error) {
	return o.AppendJSON(make([]byte, 0, 320+64*len(o.Readings)))
}

// AppendJSON writes o as JSON behind b. It refuses times outside the years 1 to 9999 and quantities without a name.
func (o *ObservationRecorded) AppendJSON(b []byte) ([]byte, error) {
	var err error
	b = appendText(append(b, `{"device":`...), o.Device)
	if o.MsgID != "" {
		b = appendText(append(b, `,"msg_id":`...), o.MsgID)
	}
	if o.BootID != 0 {
		b = strconv.AppendInt(append(b, `,"boot_id":`...), o.BootID, 10)
	}
	if o.Seq != 0 {
		b = strconv.AppendInt(append(b, `,"seq":`...), o.Seq, 10)
	}
	if o.Sequenced {
		b = append(b, `,"sequenced":true`...)
	}
	if b, err = appendTime(append(b, `,"measured_at":`...), o.MeasuredAt); err != nil {
		return nil, err
	}
	if o.GatewayAt != nil {
		if b, err = appendTime(append(b, `,"gateway_at":`...), *o.GatewayAt); err != nil {
			return nil, err
		}
	}
	if b, err = appendTime(append(b, `,"received_at":`...), o.ReceivedAt); err != nil {
		return nil, err
	}
	b = appendClock(append(b, `,"clock":`...), o.Clock)
	if b, err = appendReadings(append(b, `,"readings":`...), o.Readings); err != nil {
		return nil, err
	}
	b = appendAnswers(b, o.Answers)
	b = appendText(append(b, `,"door":`...), o.Door)
	return append(b, '}'), nil
}

func appendAnswers(b []byte, as []Answer) []byte {
	for i, a := range as {
		if i == 0 {
			b = append(b, `,"answers":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"code":`...), a.Code)
		b = a.Value.Append(append(b, `,"value":`...))
		if a.Unit != "" {
			b = appendText(append(b, `,"unit":`...), a.Unit)
		}
		b = append(b, '}')
	}
	if len(as) > 0 {
		b = append(b, ']')
	}
	return b
}

func appendClock(b []byte, c Clock) []byte {
	b = appendText(append(b, `{"quality":`...), string(c.Quality))
	b = strconv.AppendInt(append(b, `,"offset_ms":`...), c.OffsetMs, 10)
	if c.ZoneOffsetMin != nil {
		b = strconv.AppendInt(append(b, `,"zone_offset_min":`...), int64(*c.ZoneOffsetMin), 10)
	}
	if c.Action != "" {
		b = appendText(append(b, `,"action":`...), c.Action)
	}
	return append(b, '}')
}

func appendReadings(b []byte, rs []Reading) ([]byte, error) {
	if rs == nil {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i, r := range rs {
		if r.Quantity == NoQuantity || r.Quantity >= quantityCount {
			return nil, fmt.Errorf("quantity %d has no name", uint8(r.Quantity))
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"quantity":"`...), quantityNames[r.Quantity]...), `","value":`...)
		b = r.Value.Append(b)
		if r.Mark != "" {
			b = appendText(append(b, `,"mark":`...), string(r.Mark))
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

func appendTime(b []byte, t Time) ([]byte, error) {
	switch {
	case t == Never:
		return append(b, "null"...), nil
	case t < earliest || t > latest:
		return nil, fmt.Errorf("time %d ms is outside the years 1 to 9999", int64(t))
	case t < 0:
		return append(t.Append(append(b, '"')), '"'), nil
	}
	return append(appendMoment(append(b, '"'), t), '"'), nil
}

// appendMoment is Time.Append for moments since 1970, in a tenth of its time.
func appendMoment(b []byte, t Time) []byte {
	const day = 24 * 60 * 60 * 1000
	y, m, d := dateOf(int64(t) / day)
	ms := int(int64(t) % day)
	h, ms := ms/3_600_000, ms%3_600_000
	min, ms := ms/60_000, ms%60_000
	s, ms := ms/1000, ms%1000
	return append(b,
		digit(y/1000), digit(y/100%10), digit(y/10%10), digit(y%10), '-', digit(m/10), digit(m%10), '-', digit(d/10), digit(d%10),
		'T', digit(h/10), digit(h%10), ':', digit(min/10), digit(min%10), ':', digit(s/10), digit(s%10),
		'.', digit(ms/100), digit(ms/10%10), digit(ms%10), 'Z')
}

func digit(n int) byte { return byte('0' + n) }

// dateOf answers the date of a day counted from 1970-01-01, by the era arithmetic of Howard Hinnant's
// "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the leap day comes last.
func dateOf(days int64) (y, m, d int) {
	z := days + 719468
	era := z / 146097
	doe := z % 146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy-(153*mp+2)/5) + 1
	m = int(mp) + 3
	y = int(yoe + era*400)
	if m > 12 {
		m, y = m-12, y+1
	}
	return y, m, d
}

// DayOf is dateOf the other way: it counts the days from 1970-01-01, for years from 1 on.
func DayOf(y, m, d int) int64 {
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}

// appendText writes s as a JSON string; what needs an escape is left to encoding/json, which knows them all.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= utf8.RuneSelf {
			q, err := json.Marshal(s)
			if err != nil { // a string always has a JSON form
				panic(err)
			}
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// UnmarshalJSON reads what AppendJSON writes by hand, and all else as encoding/json does.
func (o *ObservationRecorded) UnmarshalJSON(b []byte) error {
	r := observationReader{b: b}
	var read ObservationRecorded
	if r.observation(&read) && o.isZero() {
		*o = read
		return nil
	}
	return json.Unmarshal(b, (*plainObservation)(o))
}

// isZero tells whether nothing stands in o: encoding/json would keep what is not named.
func (o *ObservationRecorded) isZero() bool {
	return o.Device == "" && o.MsgID == "" && o.BootID == 0 && o.Seq == 0 && !o.Sequenced && o.MeasuredAt == 0 &&
		o.GatewayAt == nil && o.ReceivedAt == 0 && o.Clock == Clock{} && o.Readings == nil && o.Answers == nil && o.Door == "" && !o.Late
}

// observationReader reads the canonical form. Every method answers false at the first byte that it does not expect.
type observationReader struct {
	b []byte
	i int

	shared *Reader // whose memory and strings are used; nil: everything is made anew
	msgID  []byte  // with shared: it is made a string by whoever has the other id
}

func (r *observationReader) observation(o *ObservationRecorded) bool {
	if !r.is(`{"device":`) || !r.word(wordDevice, &o.Device) {
		return false
	}
	if r.is(`,"msg_id":`) && !r.messageID(&o.MsgID) {
		return false
	}
	if r.is(`,"boot_id":`) && !r.number(&o.BootID) {
		return false
	}
	if r.is(`,"seq":`) && !r.number(&o.Seq) {
		return false
	}
	o.Sequenced = r.is(`,"sequenced":true`)
	if !r.is(`,"measured_at":`) || !r.time(&o.MeasuredAt) {
		return false
	}
	if r.is(`,"gateway_at":`) {
		if r.shared != nil {
			o.GatewayAt = &r.shared.gatewayAt
		} else {
			o.GatewayAt = new(Time)
		}
		if !r.time(o.GatewayAt) {
			return false
		}
	}
	return r.is(`,"received_at":`) && r.time(&o.ReceivedAt) &&
		r.is(`,"clock":`) && r.clock(&o.Clock) &&
		r.is(`,"readings":[`) && r.readings(&o.Readings) &&
		(!r.is(`,"answers":[`) || r.answers(&o.Answers)) &&
		r.is(`,"door":`) && r.word(wordDoor, &o.Door) && r.is(`}`) && r.i == len(r.b)
}

func (r *observationReader) clock(c *Clock) bool {
	if r.is(`{"quality":"ok","offset_ms":0,"action":"keep"}`) { // nearly every upload
		c.Quality, c.Action = ClockOK, "keep"
		return true
	}
	if !r.is(`{"quality":`) || !r.quality(&c.Quality) || !r.is(`,"offset_ms":`) || !r.number(&c.OffsetMs) {
		return false
	}
	if r.is(`,"zone_offset_min":`) {
		var n int64
		if !r.number(&n) || n != int64(int(n)) {
			return false
		}
		if r.shared != nil {
			c.ZoneOffsetMin = &r.shared.zone
		} else {
			c.ZoneOffsetMin = new(int)
		}
		*c.ZoneOffsetMin = int(n)
	}
	if r.is(`,"action":`) {
		s, ok := r.raw()
		if !ok {
			return false
		}
		c.Action = actionWord(s)
	}
	return r.is(`}`)
}

// quality and actionWord share the words that nearly every reading carries, instead of making a string each time.
func (r *observationReader) quality(q *ClockQuality) bool {
	s, ok := r.raw()
	switch string(s) {
	case string(ClockOK):
		*q = ClockOK
	case string(ClockCorrected):
		*q = ClockCorrected
	case string(ClockUnsynced):
		*q = ClockUnsynced
	default:
		*q = ClockQuality(s)
	}
	return ok
}

func actionWord(s []byte) string {
	const mapped, keep, convert, reception = "map_to_gateway_timeline", "keep", "convert_to_utc_offset", "time_of_reception"
	switch string(s) {
	case mapped:
		return mapped
	case keep:
		return keep
	case convert:
		return convert
	case reception:
		return reception
	}
	return string(s)
}

func (r *observationReader) readings(rs *[]Reading) bool {
	*rs = r.room()
	if r.is(`]`) {
		return true
	}
	for {
		var one Reading
		if !r.is(`{"quantity":"`) || !r.quantity(&one.Quantity) || !r.is(`,"value":`) || !r.decimal(&one.Value) {
			return false
		}
		if r.is(`,"mark":`) && !r.mark(&one.Mark) {
			return false
		}
		*rs = append(*rs, one)
		switch {
		case r.is(`},`):
		case r.is(`}]`):
			return true
		default:
			return false
		}
	}
}

// room answers where readings go: as many as there can be.
func (r *observationReader) room() []Reading {
	if r.shared != nil {
		return r.shared.readings[:0]
	}
	n := 0
	for _, c := range r.b[r.i:] {
		if c == '{' {
			n++
		}
	}
	return make([]Reading, 0, min(n, Quantities))
}

func (r *observationReader) mark(m *Mark) bool {
	s, ok := r.raw()
	switch string(s) {
	case string(Unconfirmed):
		*m = Unconfirmed
	case string(LowQuality):
		*m = LowQuality
	case string(TestData):
		*m = TestData
	default:
		*m = Mark(s)
	}
	return ok
}

func (r *observationReader) answers(as *[]Answer) bool {
	if r.shared != nil {
		*as = r.shared.answers[:0]
		defer func() { r.shared.answers = *as }()
	}
	for {
		var one Answer
		if !r.is(`{"code":`) || !r.text(&one.Code) || !r.is(`,"value":`) || !r.decimal(&one.Value) || r.is(`,"unit":`) && !r.text(&one.Unit) {
			return false
		}
		*as = append(*as, one)
		switch {
		case r.is(`},`):
		case r.is(`}]`):
			return true
		default:
			return false
		}
	}
}

// quantity reads a name up to and with its closing quote.
func (r *observationReader) quantity(q *Quantity) bool {
	for c := NoQuantity + 1; c < quantityCount; c++ {
		n := len(quantityNames[c])
		if end := r.i + n; end < len(r.b) && r.b[end] == '"' && string(r.b[r.i:end]) == quantityNames[c] {
			r.i, *q = end+1, c
			return true
		}
	}
	return false
}

func (r *observationReader) is(s string) bool {
	if len(r.b)-r.i >= len(s) && string(r.b[r.i:r.i+len(s)]) == s {
		r.i += len(s)
		return true
	}
	return false
}

// raw reads a string of plain ASCII without escapes.
func (r *observationReader) raw() ([]byte, bool) {
	if r.i >= len(r.b) || r.b[r.i] != '"' {
		return nil, false
	}
	from := r.i + 1
	for i := from; i < len(r.b); i++ {
		c := r.b[i]
		if c == '"' {
			r.i = i + 1
			return r.b[from:i], true
		}
		if c < 0x20 || c >= utf8.RuneSelf || c == '\\' {
			return nil, false
		}
	}
	return nil, false
}

func (r *observationReader) text(s *string) bool {
	b, ok := r.raw()
	*s = string(b)
	return ok
}

// word is text that many records have in common.
func (r *observationReader) word(place int, s *string) bool {
	if r.shared == nil {
		return r.text(s)
	}
	if last := r.shared.known.last[place]; last != "" { // most often it is the same again
		end := r.i + 1 + len(last)
		if end < len(r.b) && r.b[r.i] == '"' && r.b[end] == '"' && string(r.b[r.i+1:end]) == last {
			r.i, *s = end+1, last
			return true
		}
	}
	b, ok := r.raw()
	*s = r.shared.known.of(place, b)
	return ok
}

func (r *observationReader) messageID(s *string) bool {
	if r.shared == nil {
		return r.text(s)
	}
	b, ok := r.raw()
	r.msgID = b
	return ok
}

// number reads a whole number of at most 18 digits.
func (r *observationReader) number(n *int64) bool {
	neg := r.is("-")
	from := r.i
	var v int64
	for ; r.i < len(r.b) && r.b[r.i]-'0' <= 9; r.i++ {
		v = v*10 + int64(r.b[r.i]-'0')
		if r.i-from >= 18 {
			return false
		}
	}
	if r.i == from || r.b[from] == '0' && r.i > from+1 {
		return false
	}
	if neg {
		v = -v
	}
	*n = v
	return true
}

// decimal reads digits with at most six decimals.
func (r *observationReader) decimal(d *Decimal) bool {
	neg := r.is("-")
	var whole int64
	if !r.number(&whole) || whole < 0 || whole > int64(MaxDecimal/One) {
		return false
	}
	v := Decimal(whole) * One
	if r.is(".") {
		from := r.i
		for p := One / 10; r.i < len(r.b) && r.b[r.i]-'0' <= 9; r.i++ {
			if p == 0 {
				return false
			}
			v += Decimal(r.b[r.i]-'0') * p
			p /= 10
		}
		if r.i == from {
			return false
		}
	}
	if r.i < len(r.b) && (r.b[r.i] == 'e' || r.b[r.i] == 'E') || v > MaxDecimal {
		return false
	}
	if neg {
		v = -v
	}
	*d = v
	return true
}

// time reads "2026-03-02T07:14:00.000Z", with just three decimals, in or after 1970.
func (r *observationReader) time(t *Time) bool {
	const form = 26
	if len(r.b)-r.i < form || r.b[r.i] != '"' || r.b[r.i+form-1] != '"' {
		return false
	}
	v, ok := r.moment(r.b[r.i+1 : r.i+form-1])
	if !ok {
		return false
	}
	r.i, *t = r.i+form, v
	return true
}

func (r *observationReader) moment(b []byte) (Time, bool) {
	if r.shared == nil {
		return momentOf(b)
	}
	return r.shared.day.moment(b)
}

// momentOf reads the 24 bytes of 2026-03-02T07:14:00.000Z.
func momentOf(b []byte) (Time, bool) {
	if len(b) != 24 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != '.' || b[23] != 'Z' {
		return 0, false
	}
	for i, c := range b {
		if c-'0' > 9 && i != 4 && i != 7 && i != 10 && i != 13 && i != 16 && i != 19 && i != 23 {
			return 0, false
		}
	}
	two := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	y, m, d := two(0)*100+two(2), two(5), two(8)
	h, min, s, ms := two(11), two(14), two(17), two(20)*10+int(b[22]-'0')
	if y < 1970 || m < 1 || m > 12 || d < 1 || d > DaysIn(y, m) || h > 23 || min > 59 || s > 59 {
		return 0, false
	}
	return Time(((DayOf(y, m, d)*24+int64(h))*60+int64(min))*60_000 + int64(s)*1000 + int64(ms)), true
}

// DaysIn answers how many days a month has.
func DaysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}
