package study

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// line is one line of a table, by column, with its number in the file.
type line struct {
	n      int
	fields map[string]string
}

// readTable reads a CSV file whose first line names its columns, these among them.
func readTable(file string, columns ...string) ([]line, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: its first line: %w", filepath.Base(file), err)
	}
	for _, c := range columns {
		if !slices.Contains(head, c) {
			return nil, fmt.Errorf("%s: there is no column %s in its first line", filepath.Base(file), c)
		}
	}
	var all []line
	for n := 2; ; n++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		l := line{n, map[string]string{}}
		for i, name := range head {
			l.fields[name] = row[i]
		}
		all = append(all, l)
	}
}
