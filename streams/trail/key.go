package trail

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Key reads the Ed25519 key by which a process signs its chains, and makes it at the first start: mode 0600, the seed in
// hex. Beside it, with .pub, lies the public key, to be kept where nobody who runs this machine can change it. made tells
// whether the key is new.
func Key(path string) (key ed25519.PrivateKey, made bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the key of the audit log: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, false, fmt.Errorf("the key of the audit log in %s is no %d bytes in hex; restore it, or move it away and a new one is made", path, ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), false, nil
}

// makeKey writes the public half first: a key whose other half nobody kept would prove nothing.
func makeKey(path string) (ed25519.PrivateKey, bool, error) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails since Go 1.24
	key := ed25519.NewKeyFromSeed(seed)
	err := os.WriteFile(path+".pub", []byte(Public(key)+"\n"), 0o644)
	if err == nil {
		err = writeNew(path, hex.EncodeToString(seed)+"\n")
	}
	if err != nil {
		return nil, false, fmt.Errorf("make the key of the audit log: %w", err)
	}
	return key, true, nil
}

// writeNew writes a file that only its owner may read and that was not there.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Public answers the public half of a key in hex.
func Public(key ed25519.PrivateKey) string {
	return hex.EncodeToString(key.Public().(ed25519.PublicKey))
}
