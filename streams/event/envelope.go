package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Type is the fixed string of a kind of event. Rename the Go type freely; the string stays.
type Type string

// Event is one of the structs of this package.
type Event interface{ Type() Type }

// Everyone is the subject of what concerns all patients: one copy lies in every partition.
const Everyone = "*"

// Envelope is an event with its CloudEvents 1.0 attributes and what the log needs to know of it.
type Envelope struct {
	ID      string // ce_id, unique; made before the first sending, so that a repeat has the same
	Source  string // ce_source: which edge or owner wrote it
	Subject string // ce_subject: {tenant}/{patient}, or Everyone
	At      Time   // ce_time: when the writer decided; in decisions the `now` of the decision
	Cause   string // ce_cause: id of the input or event that led to it

	// In decisions alone.
	Life  string // ce_life: the owner's life
	Step  int64  // ce_step
	Index int    // ce_index: within the step, from 0
	After int64  // ce_after: offset of the last input folded before it; -1: none in this life of the log

	// In inputs alone: the place of a directory effect; zero for all else.
	Effect Effect // ce_effect

	Data Event
}

// Effect is the place of a handed-on fact: the offset of its event in `directory`, counted from 1 so that zero is
// none, and its number within it.
type Effect struct {
	Offset int64 `json:"offset"`
	Number int   `json:"number"`
}

// IsZero tells whether there is none.
func (e Effect) IsZero() bool { return e.Offset == 0 }

// After tells whether e comes later than f.
func (e Effect) After(f Effect) bool {
	return e.Offset > f.Offset || e.Offset == f.Offset && e.Number > f.Number
}

// Header is one record header.
type Header struct {
	Key   string
	Value []byte
}

// The headers of CloudEvents' binary mode over Kafka, and our extensions.
const (
	headerSpec    = "ce_specversion"
	headerID      = "ce_id"
	headerType    = "ce_type"
	headerSource  = "ce_source"
	headerTime    = "ce_time"
	headerSubject = "ce_subject"
	headerVersion = "ce_dataversion"
	headerCause   = "ce_cause"
	headerLife    = "ce_life"
	headerStep    = "ce_step"
	headerIndex   = "ce_index"
	headerAfter   = "ce_after"
	headerEffect  = "ce_effect"
	headerContent = "content-type"
)

var (
	// ErrUnreadable is wrapped by every error about a record that cannot be decoded: put it aside.
	ErrUnreadable = errors.New("unreadable record")
	// ErrNewer is wrapped when a type or version is newer than this program: give the partitions back and call an operator.
	ErrNewer = errors.New("newer than this program")
)

var (
	specValue    = []byte(specVersion)
	contentValue = []byte("application/json")
)

// Encode turns an envelope into headers and value. It refuses what Decode would not read back.
func Encode(e Envelope) ([]Header, []byte, error) {
	if e.Data == nil {
		return nil, nil, errors.New("event without data")
	}
	t := e.Data.Type()
	s, ok := schemas[t]
	if !ok {
		return nil, nil, fmt.Errorf("event type %q is not in schemas", t)
	}
	if e.ID == "" || e.Subject == "" {
		return nil, nil, fmt.Errorf("event %s needs an id and a subject", t)
	}
	if e.At < earliest || e.At > latest {
		return nil, nil, fmt.Errorf("event %s %s: its time %d is outside the years 1 to 9999", t, e.ID, int64(e.At))
	}
	value, err := marshal(e.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s %s: %w", t, e.ID, err)
	}
	return headersOf(e, t, s.version), value, nil
}

// marshal writes data as JSON, by its own hand where it has one.
func marshal(data Event) ([]byte, error) {
	if own, ok := data.(interface{ AppendJSON([]byte) ([]byte, error) }); ok {
		return own.AppendJSON(make([]byte, 0, 512))
	}
	return json.Marshal(data)
}

// headersOf writes all values into one piece of memory: an event has a dozen of them, and there are many events.
func headersOf(e Envelope, t Type, version int) []Header {
	w := headerWriter{headers: make([]Header, 0, 14), b: make([]byte, 0, 192+len(e.ID)+len(e.Source)+len(e.Subject)+len(e.Cause)+len(e.Life))}
	w.headers = append(w.headers, Header{headerSpec, specValue})
	w.text(headerID, e.ID)
	w.text(headerType, string(t))
	w.text(headerSource, e.Source)
	w.put(headerTime, e.At.Append(w.b))
	w.text(headerSubject, e.Subject)
	w.number(headerVersion, int64(version))
	w.headers = append(w.headers, Header{headerContent, contentValue})
	if e.Cause != "" {
		w.text(headerCause, e.Cause)
	}
	if e.Life != "" {
		w.text(headerLife, e.Life)
		w.number(headerStep, e.Step)
		w.number(headerIndex, int64(e.Index))
		w.number(headerAfter, e.After)
	}
	if !e.Effect.IsZero() {
		w.put(headerEffect, fmt.Appendf(w.b, "%d.%d", e.Effect.Offset, e.Effect.Number))
	}
	return w.headers
}

type headerWriter struct {
	headers []Header
	b       []byte
}

// put takes what was appended to b as the value of key.
func (w *headerWriter) put(key string, b []byte) {
	w.headers = append(w.headers, Header{key, b[len(w.b):len(b):len(b)]})
	w.b = b
}

func (w *headerWriter) text(key, s string)         { w.put(key, append(w.b, s...)) }
func (w *headerWriter) number(key string, n int64) { w.put(key, strconv.AppendInt(w.b, n, 10)) }

// Decode reads an envelope, lifting older versions to today's. The error wraps ErrUnreadable or ErrNewer.
func Decode(headers []Header, value []byte) (Envelope, error) {
	e, t, version, err := attributes(headers)
	if err != nil {
		return Envelope{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	s, ok := schemas[t]
	if !ok || version > s.version {
		return e, fmt.Errorf("event %s: type %q version %d is %w", e.ID, t, version, ErrNewer)
	}
	if e.Data, err = s.decode(version, value); err != nil {
		return e, fmt.Errorf("%w: %s %s: %w", ErrUnreadable, t, e.ID, err)
	}
	return e, nil
}

// Attributes reads the envelope without its data: enough for the rule of reading, and for what is too new to decode.
func Attributes(headers []Header) (Envelope, Type, error) {
	e, t, _, err := attributes(headers)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return e, t, err
}

func attributes(headers []Header) (e Envelope, t Type, version int, err error) {
	e.After = -1
	var spec string
	for _, h := range headers {
		if err := attribute(&e, &t, &version, &spec, h); err != nil {
			return e, t, version, fmt.Errorf("header %s: %w", h.Key, err)
		}
	}
	switch {
	case spec != specVersion:
		return e, t, version, fmt.Errorf("ce_specversion is %q, not 1.0", spec)
	case e.ID == "" || t == "" || e.Subject == "" || version < 1:
		return e, t, version, errors.New("ce_id, ce_type, ce_subject and ce_dataversion are needed")
	}
	return e, t, version, nil
}

func attribute(e *Envelope, t *Type, version *int, spec *string, h Header) (err error) {
	switch h.Key {
	case headerSpec:
		if *spec = specVersion; string(h.Value) != specVersion {
			*spec = string(h.Value)
		}
	case headerID:
		e.ID = string(h.Value)
	case headerType:
		var known bool
		if *t, known = typesByName[string(h.Value)]; !known {
			*t = Type(h.Value)
		}
	case headerSource:
		e.Source = string(h.Value)
	case headerSubject:
		e.Subject = string(h.Value)
	case headerTime:
		var plain bool
		if e.At, plain = momentOf(h.Value); !plain {
			e.At, err = ParseTime(string(h.Value))
		}
	case headerVersion:
		var n int64
		n, err = whole(h.Value)
		*version = int(n)
	case headerCause:
		e.Cause = string(h.Value)
	case headerLife:
		e.Life = string(h.Value)
	case headerStep:
		e.Step, err = whole(h.Value)
	case headerIndex:
		var n int64
		n, err = whole(h.Value)
		e.Index = int(n)
	case headerAfter:
		e.After, err = whole(h.Value)
	case headerEffect:
		_, err = fmt.Sscanf(string(h.Value), "%d.%d", &e.Effect.Offset, &e.Effect.Number)
	}
	return err
}

// specVersion is that of CloudEvents.
const specVersion = "1.0"

// typesByName shares the names of all types, which would else be made anew for every record.
var typesByName = func() map[string]Type {
	all := make(map[string]Type, len(schemas))
	for t := range schemas {
		all[string(t)] = t
	}
	return all
}()

// whole reads a whole number. Up to 18 plain digits need no string.
func whole(b []byte) (n int64, err error) {
	if len(b) == 0 || len(b) > 18 {
		return strconv.ParseInt(string(b), 10, 64)
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return strconv.ParseInt(string(b), 10, 64)
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

// Known answers whether this program can decode a record of the type and version that its headers name.
func Known(headers []Header) error {
	e, t, version, err := attributes(headers)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if s, ok := schemas[t]; !ok || version > s.version {
		return fmt.Errorf("event %s: type %q version %d is %w", e.ID, t, version, ErrNewer)
	}
	return nil
}
