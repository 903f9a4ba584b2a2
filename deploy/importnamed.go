package deploy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tocsin/desk"
	"tocsin/streams/directory"
)

// errNoDesk: who patients are is sealed by a desk, which has the keys.
var errNoDesk = errors.New("a file that says who patients are goes by the desk, which has the keys: none is known for --data; run this where the desk runs, or send the file to POST /v1/admin/import with the token of a lead")

// importNamed hands a file to the desk of this machine, which seals who the patients are, and tells what the desk answers as importRows does.
func importNamed(ctx context.Context, r *reach, file []byte, rows []directory.Row, out, terminal io.Writer) error {
	run, err := r.running()
	if err != nil {
		return err
	}
	if run.HTTP == "" || run.Token == "" {
		return errNoDesk
	}
	ctx, goesOn, done := whileItGoesOn(ctx, answerWithin)
	defer done()
	resp, err := run.post(ctx, "/v1/admin/import", run.Token, "text/csv", bytes.NewReader(file))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return tellAnswer(resp.Body, rows, out, terminal, goesOn)
}

// tellAnswer passes on what the desk says line by line: tokens on out, everything else on the terminal.
func tellAnswer(answer io.Reader, rows []directory.Row, out, terminal io.Writer, goesOn func()) error {
	byLine := map[int]directory.Row{}
	for _, row := range rows {
		byLine[row.Line] = row
	}
	bar := progress(terminal, len(rows), "import")
	var made []directory.Outcome
	var last desk.ImportLine
	lines := bufio.NewScanner(answer)
	for lines.Scan() {
		var line desk.ImportLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("the desk's answer: %w", err)
		}
		goesOn()
		switch {
		case line.Token != "":
			made = append(made, directory.Outcome{Row: byLine[line.Row], Made: line.Token})
		case line.Row > 0 && line.Error != "":
			fmt.Fprintf(terminal, "line %d: %s\n", line.Row, line.Error)
		default:
			last = line
			_ = bar.Set(line.Settled)
		}
	}
	_ = bar.Finish()
	n, err := printTokens(out, made)
	switch {
	case err != nil:
		return err
	case last.Error != "":
		return errors.New(last.Error)
	case lines.Err() != nil || !last.Done:
		return errors.Join(errors.New("the desk broke off; import the file again, and keep the tokens that were printed"), lines.Err())
	}
	fmt.Fprintf(terminal, "%d rows imported, %d tokens made, %d refused; the vault has something new of %d patients\n", len(rows), n, last.Refused, last.Named)
	if last.Refused > 0 {
		return fmt.Errorf("%d lines were refused; the others stand", last.Refused)
	}
	return nil
}

// nowUTC is what dates of birth are compared with.
func nowUTC() time.Time { return time.Now().UTC() }
