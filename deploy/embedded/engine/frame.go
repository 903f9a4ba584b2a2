package engine

import (
	"errors"
	"io"

	"github.com/ClickHouse/ch-go/compress"
)

// frameBytes is how much goes into one compressed frame, as in ClickHouse's own writer.
const frameBytes = 1 << 20

// framed writes ClickHouse's compressed frames (checksum, method, sizes, data).
type framed struct {
	to     io.Writer
	method compress.Method
}

func (f framed) Write(b []byte) (int, error) {
	w := compress.NewWriter(compress.LevelZero, f.method)
	for at := 0; at < len(b); at += frameBytes {
		if err := w.Compress(b[at:min(at+frameBytes, len(b))]); err != nil {
			return at, err
		}
		if _, err := f.to.Write(w.Data); err != nil {
			return at, err
		}
	}
	return len(b), nil
}

// unframed reads such frames. Its end between two frames is a plain io.EOF; one within a frame is not.
type unframed struct{ frames io.Reader }

func (u unframed) Read(b []byte) (int, error) {
	n, err := u.frames.Read(b)
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	return n, err
}
