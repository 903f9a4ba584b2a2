package replay

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const head = "HR|O2Sat|Temp|SBP|Resp|ICULOS\n"

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadTellsWhatIsWrongAndWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "p1: the file is empty",
		"HR|O2Sat|Temp|SBP|ICULOS\n": "p1: there is no column Resp",
		head + "1|2|3|4|5\n":         "p1, line 2: 5 fields instead of 6",
		head + "1|2|3|4|5|x\n":       "p1, line 2: ICULOS is \"x\"",
		head + "1|2|3|4|5|1\nNaN|9,5|NaN|NaN|NaN|2\n": "p1, line 3: O2Sat: number \"9,5\"",
	} {
		dir := t.TempDir()
		write(t, dir, "p1.psv", text)
		if stays, err := Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v; want %q", text, stays, err, want)
		}
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no stay in it") {
		t.Errorf("an empty folder: %v", err)
	}
	dir := t.TempDir()
	write(t, dir, "x.zip", "")
	if _, err := Read(filepath.Join(dir, "x.zip")); err == nil || !strings.Contains(err.Error(), ".tar.zst") {
		t.Errorf("an unknown archive: %v", err)
	}
}

func TestArchivesReadAsFolders(t *testing.T) {
	files := map[string]string{"set/p2.psv": head + "NaN|NaN|36.60|NaN|NaN|3\n", "set/p1.psv": head + "61.0|99|NaN|124|17.5|1\n", "set/README": "nothing"}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "a.tar", packed.String())
	var gz bytes.Buffer
	g := gzip.NewWriter(&gz)
	_, _ = g.Write(packed.Bytes())
	_ = g.Close()
	write(t, dir, "a.tar.gz", gz.String())
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a.tar.zst", string(z.EncodeAll(packed.Bytes(), nil)))
	for _, name := range []string{"a.tar", "a.tar.gz", "a.tar.zst"} {
		stays, err := Read(filepath.Join(dir, name))
		if err != nil || len(stays) != 2 || stays[0].Name != "p1" || stays[1].Rows[0].Hour != 3 || stays[0].Rows[0].Values != [len(signs)]string{"61", "99", "", "124", "17.5"} {
			t.Errorf("%s: %+v, %v", name, stays, err)
		}
	}
}

// An upload carries the numbers as they were charted, and an identity that is the same however often it is sent.
func TestUploadCarriesWhatWasCharted(t *testing.T) {
	r := Row{Hour: 7, Values: [len(signs)]string{"61", "88.5", "36.44", "", "17.5"}}
	b, err := encode("p1", 6, r, 1772323200000)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := encode("p1", 6, r, 1772323200000)
	if !bytes.Equal(b, again) {
		t.Error("the same row gave two uploads")
	}
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Obs) != 4 || string(e.Obs[1].Value) != "88.5" || e.Obs[1].Unit != "%" || e.Seq != 6 || e.Measured != "2026-03-01T00:00:00.000Z" || e.PatientRef != "p1" {
		t.Errorf("%s", b)
	}
}
