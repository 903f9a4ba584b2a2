package engine

import (
	"strings"
)

// word is a bare word of a statement outside all brackets, quotes and comments, or a single sign.
type word struct {
	text       string
	start, end int
}

func (w word) is(keyword string) bool { return strings.EqualFold(w.text, keyword) }

// scanner walks over the words of a statement. It knows just enough of ClickHouse's SQL to tell the statement from
// the data behind it; the engine judges the rest.
type scanner struct {
	s     string
	at    int
	depth int
}

// next gives the next word outside all brackets; one without text is the end.
func (c *scanner) next() word {
	for c.at < len(c.s) {
		start := c.at
		switch b := c.s[c.at]; {
		case isSpace(b):
			c.at++
		case strings.HasPrefix(c.s[c.at:], "--"), b == '#':
			c.skipTo("\n")
		case strings.HasPrefix(c.s[c.at:], "/*"):
			c.skipTo("*/")
		case b == '\'' || b == '"' || b == '`':
			c.skipQuoted(b)
			if c.depth == 0 {
				return word{text: `"`, start: start, end: c.at}
			}
		case isWordByte(b):
			for c.at < len(c.s) && isWordByte(c.s[c.at]) {
				c.at++
			}
			if c.depth == 0 {
				return word{text: c.s[start:c.at], start: start, end: c.at}
			}
		default:
			c.at++
			if outside := c.sign(b); outside {
				return word{text: c.s[start:c.at], start: start, end: c.at}
			}
		}
	}
	return word{start: len(c.s), end: len(c.s)}
}

// sign follows brackets and says whether b stands outside of them.
func (c *scanner) sign(b byte) bool {
	switch b {
	case '(', '[', '{':
		c.depth++
		return c.depth == 1
	case ')', ']', '}':
		c.depth = max(0, c.depth-1)
		return false
	default:
		return c.depth == 0
	}
}

func (c *scanner) skipTo(end string) {
	i := strings.Index(c.s[c.at:], end)
	if i < 0 {
		c.at = len(c.s)
		return
	}
	c.at += i + len(end)
}

// skipQuoted passes a quoted text; a backslash or a doubled quote keeps it open.
func (c *scanner) skipQuoted(quote byte) {
	for c.at++; c.at < len(c.s); c.at++ {
		switch c.s[c.at] {
		case '\\':
			c.at++
		case quote:
			if c.at+1 < len(c.s) && c.s[c.at+1] == quote {
				c.at++
				continue
			}
			c.at++
			return
		}
	}
	c.at = min(c.at, len(c.s))
}

func isSpace(b byte) bool {
	return b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == '\f' || b == '\v'
}

func isWordByte(b byte) bool {
	return b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// insertion is an INSERT whose data follows its text in a format.
type insertion struct {
	head     string // INSERT INTO t (columns)
	settings string // SETTINGS a = 1, or nothing
	format   string
	data     int // where the data begins in the text
}

// from is the statement that reads the data from a file instead.
func (n insertion) from(path string) string {
	return n.head + " FROM INFILE '" + path + "' COMPRESSION 'none' " + n.settings + " FORMAT " + n.format
}

// asInsertion recognises INSERT … FORMAT x, then data. INSERT … VALUES and INSERT … SELECT are statements like any other.
func asInsertion(text string) (insertion, bool) {
	c := scanner{s: text}
	if !c.next().is("INSERT") {
		return insertion{}, false
	}
	settings := -1
	for w := c.next(); w.text != ""; w = c.next() {
		switch {
		case w.is("VALUES"), w.is("SELECT"), w.is("WITH"), w.is("FROM"), w.is("WATCH"):
			return insertion{}, false
		case w.is("INTO"):
			if name := c.next(); name.is("TABLE") || name.is("FUNCTION") {
				c.next() // the name itself, whatever word it is
			}
		case w.is("SETTINGS") && settings < 0:
			settings = w.start
		case w.is("FORMAT"):
			name := c.next()
			if name.text == "" || name.is("VALUES") {
				return insertion{}, false
			}
			n := insertion{format: name.text, data: dataStart(text, name.end), head: text[:w.start]}
			if settings >= 0 {
				n.head, n.settings = text[:settings], text[settings:w.start]
			}
			return n, true
		}
	}
	return insertion{}, false
}

// dataStart passes the blanks behind the name of the format, up to and with the first end of line, as ClickHouse does.
func dataStart(text string, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
		if text[at-1] == '\n' {
			break
		}
	}
	return at
}

// query is what has to be known of a statement before it is run.
type query struct {
	selects bool   // a SELECT, which the engine can stream
	format  string // what it names itself with FORMAT, or nothing
}

func asQuery(text string) query {
	c := scanner{s: text}
	w := c.next()
	q := query{selects: w.is("SELECT") || w.is("WITH") || w.is("(")}
	for ; w.text != ""; w = c.next() {
		if !w.is("FORMAT") {
			continue
		}
		after := c
		name := after.next()
		if end := after.next(); name.text != "" && (end.text == "" || end.is(";") || end.is("SETTINGS")) {
			q.format = name.text
		}
	}
	return q
}
