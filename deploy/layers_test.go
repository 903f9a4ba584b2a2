package deploy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cores touch nothing but their arguments, and never each other.
var cores = []string{"rules", "rules/expr", "rules/window", "alerts", "alerts/audit", "alerts/rota", "care"}

// pure may be imported by a core beside streams/event and what lies inside it: what computes and reaches nowhere. Of sync the
// rules use a pool of views and a memo of merged packs, which no answer depends on.
var pure = []string{"bytes", "cmp", "encoding/hex", "encoding/json", "errors", "fmt", "iter", "maps", "math", "math/bits", "slices", "sort",
	"strconv", "strings", "time", "unicode", "unicode/utf8", "hash/fnv", "crypto/sha256", "encoding/binary", "encoding/base32", "reflect", "sync", "sync/atomic"}

// reaches are the functions by which a package that is itself pure would ask for the present.
var reaches = map[string][]string{"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local", "LoadLocation"}}

// technologies may be named only in the rooms listed.
var technologies = map[string][]string{
	"github.com/twmb/franz-go":            {"streams/kafka", "deploy"},
	"github.com/segmentio/kafka-go":       {"streams/witness", "deploy"},
	"github.com/mochi-mqtt/server":        {"ingest/gateway", "deploy"},
	"github.com/eclipse/paho.mqtt.golang": {"ingest/bridge", "ingest/gateway", "deploy"}, // the gateway's tests speak as a device does
	"github.com/ClickHouse":               {"streams/history", "deploy"},
	"github.com/pressly/goose":            {"streams/history", "deploy"},
	"github.com/danielgtaylor/huma":       {"desk", "deploy"},
	"github.com/coreos/go-oidc":           {"desk"},
	"golang.org/x/oauth2":                 {"desk"},
	"cel.dev":                             {"rules/condition", "deploy"},
	"github.com/goccy/go-yaml":            {"rules/pack", "deploy"},
	"github.com/tink-crypto":              {"care/vault"},
	"github.com/SherClockHolmes":          {"alerts/notify/browsers"},
	"github.com/wneessen/go-mail":         {"alerts/notify"},
	"github.com/standard-webhooks":        {"alerts/notify", "alerts/outbox", "deploy/watchdog"},
	"github.com/prometheus/client_golang": {"ingest/gateway", "ingest/bridge", "ingest/door", "streams/kafka", "streams/history", "alerts/notify", "alerts/outbox", "desk", "deploy"},
}

// source is one file of the repository.
type source struct {
	room string // folder from the root
	file string
	tree *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "testdata" || name == "bin" || strings.HasPrefix(name, ".") && path != root) {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		room, err := filepath.Rel(root, filepath.Dir(path))
		all = append(all, source{filepath.ToSlash(room), filepath.Base(path), tree})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s source) test() bool { return strings.HasSuffix(s.file, "_test.go") }

func (s source) imports() (paths []string) {
	for _, i := range s.tree.Imports {
		path, _ := strconv.Unquote(i.Path.Value) // the parser has read it
		paths = append(paths, path)
	}
	return paths
}

func within(room string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return room == r || strings.HasPrefix(room, r+"/") })
}

func TestCoresReachNowhere(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if s.test() || !slices.Contains(cores, s.room) {
			continue
		}
		seen[s.room] = true
		for _, path := range s.imports() {
			if path != "tocsin/streams/event" && !slices.Contains(pure, path) && !inside(s.room, path) {
				t.Errorf("%s/%s imports %s: a core may import streams/event and what reaches nowhere", s.room, s.file, path)
			}
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s/%s starts a goroutine", s.room, s.file)
			case *ast.SelectStmt, *ast.SendStmt:
				t.Errorf("%s/%s uses channels", s.room, s.file)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && slices.Contains(reaches[x.Name], n.Sel.Name) {
					t.Errorf("%s/%s asks for the present: %s.%s", s.room, s.file, x.Name, n.Sel.Name)
				}
			}
			return true
		})
	}
	for _, c := range cores {
		if !seen[c] {
			t.Errorf("there is no core %s: has it moved?", c)
		}
	}
}

// inside tells whether path is a part of the same core: rules stand on rules/expr, and both on rules/window.
func inside(room, path string) bool {
	inner, ours := strings.CutPrefix(path, "tocsin/")
	top, _, _ := strings.Cut(room, "/")
	return ours && slices.Contains(cores, inner) && strings.HasPrefix(inner, top+"/") && inner != room
}

func TestArrowsPointInward(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			inner, ours := strings.CutPrefix(path, "tocsin/")
			switch {
			case !ours:
				continue
			case s.room == "streams/event":
				t.Errorf("%s/%s imports %s: the bottom imports the standard library alone", s.room, s.file, path)
			case inner == "deploy" && s.room != ".":
				t.Errorf("%s/%s imports deploy, which nobody may", s.room, s.file)
			case s.test():
				continue
			case s.room == "deploy/watchdog":
				t.Errorf("%s/%s imports %s: the watchdog knows what a device and a browser know", s.room, s.file, path)
			case within(inner, []string{"deploy"}) && !within(s.room, []string{"deploy"}) && s.room != ".":
				t.Errorf("%s/%s imports %s: arrows point inward", s.room, s.file, path)
			case s.room == "streams" && inner != "streams/event":
				t.Errorf("%s/%s imports %s: the log knows no medicine and no technology", s.room, s.file, path)
			case within(s.room, []string{"streams"}) && within(inner, []string{"rules", "alerts", "care", "ingest", "desk"}):
				t.Errorf("%s/%s imports %s: the log knows no medicine", s.room, s.file, path)
			case within(s.room, cores) && within(inner, cores) && !within(inner, []string{strings.Split(s.room, "/")[0]}):
				t.Errorf("%s/%s imports %s: the cores never meet", s.room, s.file, path)
			}
		}
	}
}

func TestTechnologiesStayAtTheEdge(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			if s.room == "streams/event" && !standard(path) && !s.test() {
				t.Errorf("%s/%s imports %s: the bottom imports the standard library alone", s.room, s.file, path)
			}
			for technology, rooms := range technologies {
				if strings.HasPrefix(path, technology) && !within(s.room, rooms) && !s.test() {
					t.Errorf("%s/%s imports %s, which belongs to %s", s.room, s.file, path, strings.Join(rooms, ", "))
				}
			}
		}
	}
}

// standard tells whether a path is of the standard library: its first part has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && first != "tocsin"
}
