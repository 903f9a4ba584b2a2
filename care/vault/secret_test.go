package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSEC1_ASecretOpensForItsAccountAndVersionAlone(t *testing.T) {
	v := fresh(t)
	secret := []byte("JBSWY3DPEHPK3PXP")
	s, err := v.SealSecret("nurse-a", 1, secret)
	if err != nil || bytes.Contains(s.Data, secret) {
		t.Fatalf("%q, %v", s.Data, err)
	}
	if back, err := v.OpenSecret("nurse-a", s); err != nil || !bytes.Equal(back, secret) {
		t.Fatalf("%q, %v", back, err)
	}
	if _, err := v.SealSecret("nurse-b", 1, secret); err != nil {
		t.Fatal(err)
	}
	later := s
	later.Version = 2
	for what, try := range map[string]func() error{
		"another version":  func() error { _, err := v.OpenSecret("nurse-a", later); return err },
		"another account":  func() error { _, err := v.OpenSecret("nurse-b", s); return err },
		"a patient":        func() error { _, err := v.Open("account:nurse-a", "x", s); return err },
		"a patient's name": func() error { _, err := v.SealSecret("demo/P-1", 1, secret); return err },
		"nobody":           func() error { _, err := v.SealSecret("", 1, secret); return err },
	} {
		if try() == nil {
			t.Errorf("%s opened or sealed it", what)
		}
	}
	if _, err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	if back, err := v.OpenSecret("nurse-a", s); err != nil || !bytes.Equal(back, secret) {
		t.Errorf("after a rotation: %q, %v", back, err)
	}
	if err := os.Remove(filepath.Join(v.pathOf("account:nurse-a"))); err != nil {
		t.Fatal(err)
	}
	if _, err := v.OpenSecret("nurse-a", s); !errors.Is(err, ErrNoKey) {
		t.Errorf("without its key: %v", err)
	}
}
