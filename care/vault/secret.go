package vault

import (
	"fmt"
	"strings"
)

// What Tocsin keeps of an account that must stay secret, such as the second factor, is sealed as a person is: under a key of its own
// in the same folder, encrypted by the same master key. An account's key has no slash in its name, so it is no patient's.

const accountKeys = "account:"

// secretBinding is what a sealed secret is bound to: as another account's, or as another version, it does not open.
func secretBinding(of string, version int) []byte {
	return fmt.Appendf(nil, "tocsin secret 1\n%s\n%d", of, version)
}

func ofAccount(account string) (string, error) {
	if account == "" || strings.Contains(account, "/") {
		return "", fmt.Errorf("%q is no account", account)
	}
	return accountKeys + account, nil
}

// SealSecret encrypts a secret of an account under the account's key, which is made when there is none.
func (v *Vault) SealSecret(account string, version int, secret []byte) (Sealed, error) {
	of, err := ofAccount(account)
	if err != nil {
		return Sealed{}, err
	}
	key, data, err := v.own(of)
	if err != nil {
		return Sealed{}, err
	}
	sealed, err := data.Encrypt(secret, secretBinding(of, version))
	if err != nil {
		return Sealed{}, fmt.Errorf("seal the secret of %s: %w", of, err)
	}
	return Sealed{version, key, sealed}, nil
}

// OpenSecret decrypts a secret of an account. The error wraps ErrNoKey, ErrOtherMaster or ErrAltered.
func (v *Vault) OpenSecret(account string, s Sealed) ([]byte, error) {
	of, err := ofAccount(account)
	if err != nil {
		return nil, err
	}
	key, data, err := v.look(of)
	if err != nil {
		return nil, err
	}
	if key != s.Key {
		return nil, fmt.Errorf("%w: %s has another since", ErrNoKey, of)
	}
	secret, err := data.Decrypt(s.Data, secretBinding(of, s.Version))
	if err != nil {
		return nil, fmt.Errorf("%w: %s version %d", ErrAltered, of, s.Version)
	}
	return secret, nil
}
