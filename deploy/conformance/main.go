// Command conformance runs the tests that show a row of the feature table and writes what came out.
//
// A test shows a row by carrying its id in its name: TestING1_REL2_NoPubackBeforeLog shows ING-1 and
// REL-2, and so does a browser test whose title starts with "ING-1 REL-2". The table in
// deploy/CONFORMANCE.md is made from what really ran: a skipped test shows nothing, and a test that
// should have run and did not is a failure.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, ".", filepath.Join("deploy", "conformance", "features.csv"), filepath.Join("deploy", "CONFORMANCE.md"))
	stop()
	if err != nil && !errors.Is(err, errFailing) {
		fmt.Fprintln(os.Stderr, "conformance:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}

// errFailing: the closing line has said it already.
var errFailing = errors.New("a row fails")

// run tests the module at root, writes the report and ends with the closing line on w. It answers
// errFailing when a row fails.
func run(ctx context.Context, w io.Writer, root, features, report string) error {
	rows, err := readFeatures(features)
	if err != nil {
		return err
	}
	results, err := runGo(ctx, w, root)
	if err != nil {
		return err
	}
	browser, err := runBrowser(ctx, w, root)
	if err != nil {
		return err
	}
	if err := rows.add(append(results, browser...)); err != nil {
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
