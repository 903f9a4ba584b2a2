package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// ErrNoMaster is wrapped when there is no file at the master key's place.
var ErrNoMaster = errors.New("there is no master key")

// NewMaster makes a master key in a file of mode 0600. It does not when one is there, nor when the folder holds keys already: they
// were made under another, and a new one would open none of them.
func NewMaster(file, folder string) error {
	n, err := countKeys(folder)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%w at %s, and %s holds the keys of %d patients, which were made under one: put it back from its backup; a new one would open none of them", ErrNoMaster, file, folder, n)
	}
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	b, err := clearText(h)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	if err := place(file, b, false); err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	return nil
}

// readMaster reads the master keyset, and refuses a file that anybody but its owner can read.
func readMaster(file string) (*keyset.Handle, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w at %s", ErrNoMaster, file)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("master key %s can be read by others than its owner (mode %04o): chmod 600 it, and make another with `tocsin vault rotate-master` if they may have read it", file, info.Mode().Perm())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil {
		return nil, fmt.Errorf("master key %s holds no Tink keyset", file) // what stands in it is not told, whatever it is
	}
	return h, nil
}

// clearText writes a keyset as it lies in the master key's file.
func clearText(h *keyset.Handle) ([]byte, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b)); err != nil {
		return nil, fmt.Errorf("write the master key: %w", err)
	}
	return b.Bytes(), nil
}

// place writes a file of mode 0600 beside its place and puts it there once it is whole and on the disk. over: what stands there is
// replaced; else that is an error which is fs.ErrExist.
func place(path string, b []byte, over bool) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil && over {
		if err = os.Rename(f.Name(), path); err == nil {
			return syncDir(dir)
		}
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return err
	}
	return syncDir(dir)
}

// unfinished is how the names of files begin that are not whole yet.
const unfinished = ".new-"

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
