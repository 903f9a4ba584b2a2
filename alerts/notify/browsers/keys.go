// Package browsers is the way to people's browsers: web push (RFC 8030) with messages that only the browser can read (RFC 8291), signed by
// the hospital's own key (RFC 8292). Whoever carries them is a service elsewhere, which may be cut off: nobody is to rely on it.
package browsers

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Keys sign what is pushed, and seal where browsers are reached. Another key ends every subscription: browsers hold to the one with which
// they were turned on.
type Keys struct {
	private, public string // base64url, as webpush-go takes them
	seal            cipher.AEAD
}

// keyFile is what lies on the disk.
type keyFile struct {
	Private string `json:"private"` // P-256, base64url
}

// ErrNoKeys is wrapped when there is no file of keys.
var ErrNoKeys = errors.New("there is no key for web push")

// ReadKeys reads a file of keys, which nobody but its owner may read.
func ReadKeys(file string) (*Keys, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s", ErrNoKeys, file)
	case err != nil:
		return nil, err
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("the key for web push %s can be read by others: chmod 600 %s", file, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var f keyFile
	if json.Unmarshal(b, &f) != nil { // its error would repeat what stands there
		return nil, fmt.Errorf("the key for web push %s cannot be read", file)
	}
	k, err := keysOf(f.Private)
	if err != nil {
		return nil, fmt.Errorf("the key for web push %s is none", file)
	}
	return k, nil
}

// MakeKeys makes a file of keys where there is none, and answers what lies there then: of two who make one at the same time both have the
// same.
func MakeKeys(file string) (*Keys, error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(keyFile{base64.RawURLEncoding.EncodeToString(private.Bytes())})
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		if err = os.Link(f.Name(), file); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return nil, fmt.Errorf("make the key for web push: %w", err)
	}
	return ReadKeys(file)
}

func keysOf(private string) (*Keys, error) {
	b, err := base64.RawURLEncoding.DecodeString(private)
	if err != nil {
		return nil, err
	}
	p, err := ecdh.P256().NewPrivateKey(b)
	if err != nil {
		return nil, err
	}
	sealing, err := hkdf.Key(sha256.New, b, nil, "tocsin web push: where browsers are reached, 1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	return &Keys{private, base64.RawURLEncoding.EncodeToString(p.PublicKey().Bytes()), seal}, err
}

// Public is the key that a browser is told when it is turned on (applicationServerKey), base64url.
func (k *Keys) Public() string { return k.public }

// Browser is where one browser is reached, and the keys by which it alone reads what is sent.
type Browser struct {
	Endpoint string `json:"endpoint"`
	P256dh   string `json:"p256dh"` // its public key, base64url
	Auth     string `json:"auth"`   // base64url
}

// ID names a browser and tells nothing of where it is reached.
func (b Browser) ID() string {
	sum := sha256.Sum256([]byte("tocsin browser\x00" + b.Endpoint))
	return "b" + hex.EncodeToString(sum[:12])
}

// String says nothing: who knows the endpoint can send there.
func (Browser) String() string { return "***" }

// GoString says nothing either.
func (Browser) GoString() string { return "***" }

func binding(id, account string) []byte { return []byte("tocsin browser 1\n" + id + "\n" + account) }

// padTo hides how long an endpoint is, which tells the service.
const padTo = 512

// Seal encrypts where a browser is reached, bound to its id and its account.
func (k *Keys) Seal(account string, b Browser) ([]byte, error) {
	plain, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	for len(plain)%padTo != 0 {
		plain = append(plain, ' ')
	}
	nonce := make([]byte, k.seal.NonceSize())
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	return k.seal.Seal(nonce, nonce, plain, binding(b.ID(), account)), nil
}

// errSealed is what does not open: sealed by another key, or altered.
var errSealed = errors.New("it was sealed by another key, or altered")

// Open decrypts what Seal made.
func (k *Keys) Open(id, account string, sealed []byte) (b Browser, err error) {
	if len(sealed) < k.seal.NonceSize() {
		return b, errSealed
	}
	plain, err := k.seal.Open(nil, sealed[:k.seal.NonceSize()], sealed[k.seal.NonceSize():], binding(id, account))
	if err != nil || json.Unmarshal(plain, &b) != nil {
		return Browser{}, errSealed
	}
	return b, nil
}
