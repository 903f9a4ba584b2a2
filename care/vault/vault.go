package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrNoKey is wrapped when a patient's key is not in the folder: it was destroyed, or the folder is another. What was
	// sealed with it cannot be opened by anybody.
	ErrNoKey = errors.New("the patient's key is not there")
	// ErrOtherMaster is wrapped when the master key does not open a patient's key.
	ErrOtherMaster = errors.New("the master key is another than the one that wrapped it")
	// ErrAltered is wrapped when what was sealed is not what it says it is: other bytes, another patient, another version.
	ErrAltered = errors.New("what was sealed has been altered, or belongs to another patient or version")
)

// Vault seals and opens persons. It holds no key in memory longer than it needs it.
type Vault struct{ file, folder string }

// Sealed is a person as it lies in the log.
type Sealed struct {
	Version int
	Key     string // id of the patient's key
	Data    []byte // AES-256-GCM, bound to tenant, patient and version
}

// Open opens the vault whose master key lies in file and whose patients' keys lie in folder, which is made when it is not there. The
// error wraps ErrNoMaster when there is no master key, and ErrOtherMaster when it is not the folder's.
func Open(file, folder string) (*Vault, error) {
	v := &Vault{file, folder}
	master, err := v.master()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the patients' keys: %w", err)
	}
	paths, err := keyPaths(folder)
	if err != nil || len(paths) == 0 {
		return v, err
	}
	f, err := readKey(paths[0])
	if err == nil {
		_, err = unwrap(master, f, f.Of)
	}
	if err != nil {
		return nil, fmt.Errorf("master key %s, keys in %s: %w", file, folder, err)
	}
	return v, nil
}

func (v *Vault) master() (tink.AEAD, error) {
	h, err := readMaster(v.file)
	if err != nil {
		return nil, err
	}
	return aead.New(h)
}

func name(tenant, patient string) string { return tenant + "/" + patient }

// binding is what a sealed person is bound to: as another patient's, or as another version, it does not open.
func binding(of string, version int) []byte {
	return fmt.Appendf(nil, "tocsin person 1\n%s\n%d", of, version)
}

// padTo hides how long a name is: what is sealed is a multiple of it, in bytes.
const padTo = 512

// Seal encrypts a person under the patient's key, which is made when there is none.
func (v *Vault) Seal(tenant, patient string, version int, p Person) (Sealed, error) {
	of := name(tenant, patient)
	key, data, err := v.own(of)
	if err != nil {
		return Sealed{}, err
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal the person of %s: %w", of, err)
	}
	for len(plain)%padTo != 0 {
		plain = append(plain, ' ')
	}
	sealed, err := data.Encrypt(plain, binding(of, version))
	if err != nil {
		return Sealed{}, fmt.Errorf("seal the person of %s: %w", of, err)
	}
	return Sealed{version, key, sealed}, nil
}

// Open decrypts a person.
func (v *Vault) Open(tenant, patient string, s Sealed) (Person, error) {
	of := name(tenant, patient)
	key, data, err := v.look(of)
	if err != nil {
		return Person{}, err
	}
	if key != s.Key {
		return Person{}, fmt.Errorf("%w: %s has another since", ErrNoKey, of)
	}
	plain, err := data.Decrypt(s.Data, binding(of, s.Version))
	if err != nil {
		return Person{}, fmt.Errorf("%w: %s version %d", ErrAltered, of, s.Version)
	}
	var p Person
	if json.Unmarshal(plain, &p) != nil { // its error would repeat what stands there
		return Person{}, fmt.Errorf("%w: %s version %d is no person", ErrAltered, of, s.Version)
	}
	return p, nil
}

// look answers a patient's key without the folder's lock, since a rotation may hold that for minutes and whoever has a warning on the
// desk cannot wait. The master key may then be changed between the two readings: what does not open is read once more.
func (v *Vault) look(of string) (key string, data tink.AEAD, err error) {
	for range 3 {
		var master tink.AEAD
		if master, err = v.master(); err != nil {
			return "", nil, err
		}
		if key, data, err = v.existing(master, of); !errors.Is(err, ErrOtherMaster) {
			break
		}
	}
	return key, data, err
}

// Erase destroys a patient's key: whatever was sealed with it, in the log and in every copy of it, cannot be opened any more.
// known is false when there was none.
func (v *Vault) Erase(tenant, patient string) (known bool, err error) {
	unlock, err := v.lock(syscall.LOCK_EX) // or Rotate would put it back
	if err != nil {
		return false, err
	}
	defer unlock()
	known = true
	err = os.Remove(v.pathOf(name(tenant, patient)))
	if errors.Is(err, fs.ErrNotExist) {
		known, err = false, nil
	}
	if err = errors.Join(err, v.sweep(), syncDir(v.folder)); err != nil {
		return known, fmt.Errorf("destroy the key of %s: %w", name(tenant, patient), err)
	}
	return known, nil
}

// sweep removes what a crash has left half written: a copy of the key may be among it.
func (v *Vault) sweep() error {
	left, err := filepath.Glob(filepath.Join(v.folder, unfinished+"*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// Rotate makes a new master key, wraps every patient's key with it and destroys the one before, and answers how many keys there are.
// What was sealed stays as it is. Broken off, it is begun again: until it is through, the file holds both.
func (v *Vault) Rotate() (keys int, err error) {
	unlock, err := v.lock(syscall.LOCK_EX)
	if err != nil {
		return 0, err
	}
	defer unlock()
	before, err := readMaster(v.file)
	if err != nil {
		return 0, err
	}
	m := keyset.NewManagerFromHandle(before)
	fresh, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(fresh)
	}
	if err == nil {
		err = v.keep(m)
	}
	if err == nil {
		keys, err = v.wrapAll()
	}
	for i := 0; i < before.Len() && err == nil; i++ {
		var old *keyset.Entry
		if old, err = before.Entry(i); err == nil {
			err = m.Delete(old.KeyID())
		}
	}
	if err == nil {
		err = v.keep(m)
	}
	if err != nil {
		return keys, fmt.Errorf("rotate the master key: %w; nothing is lost: run it again once that is mended", err)
	}
	return keys, nil
}

// keep writes the master keys that m has.
func (v *Vault) keep(m *keyset.Manager) error {
	h, err := m.Handle()
	if err != nil {
		return err
	}
	b, err := clearText(h)
	if err != nil {
		return err
	}
	return place(v.file, b, true)
}

// wrapAll wraps every patient's key with the master key's newest.
func (v *Vault) wrapAll() (n int, err error) {
	master, err := v.master()
	if err != nil {
		return 0, err
	}
	paths, err := keyPaths(v.folder)
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		f, err := readKey(path)
		if err != nil {
			return n, err
		}
		h, err := unwrap(master, f, f.Of)
		if err != nil {
			return n, err
		}
		b, err := wrap(master, h, f.Key, f.Of)
		if err == nil {
			err = place(path, b, true)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
