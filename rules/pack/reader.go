package pack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"tocsin/streams/event"
)

// Fault is one thing wrong with a pack, and where.
type Fault struct {
	File         string
	Line, Column int
	Says         string
}

// Error reads "news2.yaml:12:5: ...".
func (f Fault) Error() string { return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Says) }

// Faults is everything wrong with a pack.
type Faults []Fault

// Error has one line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// reader walks the tree of a file and gathers what is wrong with it.
type reader struct {
	file   string
	faults Faults
}

func (r *reader) fault(n ast.Node, format string, args ...any) {
	f := Fault{File: r.file, Line: 1, Column: 1, Says: fmt.Sprintf(format, args...)}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		f.Line, f.Column = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	r.faults = append(r.faults, f)
}

// err answers the faults in the order of the file, nil when there are none.
func (r *reader) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(r.faults, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return r.faults
}

// parse answers the one document of a file.
func (r *reader) parse(text string) ast.Node {
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey()) // a doubled key is told with all other faults
	if err != nil {
		f := Fault{File: r.file, Line: 1, Column: 1, Says: "this is no YAML: " + err.Error()}
		var at interface{ GetMessage() string }
		if errors.As(err, &at) {
			f.Says = "this is no YAML: " + at.GetMessage()
		}
		if line, column, ok := position(err); ok {
			f.Line, f.Column = line, column
		}
		r.faults = append(r.faults, f)
		return nil
	}
	if !slices.ContainsFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body != nil }) {
		r.faults = append(r.faults, Fault{r.file, 1, 1, "there is nothing in this file"})
		return nil
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		r.faults = append(r.faults, Fault{r.file, 1, 1, fmt.Sprintf("want one document, found %d", len(file.Docs))})
		return nil
	}
	return file.Docs[0].Body
}

// position reads the place out of the parser's message, which begins "[line:column] ".
func position(err error) (line, column int, ok bool) {
	n, _ := fmt.Sscanf(err.Error(), "[%d:%d]", &line, &column)
	return line, column, n == 2
}

// fields says what a mapping may hold; a name that ends in ! must be there.
type fields map[string]func(ast.Node)

// mapping reads the keys of a mapping. Unknown, doubled and absent ones are faults.
func (r *reader) mapping(n ast.Node, what string, want fields) {
	seen := map[string]bool{}
	for _, kv := range r.pairs(n, what) {
		key := kv.Key.String()
		read, ok := want[key]
		if !ok {
			read, ok = want[key+"!"]
		}
		if !ok {
			r.fault(kv.Key, "%s has no %q; it may have %s", what, key, strings.Join(names(want), ", "))
			continue
		}
		if seen[key] {
			r.fault(kv.Key, "%s has %q twice", what, key)
			continue
		}
		seen[key] = true
		read(plain(kv.Value))
	}
	for _, key := range names(want) {
		if _, must := want[key+"!"]; must && !seen[key] {
			r.fault(n, "%s needs %q", what, key)
		}
	}
}

func names(want fields) []string {
	all := make([]string, 0, len(want))
	for k := range want {
		all = append(all, strings.TrimSuffix(k, "!"))
	}
	slices.Sort(all)
	return all
}

// pairs answers the entries of a mapping.
func (r *reader) pairs(n ast.Node, what string) []*ast.MappingValueNode {
	switch m := plain(n).(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	default:
		r.fault(n, "%s: want a mapping of names to values", what)
		return nil
	}
}

// each reads the elements of a list.
func (r *reader) each(n ast.Node, what string, read func(ast.Node)) {
	list, ok := plain(n).(*ast.SequenceNode)
	if !ok {
		r.fault(n, "%s: want a list", what)
		return
	}
	for _, x := range list.Values {
		read(plain(x))
	}
}

// plain takes off what stands around a value. Anchors and aliases are not part of packs: a number stands where it counts.
func plain(n ast.Node) ast.Node {
	if t, ok := n.(*ast.TagNode); ok {
		return plain(t.Value)
	}
	return n
}

// word answers a scalar as it is written.
func (r *reader) word(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(s.Value.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	default:
		r.fault(n, "want a single value")
		return "", false
	}
}

func (r *reader) text(to *string) func(ast.Node) {
	return func(n ast.Node) { *to, _ = r.word(n) }
}

func (r *reader) whole(to *int, low, high int) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.word(n)
		if !ok {
			return
		}
		d, err := event.ParseDecimal(s)
		if err != nil || d%event.One != 0 || d < event.Int(int64(low)) || d > event.Int(int64(high)) {
			r.fault(n, "%q: want a whole number from %d to %d", s, low, high)
			return
		}
		*to = int(d / event.One)
	}
}

func (r *reader) decimal(to *event.Decimal) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.word(n)
		if !ok {
			return
		}
		d, err := event.ParseDecimal(s)
		if err != nil {
			r.fault(n, "%v", err)
			return
		}
		*to = d
	}
}

func (r *reader) truth(to *bool) func(ast.Node) {
	return func(n ast.Node) {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			r.fault(n, "want true or false")
			return
		}
		*to = b.Value
	}
}

func (r *reader) severity(to *event.Severity) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.word(n)
		if !ok {
			return
		}
		var sev event.Severity
		if err := sev.UnmarshalText([]byte(s)); err != nil || sev == event.Technical {
			r.fault(n, "%q: want none, low, medium or high", s)
			return
		}
		*to = sev
	}
}

func (r *reader) quantity(n ast.Node) event.Quantity {
	s, ok := r.word(n)
	if !ok {
		return event.NoQuantity
	}
	q, err := event.ParseQuantity(s)
	if err != nil {
		r.fault(n, "%v", err)
	}
	return q
}

// span reads a length of time such as 15m, 12h or 7d; "none" is without limit.
func (r *reader) span(to *int64) func(ast.Node) {
	return func(n ast.Node) {
		s, ok := r.word(n)
		if !ok {
			return
		}
		ms, ok := parseSpan(s)
		if !ok {
			r.fault(n, "%q is no length of time; write it as 10s, 15m, 12h, 7d or none", s)
			return
		}
		*to = ms
	}
}

func parseSpan(s string) (int64, bool) {
	if s == "none" {
		return 0, true
	}
	if len(s) < 2 {
		return 0, false
	}
	unit := map[byte]int64{'s': 1000, 'm': 60_000, 'h': 3_600_000, 'd': 86_400_000}[s[len(s)-1]]
	d, err := event.ParseDecimal(s[:len(s)-1])
	if err != nil || unit == 0 || d <= 0 || d > event.Int(10_000) {
		return 0, false
	}
	return int64(d) * unit / int64(event.One), true
}
