package own

import (
	"archive/zip"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// The files of the zip.
const (
	FilePage = "index.html"
	FileData = "data.json"
	FileFHIR = "fhir-bundle.json"
)

// Write writes a copy as a zip.
func Write(w io.Writer, c *Copy) error {
	z := zip.NewWriter(w)
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{FilePage, func(w io.Writer) error { return page.Execute(w, c) }},
		{FileData, func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", " ")
			return e.Encode(c)
		}},
		{FileFHIR, func(w io.Writer) error {
			b, err := bundle(c)
			if err == nil {
				_, err = w.Write(b)
			}
			return err
		}},
	} {
		out, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: c.MadeAt.Std()})
		if err == nil {
			err = f.write(out)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return z.Close()
}
