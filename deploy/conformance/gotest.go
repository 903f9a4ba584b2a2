package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A Go test is known by its package's folder, relative to the root, and its name.
type goTest struct{ pkg, name string }

// findGo lists the tests that carry an id by reading the sources, so that a package that does not even
// build is missed as a failure and not as nothing.
func findGo(root string) ([]goTest, error) {
	var found []goTest
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		if ok, err := build.Default.MatchFile(filepath.Dir(path), name); err != nil || !ok {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, name := range testsIn(path) {
			found = append(found, goTest{"./" + filepath.ToSlash(dir), name})
		}
		return nil
	})
	return found, err
}

// testsIn lists the tests of one file that carry an id. What cannot be parsed is left to go test, which
// says why.
func testsIn(path string) []string {
	file, _ := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if file == nil {
		return nil
	}
	var names []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && withID.MatchString(f.Name.Name) {
			names = append(names, f.Name.Name)
		}
	}
	return names
}

// goResults answers one result for each Go test that carries an id.
func goResults(w io.Writer, root, results string) ([]result, error) {
	tests, err := findGo(root)
	if err != nil || len(tests) == 0 {
		return nil, err
	}
	module, err := modulePath(root)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(results, "*.go.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no results: run make test first", results)
	}
	outcomes := map[goTest]outcome{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		of, err := readGo(io.Discard, f, module)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		for t, o := range of {
			outcomes[t] = max(outcomes[t], o)
		}
	}
	var all []result
	for _, t := range tests {
		o, ran := outcomes[t]
		if !ran {
			o = failed
			fmt.Fprintf(w, "FAIL %s in %s left no result\n", t.name, t.pkg)
		}
		all = append(all, result{
			name: "`" + strings.TrimPrefix(t.pkg, "./") + "` " + t.name, ids: goTestIDs(t.name), outcome: o})
	}
	return all, nil
}

func modulePath(root string) (string, error) {
	cmd := exec.Command("go", "list", "-m")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// goEvent is one line of go test -json (see `go doc test2json`).
type goEvent struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// readGo tells on w each package as it ends and each test that failed with what it said, and answers the outcomes.
func readGo(w io.Writer, r io.Reader, module string) (map[goTest]outcome, error) {
	outcomes := map[goTest]outcome{}
	said := map[goTest]*strings.Builder{}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return outcomes, nil
		}
		if err != nil {
			return nil, err
		}
		var e goEvent
		if err := json.Unmarshal(line, &e); err != nil {
			fmt.Fprintf(w, "%s", line)
			continue
		}
		top, _, _ := strings.Cut(e.Test, "/")
		t := goTest{"." + strings.TrimPrefix(e.Package, module), top}
		switch e.Action {
		case "output":
			if top == "" && endOfPackage.MatchString(e.Output) {
				fmt.Fprint(w, e.Output)
				continue
			}
			if said[t] == nil {
				said[t] = new(strings.Builder)
			}
			said[t].WriteString(e.Output)
		case "build-output":
			fmt.Fprint(w, e.Output)
		case "pass", "fail", "skip":
			if e.Test != top {
				continue // a subtest counts within its test
			}
			o := map[string]outcome{"pass": passed, "fail": failed, "skip": skipped}[e.Action]
			if top != "" {
				outcomes[t] = o
			}
			if o == failed && said[t] != nil {
				fmt.Fprint(w, said[t])
			}
			delete(said, t)
		}
	}
}

// endOfPackage matches go test's own line about a whole package.
var endOfPackage = regexp.MustCompile(`^(ok|FAIL)\s+\S+\s`)
