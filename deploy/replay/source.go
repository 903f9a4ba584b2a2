package replay

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Formats are the formats that Read knows.
var Formats = []string{"physionet2019"}

const ending = ".psv"

// Read reads every stay of a folder, or of an archive (.tar, .tar.gz, .tar.zst), by name.
func Read(from string) ([]Stay, error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, err
	}
	var stays []Stay
	if info.IsDir() {
		stays, err = readFolder(from)
	} else {
		stays, err = readArchive(from)
	}
	if err != nil {
		return nil, err
	}
	sort.Slice(stays, func(i, j int) bool { return stays[i].Name < stays[j].Name })
	for i := range stays {
		if i > 0 && stays[i].Name == stays[i-1].Name {
			return nil, fmt.Errorf("%s: the stay %s is there twice", from, stays[i].Name)
		}
	}
	if len(stays) == 0 {
		return nil, fmt.Errorf("%s: there is no stay in it, which would be a file that ends in %s", from, ending)
	}
	return stays, nil
}

func readFolder(dir string) ([]Stay, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	if err != nil {
		return nil, err
	}
	var stays []Stay
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		s, err := readStay(nameOf(file), f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		stays = append(stays, s)
	}
	return stays, nil
}

func nameOf(file string) string { return strings.TrimSuffix(path.Base(filepath.ToSlash(file)), ending) }

func readArchive(file string) ([]Stay, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	packed, done, err := unpack(file, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	defer done()
	var stays []Stay
	for t := tar.NewReader(packed); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return stays, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(h.Name, ending) {
			continue
		}
		s, err := readStay(nameOf(h.Name), t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		stays = append(stays, s)
	}
}

func unpack(file string, r io.Reader) (io.Reader, func(), error) {
	switch {
	case strings.HasSuffix(file, ".tar"):
		return r, func() {}, nil
	case strings.HasSuffix(file, ".tar.gz"), strings.HasSuffix(file, ".tgz"):
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	case strings.HasSuffix(file, ".tar.zst"), strings.HasSuffix(file, ".tzst"):
		z, err := zstd.NewReader(r)
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return nil, nil, errors.New("is neither a folder nor a .tar, .tar.gz or .tar.zst")
}
