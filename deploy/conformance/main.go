// Command conformance tells how tests go, and writes which rows of the feature table they have shown.
//
// A test shows a row by carrying its id in its name: TestING1_REL2_NoPubackBeforeLog shows ING-1 and
// REL-2, and so does a browser test whose title starts with "ING-1 REL-2". The table in
// deploy/CONFORMANCE.md is made from what really ran: a skipped test shows nothing, and a test that
// should have run and did not is a failure.
//
// `go test -json … | conformance tell FILE` shows a person what failed and keeps everything in FILE; without
// arguments the table is made from what `make test` kept under .cache/results: *.go.json from Go, *.browser.json
// from Playwright.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	var err error
	if len(os.Args) == 3 && os.Args[1] == "tell" {
		err = keep(os.Stdout, os.Stdin, os.Args[2])
	} else {
		err = run(os.Stdout, ".", filepath.Join(".cache", "results"), filepath.Join("deploy", "conformance", "features.csv"), filepath.Join("deploy", "CONFORMANCE.md"))
	}
	if err != nil && !errors.Is(err, errFailing) {
		fmt.Fprintln(os.Stderr, "conformance:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// keep copies what go test -json says to a file and tells a person what failed.
func keep(w io.Writer, r io.Reader, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	kept := bufio.NewWriter(f)
	_, err = readGo(w, io.TeeReader(r, kept), "")
	return errors.Join(err, kept.Flush(), f.Close())
}

// errFailing: the closing line has said it already.
var errFailing = errors.New("a row fails")

// run reads the results of the module at root, writes the report and ends with the closing line on w. It answers
// errFailing when a row fails.
func run(w io.Writer, root, results, features, report string) error {
	rows, err := readFeatures(features)
	if err != nil {
		return err
	}
	ofGo, err := goResults(w, root, results)
	if err != nil {
		return err
	}
	ofBrowser, err := browserResults(w, root, results)
	if err != nil {
		return err
	}
	if err := rows.add(append(ofGo, ofBrowser...)); err != nil {
		return err
	}
	if err := os.WriteFile(report, rows.markdown(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(w, "conformance: %d rows shown, %d failing\n", rows.count(shown), rows.count(failing))
	if rows.count(failing) > 0 {
		return errFailing
	}
	return nil
}
