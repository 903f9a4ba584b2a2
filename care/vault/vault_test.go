package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

var somebody = Person{
	Name: "Demo Patient 01 演示患者01", BirthDate: "1952-03-17", Sex: "female",
	Phones:  []Phone{{"mobile", "000-0101-0001"}, {"", "000-0101-0002"}},
	Carers:  []Carer{{Name: "Demo Daughter 演示女儿", Relation: "daughter", Phones: []Phone{{"", "000-0101-0003"}}, Language: "en"}},
	Address: "Demo Road 1, 3rd floor 演示路1号3楼", Dialect: "粤语", LivesAlone: new(true),
	CommunityPhone: "000-0101-0004", EmergencyPhone: "000-120",
}

// folders makes a master key and answers where it and the patients' keys lie.
func folders(t *testing.T) (file, folder string) {
	t.Helper()
	dir := t.TempDir()
	file, folder = filepath.Join(dir, "vault.master"), filepath.Join(dir, "vault.keys")
	if err := NewMaster(file, folder); err != nil {
		t.Fatal(err)
	}
	return file, folder
}

func opened(t *testing.T, file, folder string) *Vault {
	t.Helper()
	v, err := Open(file, folder)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fresh is a vault with a master key of its own.
func fresh(t *testing.T) *Vault {
	t.Helper()
	file, folder := folders(t)
	return opened(t, file, folder)
}

func sealed(t *testing.T, v *Vault, patient string, version int) Sealed {
	t.Helper()
	s, err := v.Seal("demo", patient, version, somebody)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func opens(t *testing.T, v *Vault, patient string, s Sealed) {
	t.Helper()
	if p, err := v.Open("demo", patient, s); err != nil || !reflect.DeepEqual(p, somebody) {
		t.Fatalf("it does not open: %v", err)
	}
}

func shut(t *testing.T, v *Vault, patient string, s Sealed, want error) {
	t.Helper()
	if p, err := v.Open("demo", patient, s); !errors.Is(err, want) || !p.IsZero() {
		t.Fatalf("it opened, or not for this reason: %v", err)
	}
}

func TestSEC3_WhatIsSealedBelongsToOnePatientAndVersion(t *testing.T) {
	v := fresh(t)
	s := sealed(t, v, "P-1", 3)
	other := sealed(t, v, "P-2", 3)
	opens(t, v, "P-1", s)
	for what, swapped := range map[string]Sealed{
		"another version":         {4, s.Key, s.Data},
		"another patient's bytes": {3, s.Key, other.Data},
		"a bit turned":            {3, s.Key, append([]byte{s.Data[0] ^ 1}, s.Data[1:]...)},
		"cut off":                 {3, s.Key, s.Data[:len(s.Data)-1]},
		"nothing":                 {3, s.Key, nil},
	} {
		t.Run(what, func(t *testing.T) { shut(t, v, "P-1", swapped, ErrAltered) })
	}
	shut(t, v, "P-2", s, ErrNoKey) // as another patient's, key id and all
	shut(t, v, "P-3", s, ErrNoKey)
	if bytes.Contains(s.Data, []byte("Demo")) || bytes.Contains(s.Data, []byte("000")) {
		t.Error("it lies in clear")
	}
	if short, _ := v.Seal("demo", "P-1", 3, Person{Name: "A"}); len(short.Data)%256 != len(s.Data)%256 {
		t.Error("the length tells how long a name is")
	}
}

// A key put in another patient's place opens nothing of theirs.
func TestSEC3_AKeyInAnothersPlaceOpensNothing(t *testing.T) {
	v := fresh(t)
	s := sealed(t, v, "P-1", 1)
	b, err := os.ReadFile(v.pathOf("demo/P-1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.pathOf("demo/P-9"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	shut(t, v, "P-9", s, ErrOtherMaster)
}

func TestSEC3_AnErasedKeyIsGoneForEver(t *testing.T) {
	file, folder := folders(t)
	v := opened(t, file, folder)
	s, other := sealed(t, v, "P-1", 1), sealed(t, v, "P-2", 1)
	leftBehind := filepath.Join(folder, unfinished+"crash")
	b, err := os.ReadFile(v.pathOf("demo/P-1"))
	if err == nil {
		err = os.WriteFile(leftBehind, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if known, err := v.Erase("demo", "P-1"); err != nil || !known {
		t.Fatal(known, err)
	}
	if known, err := v.Erase("demo", "P-1"); err != nil || known {
		t.Fatal("erased again:", known, err)
	}
	if _, err := os.Stat(leftBehind); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a copy that a crash had left is still there")
	}
	shut(t, v, "P-1", s, ErrNoKey)
	again := sealed(t, v, "P-1", 2) // enrolled again: a key of its own
	opens(t, v, "P-1", again)
	shut(t, v, "P-1", s, ErrNoKey)
	shut(t, v, "P-1", Sealed{1, again.Key, s.Data}, ErrAltered) // also under the new key's name
	opens(t, v, "P-2", other)
	if _, err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	shut(t, v, "P-1", s, ErrNoKey)
}

func TestSEC3_RotatingTheMasterKeyOpensEverythingAndTheOldOneNothing(t *testing.T) {
	file, folder := folders(t)
	v := opened(t, file, folder)
	before := map[string]Sealed{}
	for i := range 5 {
		p := fmt.Sprintf("P-%d", i)
		before[p] = sealed(t, v, p, 1)
	}
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := v.Rotate(); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	for p, s := range before {
		opens(t, v, p, s) // the vault that was open before, and has not been told
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if h, err := readMaster(file); err != nil || h.Len() != 1 {
		t.Fatalf("the old key is still there: %v", err)
	}
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	shut(t, v, "P-1", before["P-1"], ErrOtherMaster)
	if _, err := Open(file, folder); !errors.Is(err, ErrOtherMaster) {
		t.Errorf("a master key that is not the folder's was taken: %v", err)
	}
}

// A rotation that breaks off halfway has lost nothing, and the next one ends it.
func TestSEC3_ARotationThatBreaksOffIsBegunAgain(t *testing.T) {
	file, folder := folders(t)
	v := opened(t, file, folder)
	s := sealed(t, v, "P-1", 1)
	bad := filepath.Join(folder, strings.Repeat("f", 64)+keySuffix)
	if err := os.WriteFile(bad, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Rotate(); err == nil || !strings.Contains(err.Error(), "run it again") {
		t.Fatal(err)
	}
	opens(t, v, "P-1", s)
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	if n, err := v.Rotate(); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	opens(t, v, "P-1", s)
	if h, err := readMaster(file); err != nil || h.Len() != 1 {
		t.Fatalf("%v", err)
	}
}

// Whoever opens the vault in an emergency neither waits for a rotation nor is turned away by one.
func TestSEC3_NobodyWaitsForARotation(t *testing.T) {
	v := fresh(t)
	s := sealed(t, v, "P-1", 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 40 {
			if _, err := v.Rotate(); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		opens(t, v, "P-1", s)
		select {
		case <-done:
			return
		default:
		}
	}
}

// People are sealed, erased and the master key is changed at the same time, by several servers on one folder.
func TestSEC3_SeveralServersShareTheFolder(t *testing.T) {
	file, folder := folders(t)
	var all sync.WaitGroup
	for server := range 4 {
		v := opened(t, file, folder)
		all.Go(func() {
			for i := range 8 {
				p := fmt.Sprintf("P-%d", i) // all servers want a key for the same patients
				s, err := v.Seal("demo", p, server, somebody)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := v.Open("demo", p, s); err != nil || got.Name != somebody.Name {
					t.Errorf("server %d, %s: %v", server, p, err)
				}
			}
		})
	}
	v := opened(t, file, folder)
	for range 3 {
		if _, err := v.Rotate(); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	if n, err := countKeys(folder); err != nil || n != 8 {
		t.Errorf("%d keys, %v", n, err)
	}
}

func TestSEC3_TheMasterKeyIsKeptSafe(t *testing.T) {
	file, folder := folders(t)
	v := opened(t, file, folder)
	s := sealed(t, v, "P-1", 1)
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, folder); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read was taken: %v", err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewMaster(file, t.TempDir()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a master key was written over: %v", err)
	}
	kept, err := os.ReadFile(file)
	if err == nil {
		err = os.Remove(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, folder); !errors.Is(err, ErrNoMaster) {
		t.Error(err)
	}
	if err := NewMaster(file, folder); !errors.Is(err, ErrNoMaster) || !strings.Contains(err.Error(), "1 patients") {
		t.Errorf("a new master key was made over keys that it cannot open: %v", err)
	}
	if err := os.WriteFile(file, []byte("secret words of somebody"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, folder); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	if err := os.WriteFile(file, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	opens(t, opened(t, file, folder), "P-1", s)
}

// However a person gets into a print or a log line, nothing of it is read there.
func TestSEC6_APersonNeverPrintsItself(t *testing.T) {
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	within := struct {
		P Person
		Q *Person
		C []Carer
		F []Phone
	}{somebody, &somebody, somebody.Carers, somebody.Phones}
	l.Info("somebody", "person", somebody, "pointer", &somebody)
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&log, form, somebody)
		fmt.Fprintf(&log, form, within)
		fmt.Fprintf(&log, form, somebody.Carers)
	}
	for _, word := range []string{"Demo", "演示", "000-", "1952", "粤"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("%q stands in %s", word, log.String())
		}
	}
	if b, err := json.Marshal(somebody); err != nil || !strings.Contains(string(b), "1952-03-17") {
		t.Error("what is sealed is not the person", err)
	}
}

func TestALR20_APersonFromColumns(t *testing.T) {
	columns := Columns{Now: func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) }}
	cells := map[string]string{
		"name": somebody.Name, "birth_date": "1952/3/17", "sex": "女", "phone": "mobile：000-0101-0001", "phone2": "000-0101-0002",
		"carer1_name": "Demo Daughter 演示女儿", "carer1_relation": "daughter", "carer1_phone": "000-0101-0003", "carer1_language": "EN", "address": somebody.Address,
		"dialect": "粤语", "lives_alone": "是", "community_phone": "000-0101-0004", "emergency_phone": "000-120",
	}
	p, err := columns.Person(cells)
	if err != nil || !reflect.DeepEqual(p, somebody) {
		t.Fatalf("%v", err)
	}
	if faults := p.Check(columns.Now()); len(faults) > 0 {
		t.Error(faults)
	}
	for column := range cells {
		if !columns.Has(column) {
			t.Errorf("no column %s", column)
		}
	}
	for column, bad := range map[string]string{
		"birth_date": "17.03.52", "sex": "Zzz", "phone": "1.39E+10", "carer1_phone": "Zzz", "carer1_language": "Zzz", "lives_alone": "Zzz", "community_phone": "12", "name": "Z" + strings.Repeat("z", 80),
		"carer2_phone": "000-0101-0009", "address": "Zzz\x00",
	} {
		cells := map[string]string{column: bad}
		want := "column " + strings.Replace(column, "carer2_phone", "carer2_name", 1) + ":"
		if err := columns.Check(cells); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), bad) || strings.Contains(err.Error(), "Zzz") {
			t.Errorf("%s: %v", column, err)
		}
	}
	later, err := columns.Person(map[string]string{"phone": "000-0101-0077"})
	if err != nil {
		t.Fatal(err)
	}
	over := later.Over(p)
	if over.Name != p.Name || len(over.Phones) != 1 || over.Phones[0].Number != "000-0101-0077" || len(over.Carers) != 1 || !*over.LivesAlone {
		t.Error("what the file does not say did not stay")
	}
}

func TestALR20_AgeInCompletedYears(t *testing.T) {
	p := Person{BirthDate: "1952-11-23"}
	for at, want := range map[string]int{"2026-11-22": 73, "2026-11-23": 74, "1952-11-23": 0} {
		now, err := time.Parse(time.DateOnly, at)
		if years, ok := p.AgeYears(now); err != nil || !ok || years != want {
			t.Errorf("at %s: %d %v", at, years, ok)
		}
	}
	if _, ok := (Person{}).AgeYears(time.Now()); ok {
		t.Error("an age without a birth date")
	}
}
