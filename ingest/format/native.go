package format

import (
	"math"

	"tocsin/streams/event"
)

// The native envelope, version 1: one JSON object for each upload. testdata/native.json is a whole one.
//
//	v            1
//	msg_id       the sender's own id of the upload (text, up to 128 bytes)
//	boot_id, seq counters of the device (whole numbers from 0): with both, they are the reading's identity
//	patient_ref  whom the device believes to measure
//	t_meas, t_dev_now, t_gw   RFC 3339; with source "tick" the first two are counters in milliseconds
//	clock        {"source": "wall" | "utc" | "tick" | "none", "synced": bool, "timeline": "current" | other}
//	obs          [{"mdc": number or "code": name, "v": value, "u": UCUM unit, "q": "ok" or a doubt}]
//
// A code is a quantity's name on the wire, such as pulse_per_min, or that of an answer: what an app asked, what a carer or
// a laboratory found ({"code":"chest_pain","v":true}, {"code":"cough","v":"yes"}, {"code":"cat_score","v":14}). The
// number of an answer stands in the unit in which the question asks for it; "u" converts no answer. All answers of one
// seq have one identity, so they go in one message.
//
// Fields that it does not know are passed over. A field twice, text that is not UTF-8 and nesting without end are
// refused, because two readers would not agree on what they mean.

// Limits of a native envelope.
const (
	MaxMsgID = 128       // bytes
	MaxItems = 64        // readings and answers in one upload
	maxCount = 1<<53 - 1 // of boot_id and seq: beyond it JSON's readers differ
)

// Native reads a native envelope into u. Whatever could be read before a fault stands in u all the same.
func (u *Upload) Native(b []byte) *Fault {
	*u = Upload{Items: u.Items[:0]}
	s := scanner{b: b}
	if s.envelope(u) {
		if s.peek(); s.i < len(b) {
			s.fail("something follows the envelope: %s", s.here())
		}
	}
	return s.err
}

// The members of an envelope, as bits.
const (
	hasV = 1 << iota
	hasMsgID
	hasBoot
	hasSeq
	hasPatient
	hasMeasured
	hasDeviceNow
	hasGateway
	hasClock
	hasObs
)

func (s *scanner) envelope(u *Upload) bool {
	if !s.expect('{') {
		return false
	}
	u.Clock.Current = true
	var seen uint32
	for k, ok := s.member(true); ok; k, ok = s.member(false) {
		bit := envelopeBit(k)
		if seen&bit != 0 {
			return s.fail("%q stands twice", k)
		}
		seen |= bit
		if !s.field(u, bit) {
			return false
		}
	}
	switch {
	case s.err != nil:
		return false
	case seen&hasV == 0:
		s.err = &Fault{Reason: Version, Detail: `"v" is missing: want 1`}
		return false
	case seen&hasObs == 0:
		return s.fail(`"obs" is missing`)
	}
	return s.ticks(u)
}

func envelopeBit(k []byte) uint32 {
	switch string(k) {
	case "v":
		return hasV
	case "msg_id":
		return hasMsgID
	case "boot_id":
		return hasBoot
	case "seq":
		return hasSeq
	case "patient_ref":
		return hasPatient
	case "t_meas":
		return hasMeasured
	case "t_dev_now":
		return hasDeviceNow
	case "t_gw":
		return hasGateway
	case "clock":
		return hasClock
	case "obs":
		return hasObs
	}
	return 0
}

func (s *scanner) field(u *Upload, bit uint32) (ok bool) {
	switch bit {
	case hasV:
		return s.version()
	case hasMsgID:
		u.MsgID, ok = s.id("msg_id")
	case hasPatient:
		u.PatientRef, ok = s.id("patient_ref")
	case hasBoot:
		u.Boot, u.HasBoot, ok = s.count("boot_id")
	case hasSeq:
		u.Seq, u.HasSeq, ok = s.count("seq")
	case hasMeasured:
		u.Measured, ok = s.moment("t_meas")
	case hasDeviceNow:
		u.DeviceNow, ok = s.moment("t_dev_now")
	case hasGateway:
		u.Gateway, ok = s.moment("t_gw")
	case hasClock:
		return s.clock(&u.Clock)
	case hasObs:
		return s.items(u)
	default:
		return s.skip(1)
	}
	return ok
}

func (s *scanner) version() bool {
	s.space()
	t, ok := s.token()
	if ok && string(t) != "1" {
		s.err = &Fault{Reason: Version, Detail: `"v" is ` + string(t) + ": want 1"}
		return false
	}
	return ok
}

// null reads a null, which is the same as nothing.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	return s.word("null")
}

func (s *scanner) id(name string) ([]byte, bool) {
	if s.null() || s.err != nil {
		return nil, s.err == nil
	}
	from := s.i
	t, ok := s.text()
	if ok && len(t) > MaxMsgID {
		s.i = from
		return nil, s.fail("%s is longer than %d bytes", name, MaxMsgID)
	}
	return t, ok
}

func (s *scanner) count(name string) (n int64, has, ok bool) {
	if s.null() || s.err != nil {
		return 0, false, s.err == nil
	}
	from := s.i
	if c := s.peek(); c-'0' > 9 {
		return 0, false, s.fail("%s: want a whole number from 0 to %d", name, maxCount)
	}
	t, ok := s.token()
	if !ok {
		return 0, false, false
	}
	if n, ok = whole(t); !ok || n < 0 || n > maxCount {
		s.i = from
		return 0, false, s.fail("%s is %s: want a whole number from 0 to %d", name, clip(t), maxCount)
	}
	return n, true, true
}

// whole reads digits alone.
func whole(t []byte) (int64, bool) {
	if len(t) > 18 {
		return 0, false
	}
	var n int64
	for i, c := range t {
		if c == '-' && i == 0 && len(t) > 1 {
			continue
		}
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(t) > 0 && t[0] == '-' {
		n = -n
	}
	return n, true
}

func clip(t []byte) []byte { return t[:min(len(t), 40)] }

func (s *scanner) moment(name string) (Moment, bool) {
	if s.null() || s.err != nil {
		return Moment{}, s.err == nil
	}
	if c := s.peek(); c == '-' || c-'0' <= 9 {
		t, ok := s.token()
		if !ok {
			return Moment{}, false
		}
		n, ok := whole(t)
		if !ok {
			return Moment{}, s.badTime(name, t, "a counter in whole milliseconds")
		}
		return Moment{Form: Ticks, Ms: event.Time(n)}, true
	}
	t, ok := s.text()
	if !ok {
		return Moment{}, false
	}
	m, ok := parseMoment(t)
	if !ok {
		return Moment{}, s.badTime(name, t, "RFC 3339 such as 2026-03-02T07:14:00+08:00")
	}
	return m, true
}

func (s *scanner) badTime(name string, t []byte, want string) bool {
	s.err = &Fault{Reason: BadTime, Detail: name + " is " + string(clip(t)) + ": want " + want}
	return false
}

// ticks holds the form of the times against the source of the clock: counters and nothing else are numbers.
func (s *scanner) ticks(u *Upload) bool {
	counter := u.Clock.Source == Tick
	for i, m := range [...]Moment{u.Measured, u.DeviceNow, u.Gateway} {
		if m.Form == Ticks && (!counter || i == 2) {
			s.err = &Fault{Reason: BadTime, Detail: []string{"t_meas", "t_dev_now", "t_gw"}[i] +
				` is a number: want RFC 3339; a counter needs "source":"tick"`}
			return false
		}
	}
	return true
}

func (s *scanner) clock(c *Clock) bool {
	if s.null() || s.err != nil {
		return s.err == nil
	}
	if !s.expect('{') {
		return false
	}
	var seen uint32
	for k, ok := s.member(true); ok; k, ok = s.member(false) {
		var bit uint32
		switch string(k) {
		case "source":
			bit, ok = 1, s.source(&c.Source)
		case "synced":
			bit, ok = 2, s.flag(&c.Synced)
		case "timeline":
			bit, ok = 4, s.timeline(&c.Current)
		default:
			ok = s.skip(2)
		}
		if seen&bit != 0 {
			return s.fail("clock.%s stands twice", k)
		}
		if seen |= bit; !ok {
			return false
		}
	}
	return s.err == nil
}

func (s *scanner) source(to *Source) bool {
	if s.null() || s.err != nil {
		return s.err == nil
	}
	t, ok := s.text()
	switch string(t) {
	case "utc":
		*to = UTC
	case "wall", "local":
		*to = Local
	case "tick", "tick_counter":
		*to = Tick
	case "none", "no_timestamp":
		*to = NoTime
	default:
		if ok {
			s.err = &Fault{Reason: BadTime, Detail: "clock.source is " + string(clip(t)) + ": want wall, utc, tick or none"}
		}
		return false
	}
	return ok
}

func (s *scanner) flag(to *bool) bool {
	switch s.peek() {
	case 't':
		*to = true
		return s.word("true")
	case 'f':
		return s.word("false")
	default:
		return s.null() || s.fail("want true or false, not %s", s.here())
	}
}

func (s *scanner) timeline(current *bool) bool {
	if s.null() || s.err != nil {
		return s.err == nil
	}
	t, ok := s.text()
	*current = string(t) == "current"
	return ok
}

func (s *scanner) items(u *Upload) bool {
	if !s.expect('[') {
		return false
	}
	for first := true; s.more(']', first); first = false {
		if len(u.Items) == MaxItems {
			return s.fail("more than %d readings and answers in one upload", MaxItems)
		}
		u.Items = append(u.Items, Item{})
		if !s.item(&u.Items[len(u.Items)-1]) {
			return false
		}
	}
	return s.err == nil
}

func (s *scanner) item(it *Item) bool {
	if !s.expect('{') {
		return false
	}
	var seen uint32
	for k, ok := s.member(true); ok; k, ok = s.member(false) {
		var bit uint32
		switch string(k) {
		case "mdc":
			bit, ok = 1, s.mdc(it)
		case "code":
			bit, ok = 2, s.label(&it.Code, &it.BadCode)
		case "v":
			bit, ok = 4, s.value(it)
		case "u":
			bit, ok = 8, s.label(&it.Unit, &it.BadUnit)
			it.HasUnit = it.Unit != nil
		case "q":
			bit, ok = 16, s.label(&it.Quality, &it.BadQuality)
		default:
			ok = s.skip(3)
		}
		if seen&bit != 0 {
			return s.fail("%q of a reading stands twice", k)
		}
		if seen |= bit; !ok {
			return false
		}
	}
	return s.err == nil
}

func (s *scanner) mdc(it *Item) bool {
	if c := s.peek(); c-'0' > 9 {
		it.BadCode = c != 'n'
		return s.skip(3)
	}
	t, ok := s.token()
	if n, isWhole := whole(t); isWhole && n > 0 && n <= math.MaxUint32 {
		it.MDC = n
	} else {
		it.BadCode = true
	}
	return ok
}

// label reads a text; bad tells that something else stands there, which is passed over.
func (s *scanner) label(to *[]byte, bad *bool) (ok bool) {
	switch s.peek() {
	case '"':
		*to, ok = s.text()
		return ok
	case 'n':
		return s.word("null")
	}
	*bad = true
	return s.skip(3)
}

func (s *scanner) value(it *Item) (ok bool) {
	switch c := s.peek(); {
	case c == '-' || c-'0' <= 9:
		return s.number(it)
	case c == '"':
		it.Kind = Text
		it.Text, ok = s.text()
		return ok
	case c == 't', c == 'f':
		it.Kind = Bool
		return s.flag(&it.Bool)
	case c == 'n':
		return s.word("null")
	}
	it.Kind = Other
	return s.skip(3)
}

// number reads a decimal exactly as far as millionths go and rounds the rest half away from zero: a device that
// prints a 32-bit float sends 36.599998474121094 and means 36.6.
func (s *scanner) number(it *Item) bool {
	t, ok := s.token()
	if !ok {
		return false
	}
	if it.Number, ok = short(t); ok {
		it.Kind = Number
		return true
	}
	d, err := event.RoundDecimal(string(t))
	if err != nil {
		it.Kind, it.Text = Huge, clip(t)
		return true
	}
	it.Kind, it.Number = Number, d
	return true
}

// short reads what nearly every number looks like: a few digits, perhaps a point and a few more.
func short(t []byte) (event.Decimal, bool) {
	if len(t) > 15 {
		return 0, false
	}
	var n event.Decimal
	i, neg := 0, t[0] == '-'
	if neg {
		i = 1
	}
	for ; i < len(t) && t[i]-'0' <= 9; i++ {
		n = n*10 + event.Decimal(t[i]-'0')
	}
	if n >= 1e8 {
		return 0, false
	}
	n *= event.One
	if i < len(t) && t[i] == '.' {
		p := event.One / 10
		for i++; i < len(t) && t[i]-'0' <= 9; i++ {
			if p == 0 {
				return 0, false
			}
			n += event.Decimal(t[i]-'0') * p
			p /= 10
		}
	}
	if neg {
		n = -n
	}
	return n, i == len(t)
}
