package event

import "unicode/utf8"

// Reader reads one envelope after the other into the same memory: what it has answered is over with the next call, but for its
// strings and for events of other types than readings and beats. It answers what Decode answers: whatever does not look as this
// program writes it today is handed to Decode. Reading a history is most of what a backtest of it takes, and nearly all of it is
// readings. It is used from one goroutine.
type Reader struct {
	envelope    Envelope
	observation ObservationRecorded
	readings    [Quantities]Reading
	answers     []Answer
	gatewayAt   Time
	zone        int
	beat        DoorOpened
	known       words
	day         dayRead
	text        []byte
}

// words are strings that records have in common. There are as many as doors and devices; when there are more it begins anew.
type words struct {
	known map[string]string
	last  [4]string // of one place in the record after the other
}

const wordsAtMost = 100_000

// The places in a record whose strings stay the same for a while.
const (
	wordSource = iota
	wordSubject
	wordDevice
	wordDoor
)

func (w *words) of(place int, b []byte) string {
	if w.last[place] == string(b) {
		return w.last[place]
	}
	s, ok := w.known[string(b)]
	if !ok {
		if w.known == nil || len(w.known) >= wordsAtMost {
			w.known = map[string]string{}
		}
		s = string(b)
		w.known[s] = s
	}
	w.last[place] = s
	return s
}

// Expect tells the subject and the device that the next record most likely names: comparing is cheaper than looking up.
func (r *Reader) Expect(subject, device string) {
	r.known.last[wordSubject], r.known.last[wordDevice] = subject, ""
	if isPlain(device) {
		r.known.last[wordDevice] = device
	}
}

// isPlain tells whether s stands in JSON as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Read is Decode into the reader's own memory.
func (r *Reader) Read(headers []Header, value []byte) (*Envelope, error) {
	if t, id, ok := r.attributes(headers); ok {
		switch t {
		case typeObservation:
			if r.observed(id, value) {
				r.envelope.Data = &r.observation
				return &r.envelope, nil
			}
		case typeBeat:
			r.envelope.ID = string(id)
			if r.beaten(value) {
				r.envelope.Data = &r.beat
				return &r.envelope, nil
			}
		}
	}
	e, err := Decode(headers, value)
	if err != nil {
		return nil, err
	}
	r.envelope = e
	return &r.envelope, nil
}

var (
	typeObservation = (*ObservationRecorded)(nil).Type()
	typeBeat        = (*DoorOpened)(nil).Type()
)

// attributes reads the eight headers of an input as headersOf writes them, but for the id. It is false where there are others,
// and for all types but readings and beats of today's version.
func (r *Reader) attributes(h []Header) (t Type, id []byte, ok bool) {
	if len(h) != 8 || h[0].Key != headerSpec || h[1].Key != headerID || h[2].Key != headerType || h[3].Key != headerSource ||
		h[4].Key != headerTime || h[5].Key != headerSubject || h[6].Key != headerVersion || h[7].Key != headerContent {
		return "", nil, false
	}
	var version byte
	switch string(h[2].Value) {
	case string(typeObservation):
		t, version = typeObservation, observationVersion
	case string(typeBeat):
		t, version = typeBeat, beatVersion
	default:
		return "", nil, false
	}
	at, plain := r.day.moment(h[4].Value)
	if !plain || string(h[0].Value) != specVersion || len(h[1].Value) == 0 || len(h[5].Value) == 0 || len(h[6].Value) != 1 || h[6].Value[0] != version {
		return "", nil, false
	}
	r.envelope = Envelope{Source: r.known.of(wordSource, h[3].Value), Subject: r.known.of(wordSubject, h[5].Value), At: at, After: -1}
	return t, h[1].Value, true
}

// Today's versions, as the one digit that the header has.
var (
	observationVersion = versionDigit(typeObservation)
	beatVersion        = versionDigit(typeBeat)
)

func versionDigit(t Type) byte {
	if v := schemas[t].version; v < 10 {
		return byte('0' + v)
	}
	return 0 // no header has it, so Decode reads everything
}

// observed reads an upload, and makes one string of its two ids.
func (r *Reader) observed(id, value []byte) bool {
	in := observationReader{b: value, shared: r}
	r.observation = ObservationRecorded{}
	if !in.observation(&r.observation) {
		return false
	}
	r.text = append(append(r.text[:0], id...), in.msgID...)
	both := string(r.text)
	r.envelope.ID, r.observation.MsgID = both[:len(id)], both[len(id):]
	return true
}

// beaten reads the beat of a door as encoding/json writes it.
func (r *Reader) beaten(value []byte) bool {
	in := observationReader{b: value, shared: r}
	r.beat = DoorOpened{}
	return in.is(`{"door":`) && in.word(wordDoor, &r.beat.Door) && in.is(`,"received_at":`) && in.time(&r.beat.ReceivedAt) &&
		in.is(`,"directory":`) && in.number(&r.beat.Directory) && in.is(`}`) && in.i == len(in.b)
}

// dayRead remembers the day that it has read last: a history has a great many moments of each.
type dayRead struct {
	date  [10]byte // 2026-03-02
	begin Time
}

// moment is momentOf.
func (d *dayRead) moment(b []byte) (Time, bool) {
	if len(b) != 24 || [10]byte(b) != d.date || d.begin == 0 {
		t, ok := momentOf(b)
		if ok {
			d.date, d.begin = [10]byte(b), t-t%dayMs
		}
		return t, ok
	}
	two := func(i int) (n int, wrong uint) {
		x, y := uint(b[i]-'0'), uint(b[i+1]-'0')
		return int(x*10 + y), (9 - x) | (9 - y) // the highest bit is 1 when one of them is no digit
	}
	h, w1 := two(11)
	min, w2 := two(14)
	s, w3 := two(17)
	ms, w4 := two(20)
	last := uint(b[22] - '0')
	if int(w1|w2|w3|w4|(9-last)) < 0 || h > 23 || min > 59 || s > 59 ||
		b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != '.' || b[23] != 'Z' {
		return 0, false
	}
	return d.begin + Time(((h*60+min)*60+s)*1000+ms*10+int(last)), true
}

const dayMs = 24 * 60 * 60 * 1000
