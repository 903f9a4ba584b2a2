package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyFile is what lies in the folder for one patient. Of names in the folder it tells the SHA-256 of an id alone.
type keyFile struct {
	Key     string `json:"key"`     // its id, which stands beside everything that was sealed with it
	Of      string `json:"of"`      // {tenant}/{patient}, for who has to find out whose it is
	Wrapped []byte `json:"wrapped"` // a Tink keyset, encrypted by the master key; bound to Key and Of
}

const keySuffix = ".key"

// pathOf answers where a patient's key lies.
func (v *Vault) pathOf(of string) string {
	sum := sha256.Sum256([]byte(of))
	return filepath.Join(v.folder, hex.EncodeToString(sum[:])+keySuffix)
}

// bound is what a wrapped key is bound to: put in another's place, it does not open.
func bound(of, key string) []byte { return []byte("tocsin vault key 1\n" + of + "\n" + key) }

// existing reads a patient's key. The error is ErrNoKey when there is none, or none any more.
func (v *Vault) existing(master tink.AEAD, of string) (key string, data tink.AEAD, err error) {
	f, err := readKey(v.pathOf(of))
	if err != nil {
		return "", nil, err
	}
	h, err := unwrap(master, f, of)
	if err != nil {
		return "", nil, err
	}
	data, err = aead.New(h)
	return f.Key, data, err
}

func readKey(path string) (f keyFile, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, ErrNoKey
	}
	if err != nil {
		return f, fmt.Errorf("patient's key: %w", err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("patient's key %s is no key: put it back from the backup", path)
	}
	return f, nil
}

func unwrap(master tink.AEAD, f keyFile, of string) (*keyset.Handle, error) {
	h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(f.Wrapped)), master, bound(of, f.Key))
	if err != nil {
		return nil, fmt.Errorf("%w: the key of %s", ErrOtherMaster, of)
	}
	return h, nil
}

func wrap(master tink.AEAD, h *keyset.Handle, key, of string) ([]byte, error) {
	var b bytes.Buffer
	if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), master, bound(of, key)); err != nil {
		return nil, fmt.Errorf("wrap the key of %s: %w", of, err)
	}
	return json.Marshal(keyFile{Key: key, Of: of, Wrapped: b.Bytes()})
}

// own answers a patient's key and makes one when there is none. Of several who make one at once the first has made it for all.
func (v *Vault) own(of string) (key string, data tink.AEAD, err error) {
	unlock, err := v.lock(syscall.LOCK_SH) // the master key stays what it is meanwhile
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	master, err := v.master()
	if err != nil {
		return "", nil, err
	}
	if key, data, err = v.existing(master, of); !errors.Is(err, ErrNoKey) {
		return key, data, err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails since Go 1.24
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", nil, fmt.Errorf("make a key for %s: %w", of, err)
	}
	b, err := wrap(master, h, hex.EncodeToString(id), of)
	if err != nil {
		return "", nil, err
	}
	if err := place(v.pathOf(of), b, false); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", nil, fmt.Errorf("keep the key of %s: %w", of, err)
	}
	return v.existing(master, of)
}

// lock takes the folder's lock, which ends with the process however it ends: shared to make a key, exclusive to destroy one
// or to wrap all of them anew.
func (v *Vault) lock(how int) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(v.folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the patients' keys: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the patients' keys: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// keyPaths answers where every patient's key lies.
func keyPaths(folder string) ([]string, error) {
	all, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("patients' keys: %w", err)
	}
	var paths []string
	for _, e := range all {
		if strings.HasSuffix(e.Name(), keySuffix) {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, nil
}

func countKeys(folder string) (int, error) {
	paths, err := keyPaths(folder)
	return len(paths), err
}
