// Package hl7v2 writes and reads HL7 v2 messages as text (HL7 Version 2.6, chapter 2) and their frames on a connection (MLLP, Minimal
// Lower Layer Protocol, release 1). It knows no segment but MSH and MSA.
package hl7v2

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Segment is one line: its name and its fields from 1 on. Fields of MSH are counted as the standard does: 1 is the separator itself.
type Segment struct {
	Name   string
	fields []string // as on the wire
}

// New makes a segment whose fields, from the first on, are given as they go on the wire: what comes from outside through Escape.
func New(name string, fields ...string) *Segment { return &Segment{name, fields} }

// Set puts a field as it goes on the wire.
func (s *Segment) Set(n int, field string) *Segment {
	for len(s.fields) < n {
		s.fields = append(s.fields, "")
	}
	s.fields[n-1] = field
	return s
}

// Field answers a field as it is on the wire; empty when there is none.
func (s *Segment) Field(n int) string {
	if n < 1 || n > len(s.fields) {
		return ""
	}
	return s.fields[n-1]
}

// Component answers a component of a field, from 1 on, without escapes.
func (s *Segment) Component(n, component int) string {
	parts := strings.Split(s.Field(n), "^")
	if component < 1 || component > len(parts) {
		return ""
	}
	return Unescape(parts[component-1])
}

// The delimiters that are always used here: MSH-1 and MSH-2.
const (
	separator = "|"
	encoding  = `^~\&`
)

// Message is its segments; the first is MSH.
type Message []*Segment

// String writes the message, each segment ended by a carriage return.
func (m Message) String() string {
	var b strings.Builder
	for _, s := range m {
		fields := s.fields
		b.WriteString(s.Name + separator)
		if s.Name == "MSH" && len(fields) > 0 {
			fields = fields[1:] // the separator is written already
		}
		b.WriteString(strings.TrimRight(strings.Join(fields, separator), separator) + "\r")
	}
	return b.String()
}

// Get answers the nth segment of a name, from 1 on; nil when there is none.
func (m Message) Get(name string, nth int) *Segment {
	for _, s := range m {
		if s.Name == name {
			if nth--; nth == 0 {
				return s
			}
		}
	}
	return nil
}

// Parse reads a message with the usual delimiters. Segments may end with a carriage return, a line feed or both.
func Parse(text string) (Message, error) {
	var m Message
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		fields := strings.Split(line, separator)
		s := &Segment{fields[0], fields[1:]}
		if len(s.Name) != 3 {
			return nil, fmt.Errorf("line %d does not begin with the name of a segment", len(m)+1)
		}
		if s.Name == "MSH" {
			s.fields = append([]string{separator}, s.fields...)
		}
		m = append(m, s)
	}
	if len(m) == 0 || m[0].Name != "MSH" {
		return nil, errors.New("it does not begin with MSH")
	}
	if m[0].Field(2) != encoding {
		return nil, fmt.Errorf("its delimiters (MSH-2) are not %s", encoding)
	}
	return m, nil
}

var escapes = strings.NewReplacer(`\`, `\E\`, `|`, `\F\`, `^`, `\S\`, `&`, `\T\`, `~`, `\R\`, "\r", `\X0D\`, "\n", `\X0A\`)
var unescapes = strings.NewReplacer(`\E\`, `\`, `\F\`, `|`, `\S\`, `^`, `\T\`, `&`, `\R\`, `~`, `\X0D\`, "\r", `\X0A\`, "\n", `\.br\`, "\n")

// Escape makes any text fit for a component.
func Escape(text string) string { return escapes.Replace(text) }

// Unescape reads what Escape wrote.
func Unescape(text string) string { return unescapes.Replace(text) }

// Fields joins components, each of which is escaped.
func Fields(components ...string) string {
	escaped := make([]string, len(components))
	for i, c := range components {
		escaped[i] = Escape(c)
	}
	return strings.TrimRight(strings.Join(escaped, "^"), "^")
}

// The bytes of a frame.
const (
	frameStart = 0x0b
	frameEnd   = 0x1c
	lineEnd    = 0x0d
)

// MaxFrame is how long a message may be that is read, in bytes.
const MaxFrame = 1 << 20

// WriteFrame sends one message.
func WriteFrame(w io.Writer, message string) error {
	b := make([]byte, 0, len(message)+3)
	b = append(append(append(b, frameStart), message...), frameEnd, lineEnd)
	_, err := w.Write(b)
	return err
}

// ErrFrame is that what comes is no frame.
var ErrFrame = errors.New("what came is no frame of MLLP")

// ReadFrame waits for one message.
func ReadFrame(r *bufio.Reader) (string, error) {
	first, err := r.ReadByte()
	if err != nil {
		return "", err
	}
	if first != frameStart {
		return "", ErrFrame
	}
	var b []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		if c == frameEnd {
			break
		}
		if b = append(b, c); len(b) > MaxFrame {
			return "", ErrFrame
		}
	}
	if last, err := r.ReadByte(); err != nil || last != lineEnd {
		return "", errors.Join(ErrFrame, err)
	}
	return string(b), nil
}
