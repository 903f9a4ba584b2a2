package main

import (
	"bufio"
	"context"
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
	"slices"
	"sort"
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

// runGo runs those tests and answers one result for each that was found.
func runGo(ctx context.Context, w io.Writer, root string) ([]result, error) {
	tests, err := findGo(root)
	if err != nil || len(tests) == 0 {
		return nil, err
	}
	var pkgs []string
	for _, t := range tests {
		if !slices.Contains(pkgs, t.pkg) {
			pkgs = append(pkgs, t.pkg)
		}
	}
	sort.Strings(pkgs)
	module, err := goOutput(ctx, root, "list", "-m")
	if err != nil {
		return nil, err
	}
	args := append([]string{"test", "-json", "-count=1", "-timeout=60m", "-run", withID.String()}, pkgs...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = root, w
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	outcomes, err := readGo(w, out, module)
	if err != nil {
		return nil, err
	}
	_ = cmd.Wait() // its exit says less than the outcomes do
	var results []result
	for _, t := range tests {
		o, ran := outcomes[t]
		if !ran {
			o = failed
			fmt.Fprintf(w, "FAIL %s in %s left no result\n", t.name, t.pkg)
		}
		results = append(results, result{
			name: "`" + strings.TrimPrefix(t.pkg, "./") + "` " + t.name, ids: goTestIDs(t.name), outcome: o})
	}
	return results, ctx.Err()
}

// goEvent is one line of go test -json (see `go doc test2json`).
type goEvent struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// readGo tells each finished test on w, with its output when it failed, and answers the outcomes.
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
				fmt.Fprintf(w, "%s %s %s (%.1f s)\n", o, t.pkg, t.name, e.Elapsed)
			}
			if o == failed && said[t] != nil {
				fmt.Fprint(w, said[t])
			}
			delete(said, t)
		}
	}
}

func goOutput(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
