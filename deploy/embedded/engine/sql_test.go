package engine

import (
	"strings"
	"testing"
)

func TestAsInsertion(t *testing.T) {
	for name, c := range map[string]struct {
		text, from, data string
		no               bool
	}{
		"with columns":          {text: "INSERT INTO t (a, `b)`) FORMAT Native\n\x01\x02", from: "INSERT INTO t (a, `b)`)  FROM INFILE 'F' COMPRESSION 'none'  FORMAT Native", data: "\x01\x02"},
		"settings move behind":  {text: "insert into t settings a=1, b='FORMAT x' format CSV 1\n2", from: "insert into t  FROM INFILE 'F' COMPRESSION 'none' settings a=1, b='FORMAT x'  FORMAT CSV", data: "1\n2"},
		"comment":               {text: "/* VALUES */ INSERT INTO t -- SELECT\nFORMAT TSV \t\n\n1", from: "/* VALUES */ INSERT INTO t -- SELECT\n FROM INFILE 'F' COMPRESSION 'none'  FORMAT TSV", data: "\n1"},
		"a table called format": {text: "INSERT INTO TABLE format FORMAT CSV\n1", from: "INSERT INTO TABLE format  FROM INFILE 'F' COMPRESSION 'none'  FORMAT CSV", data: "1"},
		"values":                {text: "INSERT INTO t VALUES ('FORMAT CSV')", no: true},
		"format values":         {text: "INSERT INTO t FORMAT Values (1)", no: true},
		"select":                {text: "INSERT INTO t SELECT 1 FORMAT CSV", no: true},
		"no insert":             {text: "SELECT 1 FORMAT CSV", no: true},
		"half":                  {text: "INSERT INTO t (a FORMAT CSV", no: true},
	} {
		t.Run(name, func(t *testing.T) {
			n, ok := asInsertion(c.text)
			if ok == c.no {
				t.Fatalf("an insertion: %v", ok)
			}
			if ok && (n.from("F") != c.from || c.text[n.data:] != c.data) {
				t.Fatalf("got %q with %q", n.from("F"), c.text[n.data:])
			}
		})
	}
}

func TestAsQuery(t *testing.T) {
	for text, want := range map[string]query{
		"SELECT 1":                                  {selects: true},
		"WITH 1 AS x SELECT x FORMAT JSON;":         {selects: true, format: "JSON"},
		"(SELECT 1) FORMAT CSV SETTINGS a = 1":      {selects: true, format: "CSV"},
		"SELECT a AS format FROM t":                 {selects: true},
		"SELECT 'FORMAT JSON', [format(1)]":         {selects: true},
		"SHOW TABLES FORMAT TSV":                    {format: "TSV"},
		"CREATE TABLE t (format String) ENGINE=Log": {},
	} {
		if got := asQuery(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// FuzzStatement: whatever text comes, the scanner ends, and what it takes for data is the end of the text.
func FuzzStatement(f *testing.F) {
	for _, s := range []string{"INSERT INTO t FORMAT Native\n\x01", "INSERT INTO t (a) SETTINGS x='\\' FORMAT CSV", "SELECT `", "/*", "--", "'\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		asQuery(s)
		if n, ok := asInsertion(s); ok && (n.data > len(s) || !strings.HasPrefix(s, n.head)) {
			t.Fatalf("%q: head %q, data at %d", s, n.head, n.data)
		}
	})
}
