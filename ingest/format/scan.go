package format

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON text once, from front to back, and allocates nothing unless a string has an escape or
// something is wrong. Every method that reads answers false after the first fault, which stands in err.
type scanner struct {
	b   []byte
	i   int
	err *Fault
}

// maxDepth is how deep an unknown part of an envelope may nest before it is refused.
const maxDepth = 16

func (s *scanner) fail(format string, args ...any) bool {
	if s.err == nil {
		s.err = &Fault{Reason: Unreadable, Detail: fmt.Sprintf("at byte %d: ", s.i) + fmt.Sprintf(format, args...)}
	}
	return false
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\r', '\t':
			s.i++
		default:
			return
		}
	}
}

// peek answers the next byte after white space, 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return s.b[s.i]
	}
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) expect(c byte) bool {
	if s.peek() != c {
		return s.fail("want %q, not %s", c, s.here())
	}
	s.i++
	return true
}

// here names what stands at the place of a fault.
func (s *scanner) here() string {
	if s.i >= len(s.b) {
		return "the end"
	}
	return strconv.QuoteRune(rune(s.b[s.i]))
}

// more steps on within an object or an array that closes with end: true when another member follows. first is
// whether none has been read yet.
func (s *scanner) more(end byte, first bool) bool {
	if s.err != nil {
		return false
	}
	c := s.peek()
	if c == end {
		s.i++
		return false
	}
	if first {
		return true
	}
	if c != ',' {
		return s.fail("want ',' or %q, not %s", end, s.here())
	}
	s.i++
	if s.peek() == end {
		return s.fail("a comma with nothing after it")
	}
	return true
}

// member steps on to the next member of an object and reads its name and colon; false at the object's end.
func (s *scanner) member(first bool) ([]byte, bool) {
	if s.err != nil {
		return nil, false
	}
	c := s.peek()
	if c == '}' {
		s.i++
		return nil, false
	}
	if !first {
		if c != ',' {
			return nil, s.fail("want ',' or '}', not %s", s.here())
		}
		s.i++
		if s.peek() == '}' {
			return nil, s.fail("a comma with nothing after it")
		}
	}
	k, ok := s.text()
	if ok && s.i < len(s.b) && s.b[s.i] == ':' {
		s.i++
		return k, true
	}
	return k, ok && s.expect(':')
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, with the high bit of its byte, the first of eight bytes that ends or breaks a run of plain text: a
// quote, a backslash, a control character, or a byte that is not ASCII. Marks above the first may be wrong.
func special(x uint64) uint64 {
	quote, back := x^(ones*'"'), x^(ones*'\\')
	return ((quote-ones)&^quote | (back-ones)&^back | (x-ones*' ')&^x | x) & highs
}

// text reads a string. The bytes are those of the payload unless it has escapes.
func (s *scanner) text() ([]byte, bool) {
	if s.peek() != '"' {
		return nil, s.fail("want a string, not %s", s.here())
	}
	b, from := s.b, s.i+1
	i := from
	for i+8 <= len(b) {
		m := special(binary.LittleEndian.Uint64(b[i:]))
		if m != 0 {
			i += bits.TrailingZeros64(m) / 8
			break
		}
		i += 8
	}
	if i < len(b) && b[i] == '"' {
		s.i = i + 1
		return b[from:i], true
	}
	return s.slowText(from, i)
}

// slowText goes on byte by byte from i within a string that began at from.
func (s *scanner) slowText(from, i int) ([]byte, bool) {
	for wide := false; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			if wide && !utf8.Valid(s.b[from:i]) {
				s.i = from
				return nil, s.fail("text is not UTF-8")
			}
			s.i = i + 1
			return s.b[from:i], true
		case c == '\\':
			return s.escaped(from)
		case c < ' ':
			s.i = i
			return nil, s.fail("a control character stands in a string")
		case c >= utf8.RuneSelf:
			wide = true
		}
	}
	s.i = len(s.b)
	return nil, s.fail("a string has no end")
}

// escaped reads a string that has escapes, beginning after its quote.
func (s *scanner) escaped(from int) ([]byte, bool) {
	var out []byte
	for s.i = from; s.i < len(s.b); {
		c := s.b[s.i]
		switch {
		case c == '"':
			s.i++
			return out, utf8.Valid(out) || s.fail("text is not UTF-8")
		case c < ' ':
			return nil, s.fail("a control character stands in a string")
		case c != '\\':
			out = append(out, c)
			s.i++
		default:
			r, ok := s.escape()
			if !ok {
				return nil, false
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return nil, s.fail("a string has no end")
}

// escape reads one escape, or two that are the halves of one character.
func (s *scanner) escape() (rune, bool) {
	if s.i+1 >= len(s.b) {
		return 0, s.fail("a string has no end")
	}
	c := s.b[s.i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.unicode()
	default:
		return 0, s.fail("\\%c is no escape", c)
	}
	s.i += 2
	return rune(c), true
}

func (s *scanner) unicode() (rune, bool) {
	r, ok := s.hex4()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if s.i+1 < len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
		low, ok := s.hex4()
		if !ok {
			return 0, false
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, true
		}
	}
	return 0, s.fail("half of a character (a lone surrogate) stands in a string")
}

func (s *scanner) hex4() (rune, bool) {
	if s.i+6 > len(s.b) {
		return 0, s.fail("\\u wants four hexadecimal digits")
	}
	var r rune
	for _, c := range s.b[s.i+2 : s.i+6] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 5:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, s.fail("\\u wants four hexadecimal digits")
		}
		r = r<<4 | rune(c)
	}
	s.i += 6
	return r, true
}

// word reads true, false or null.
func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.fail("want a value, not %s", s.here())
	}
	s.i += len(w)
	return true
}

// token reads a number as JSON spells it.
func (s *scanner) token() ([]byte, bool) {
	from := s.i
	if s.at('-') {
		s.i++
	}
	whole := s.digits()
	if whole == 0 || whole > 1 && s.b[s.i-whole] == '0' {
		return nil, s.fail("want a number")
	}
	if s.at('.') {
		s.i++
		if s.digits() == 0 {
			return nil, s.fail("want digits after the point")
		}
	}
	if s.at('e') || s.at('E') {
		s.i++
		if s.at('+') || s.at('-') {
			s.i++
		}
		if s.digits() == 0 {
			return nil, s.fail("want digits in the exponent")
		}
	}
	return s.b[from:s.i], true
}

func (s *scanner) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

func (s *scanner) digits() int {
	from := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i - from
}

// skip passes over a value that nobody asks for, but only if it is JSON.
func (s *scanner) skip(depth int) bool {
	if depth > maxDepth {
		return s.fail("nests deeper than %d", maxDepth)
	}
	switch c := s.peek(); {
	case c == '"':
		_, ok := s.text()
		return ok
	case c == '{':
		s.i++
		for _, ok := s.member(true); ok; _, ok = s.member(false) {
			s.skip(depth + 1)
		}
		return s.err == nil
	case c == '[':
		s.i++
		for first := true; s.more(']', first); first = false {
			if !s.skip(depth + 1) {
				return false
			}
		}
		return s.err == nil
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	default:
		_, ok := s.token()
		return ok
	}
}
