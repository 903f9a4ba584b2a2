package deploy

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// bind reads YAML into a struct over what is there. It tells every fault at once with line, column, path and a hint;
// a key that nobody knows is a fault.
func bind(file string, text []byte, into any) error {
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	b := &binder{file: file}
	for _, d := range doc.Docs {
		if d.Body != nil {
			b.value("", d.Body, reflect.ValueOf(into).Elem())
		}
	}
	return errors.Join(b.faults...)
}

type binder struct {
	file   string
	faults []error
}

func (b *binder) fault(n ast.Node, path, format string, args ...any) {
	at := n.GetToken().Position
	b.faults = append(b.faults, fmt.Errorf("%s:%d:%d: %s: %s", b.file, at.Line, at.Column, path, fmt.Sprintf(format, args...)))
}

func (b *binder) value(path string, n ast.Node, v reflect.Value) {
	if n.Type() == ast.NullType {
		return // an empty entry leaves the default
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		b.duration(path, n, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		b.fields(path, n, v)
	case reflect.Slice:
		b.list(path, n, v)
	case reflect.String:
		b.word(path, n, v)
	case reflect.Bool:
		if is, ok := n.(*ast.BoolNode); ok {
			v.SetBool(is.Value)
			return
		}
		b.fault(n, path, "%s is neither true nor false", n)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(strings.ReplaceAll(n.String(), "_", ""), 10, 64)
		if err != nil {
			b.fault(n, path, "%s is no whole number", n)
			return
		}
		v.SetInt(i)
	default:
		panic("config has a field of kind " + v.Kind().String())
	}
}

func (b *binder) word(path string, n ast.Node, v reflect.Value) {
	switch s := n.(type) {
	case *ast.StringNode:
		v.SetString(s.Value)
	case *ast.LiteralNode:
		v.SetString(s.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		v.SetString(n.GetToken().Value)
	default:
		b.fault(n, path, "want one word")
	}
}

func (b *binder) duration(path string, n ast.Node, v reflect.Value) {
	d, err := time.ParseDuration(strings.Trim(n.String(), `"'`))
	if err != nil {
		b.fault(n, path, "%s is no duration; try %ss", n, strings.TrimRight(n.GetToken().Value, "abcdefghijklmnopqrstuvwxyz "))
		return
	}
	v.SetInt(int64(d))
}

func (b *binder) list(path string, n ast.Node, v reflect.Value) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		b.fault(n, path, "want a list, such as [a, b]")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values))
	for i, each := range s.Values {
		b.value(fmt.Sprintf("%s[%d]", path, i), each, list.Index(i))
	}
	v.Set(list)
}

func (b *binder) fields(path string, n ast.Node, v reflect.Value) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		b.fault(n, path, "want keys with values")
		return
	}
	known := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			known[name] = v.Field(i)
			names = append(names, name)
		}
	}
	for _, each := range m.Values {
		name := each.Key.GetToken().Value
		full := strings.TrimPrefix(path+"."+name, ".")
		if f, ok := known[name]; ok {
			b.value(full, each.Value, f)
			continue
		}
		b.fault(each.Key, full, "there is no such setting; here there are %s", strings.Join(names, ", "))
	}
}
