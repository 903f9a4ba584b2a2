package deploy

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/desk"
)

// who asks the desk who a patient is.
func (h *hospital) who(token, patient string) (v desk.PersonView) {
	h.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+h.app.run.HTTP+"/v1/patients/t1/"+patient+"/person", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatal(resp.Status, string(b), err)
	}
	return v
}

// From the command line as an operator has it: a master key, an import with names, a new master key, an erasure, a restart. Nothing of a
// name lies in the data folder at any time.
func TestALR20_SEC3_SEC6_TheVaultFromTheCommandLine(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	if code := Main([]string{"vault", "init", "--data", cfg.Data}, io.Discard, io.Discard); code != exitDone {
		t.Fatal(code)
	}
	h := openHospital(t, cfg)
	nurse := h.token("nurse")
	file := filepath.Join(t.TempDir(), "people.csv")
	write := func(rows string) {
		if err := os.WriteFile(file, []byte("tenant,patient,group,device,token,name,birth_date,phone,carer1_name,carer1_phone,address,lives_alone,emergency_phone\n"+rows), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("t1,P-1,copd,d1,,Zacharias Madeup,1950-05-05,000-7741-1,Madeup Daughter,000-7741-2,Madeup Road 77,yes,000-7741-120\nt1,P-2,copd,,,Yolanda Madeup,,,,,,,\n")
	if out := h.tocsin("import", file); !strings.HasPrefix(out, "tenant,patient,device,token\nt1,P-1,d1,") {
		t.Errorf("it printed %q", out)
	}
	if v := h.who(nurse, "P-1"); v.State != "known" || v.Person.Name != "Zacharias Madeup" || v.Person.EmergencyPhone != "000-7741-120" {
		t.Fatalf("state %s", v.State)
	}
	if out := h.tocsin("import", file); out != "" {
		t.Errorf("imported again it printed %q", out)
	}
	if v := h.who(nurse, "P-1"); v.Version != 1 {
		t.Errorf("imported again it became version %d", v.Version)
	}
	if out := h.tocsin("vault", "rotate-master"); !strings.HasPrefix(out, "2 keys") {
		t.Error(out)
	}
	if v := h.who(nurse, "P-1"); v.State != "known" {
		t.Errorf("after the master key was changed: %s", v.State)
	}
	if out := h.tocsin("vault", "erase", "t1/P-1", "--reason", "asked_by_patient"); !strings.Contains(out, "destroyed") {
		t.Error(out)
	}
	if v := h.who(nurse, "P-1"); v.State != "erased" || !v.Person.IsZero() {
		t.Errorf("%s after it was erased", v.State)
	}
	h.tocsin("doctor")
	nothingIn(t, cfg.Data, "Madeup", "Zacharias", "000-7741", "7741-1", "1950-05-05")

	h.close()
	h = openHospital(t, cfg)
	if v := h.who(nurse, "P-1"); v.State != "erased" {
		t.Errorf("after a restart: %s", v.State)
	}
	if v := h.who(nurse, "P-2"); v.Person.Name != "Yolanda Madeup" {
		t.Errorf("after a restart: %s", v.State)
	}
	var terminal bytes.Buffer
	write("t1,P-3,copd,,,Zacharias Madeup,Madeup,,,,,,\n")
	if code := Main([]string{"import", file, "--data", h.data}, io.Discard, &terminal); code != exitFault || !strings.Contains(terminal.String(), "line 2: column birth_date") || strings.Contains(terminal.String(), "Madeup") {
		t.Errorf("exit %d: %s", code, terminal.String())
	}
	for _, args := range [][]string{{"erase", "t1/P-1"}, {"erase", "t1/P-1", "--reason", "Mr Madeup asked"}, {"erase", "P-1", "--reason", "asked_by_patient"}} {
		if code := Main(append([]string{"vault"}, append(args, "--data", h.data)...), io.Discard, io.Discard); code != exitUsage {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

// nothingIn looks for words in every file of a folder.
func nothingIn(t *testing.T, folder string, words ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, word := range words {
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%q stands in %s", word, path)
			}
		}
		files++
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestSEC3_UpMakesItsMasterKeyOnceAndNobodyElseDoes(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	start := func(whole bool, master string) *App {
		a := &App{cfg: cfg, log: quietLogger()}
		a.cfg.whole, a.cfg.Vault.Master = whole, master
		if err := a.startVault(t.Context()); err != nil && master == "" {
			t.Fatal(err)
		}
		return a
	}
	if a := start(false, ""); a.vault != nil {
		t.Fatal("a part of several made a master key")
	}
	if a := start(false, filepath.Join(cfg.Data, "elsewhere")); a.vault != nil {
		t.Fatal("a master key that was named and is not there was passed over")
	}
	first := start(true, "")
	if first.vault == nil || first.newMaster == "" {
		t.Fatal("none was made")
	}
	if info, err := os.Stat(first.newMaster); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if again := start(true, ""); again.vault == nil || again.newMaster != "" {
		t.Error("another was made")
	}
	if part := start(false, ""); part.vault == nil {
		t.Error("a part does not find it")
	}
}
