package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/care/vault"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// The words of a person that must stand nowhere.
const (
	madeUpName    = "Zacharias Madeup 扎卡"
	madeUpPhone   = "000-7741-0001"
	madeUpAddress = "Madeup Road 77 编造路77号"
	madeUpCarer   = "Madeup Daughter 编造女"
	madeUpDialect = "编造话"
)

// book is a trail that can be told to fail.
type book struct {
	mu    sync.Mutex
	notes []Entry
	fails error
}

func (b *book) Note(_ context.Context, e Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return b.fails
	}
	b.notes = append(b.notes, e)
	return nil
}

func (b *book) Waiting() (entries, most int, since time.Time) { return 0, 1, time.Time{} }

func (b *book) actions() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.notes {
		all = append(all, e.Action+" "+e.Account+" "+e.Patient)
	}
	return all
}

// archive is a hospital with a vault, a trail and everything that the desk says of itself.
type archive struct {
	*hospital
	vault        *vault.Vault
	file, folder string
	trail        *book
	said         *bytes.Buffer // log lines
	mu           sync.Mutex
}

func (a *archive) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.said.Write(b)
}

func openArchive(t *testing.T) *archive {
	t.Helper()
	dir := t.TempDir()
	a := &archive{hospital: open(t), file: filepath.Join(dir, "vault.master"), folder: filepath.Join(dir, "vault.keys"), trail: &book{}, said: &bytes.Buffer{}}
	if err := vault.NewMaster(a.file, a.folder); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.vault, err = vault.Open(a.file, a.folder); err != nil {
		t.Fatal(err)
	}
	a.station.stop()
	a.station = a.openDesk(func(o *Options) {
		o.Vault, o.Trail = a.vault, a.trail
		o.Logger = slog.New(slog.NewTextHandler(a, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	a.doorBeats("gateway-1")
	return a
}

const personHead = "tenant,patient,group,device,token,name,birth_date,sex,phone,carer1_name,carer1_relation,carer1_phone,address,dialect,lives_alone,community_phone,emergency_phone\n"

func (a *archive) admit(patient string) []ImportLine {
	a.t.Helper()
	lines, _ := a.importing(personHead + "demo," + patient + ",copd,ox-" + strings.ReplaceAll(patient, "/", "") + ",," + madeUpName + ",1950-05-05,女,mobile:" + madeUpPhone + "," + madeUpCarer + ",daughter,000-7741-0002," +
		madeUpAddress + "," + madeUpDialect + ",yes,000-7741-0003,000-7741-0120\n")
	a.until(patient+" is on the board", func() bool { return a.server.ward.knows("demo/" + patient) })
	return lines
}

func personPath(patient string) string {
	return "/v1/patients/demo/" + url.PathEscape(patient) + "/person"
}

func (a *archive) person(b *browser, patient string) (status int, v PersonView, raw string) {
	status, raw = b.do("GET", personPath(patient), nil, nil)
	if status == 200 {
		if err := json.Unmarshal([]byte(raw), &v); err != nil {
			a.t.Fatal(err)
		}
	}
	return status, v, raw
}

func TestALR20_WhoAPatientIsAndWhoIsTold(t *testing.T) {
	a := openArchive(t)
	lines := a.admit("P-1/a") // a patient's id may have a slash
	if last := lines[len(lines)-1]; !last.Done || last.Named != 1 || last.Refused != 0 {
		t.Fatalf("%+v", last)
	}
	if again := a.admit("P-1/a"); again[len(again)-1].Named != 0 {
		t.Error("imported again, it was sealed again")
	}
	for role, may := range map[string]bool{roleLead: true, roleNurse: true, roleDoctor: true, roleHealthManager: true, roleClinic: true,
		rolePharmacist: false, roleAdministrator: false, roleSecurity: false, roleAuditor: false} {
		status, v, raw := a.person(a.as(role, role+"-1"), "P-1/a")
		if may && (status != 200 || v.State != "known" || v.Person.Name != madeUpName || v.Person.Phones[0].Label != "mobile" || *v.AgeYears < 70 || v.Version != 1) {
			t.Errorf("%s: %d %s", role, status, raw)
		}
		if !may && (status != 403 || strings.Contains(raw, "Madeup")) {
			t.Errorf("%s was told: %d %s", role, status, raw)
		}
	}
	if status, _, _ := a.person(a.browser(a.url), "P-1/a"); status != 401 {
		t.Errorf("nobody was told: %d", status)
	}
	nurse := a.as(roleNurse, "nurse-a")
	r, err := http.NewRequest("GET", a.url+personPath("P-1/a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+nurse.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("it may be kept on the way: %v", resp.Header)
	}
	if status, _, _ := a.person(nurse, "P-404"); status != 404 {
		t.Errorf("a patient who is not there: %d", status)
	}
	notes := a.trail.actions()
	for _, want := range []string{"vault.import local ", "vault.read nurse-a P-1/a", "vault.read doctor-1 P-1/a"} {
		if !slices.Contains(notes, want) {
			t.Errorf("%q is not noted: %q", want, notes)
		}
	}
}

func TestALR20_ChangingWhoAPatientIs(t *testing.T) {
	a := openArchive(t)
	a.enrol("P-1", "copd")
	nurse := a.as(roleNurse, "nurse-a")
	if _, v, raw := a.person(nurse, "P-1"); v.State != "none" {
		t.Fatal(raw)
	}
	body := PersonBody{Person: vault.Person{Name: madeUpName, Phones: []vault.Phone{{Number: madeUpPhone}}}}
	var v PersonView
	if status, raw := nurse.do("PUT", personPath("P-1"), body, &v); status != 200 || v.State != "known" || v.Version != 1 {
		t.Fatal(status, raw)
	}
	if status, raw := nurse.do("PUT", personPath("P-1"), body, nil); status != 409 || !strings.Contains(raw, "changed_meanwhile") {
		t.Errorf("of two who change the same the second did not have to look again: %d %s", status, raw)
	}
	body.Version, body.Person.Phones[0].Number = 1, "Madeup, not a number"
	if status, raw := nurse.do("PUT", personPath("P-1"), body, nil); status != 422 || !strings.Contains(raw, "phones[0].number") || strings.Contains(raw, "Madeup") {
		t.Errorf("%d %s", status, raw)
	}
	for _, torn := range []string{`{"version":1,"person":{"name":["Madeup"],"phones":"Madeup"}}`, `{"version":1,"person":{"name":"Madeup`, `{"version":"Madeup"}`} {
		if status, raw := nurse.do("PUT", personPath("P-1"), torn, nil); status < 400 || status >= 500 || strings.Contains(raw, "Madeup") {
			t.Errorf("%d %s", status, raw)
		}
	}
	for _, role := range []string{roleDoctor, roleHealthManager, roleAdministrator, rolePharmacist} {
		if status, raw := a.as(role, role+"-1").do("PUT", personPath("P-1"), body, nil); status != 403 {
			t.Errorf("%s: %d %s", role, status, raw)
		}
	}
	body.Person.Phones[0].Number = "000-7741-0009"
	if status, raw := nurse.do("PUT", personPath("P-1"), body, &v); status != 200 || v.Version != 2 || v.Person.Phones[0].Number != "000-7741-0009" {
		t.Fatal(status, raw)
	}
	// An import of one column changes that alone.
	if lines, _ := a.importing("tenant,patient,group,device,token,dialect\ndemo,P-1,copd,,,沪语\n"); lines[len(lines)-1].Named != 1 {
		t.Fatalf("%+v", lines)
	}
	if _, v, raw := a.person(nurse, "P-1"); v.Version != 3 || v.Person.Dialect != "沪语" || v.Person.Name != madeUpName {
		t.Error(raw)
	}
}

// What cannot be noted is not shown, not changed and not imported.
func TestSEC6_WithoutANoteTheVaultStaysShut(t *testing.T) {
	a := openArchive(t)
	a.admit("P-1")
	nurse := a.as(roleNurse, "nurse-a")
	a.trail.mu.Lock()
	a.trail.fails = errors.New("the log is away")
	a.trail.mu.Unlock()
	for _, path := range []string{personPath("P-1"), "/v1/patients/demo/P-1/brief"} {
		if status, raw := nurse.do("GET", path, nil, nil); status != 503 || strings.Contains(raw, "Madeup") || !strings.Contains(raw, `"reason":"audit"`) {
			t.Errorf("%s: %d %s", path, status, raw)
		}
	}
	if status, raw := nurse.do("PUT", personPath("P-1"), PersonBody{Version: 1}, nil); status != 503 {
		t.Errorf("%d %s", status, raw)
	}
	if status, raw := a.admin().do("POST", "/v1/admin/import", personHead+"demo,P-2,copd,,,"+madeUpName+",,,,,,,,,,,\n", nil, "Content-Type", "text/csv"); status != 503 || strings.Contains(raw, "Madeup") {
		t.Errorf("%d %s", status, raw)
	}
	if _, there := a.view.Patient("demo", "P-2"); there {
		t.Error("half of a file was imported")
	}
}

func TestALR20_ADeskWithoutAVaultSaysSo(t *testing.T) {
	a := open(t)
	a.enrol("P-1", "copd")
	nurse := a.as(roleNurse, "nurse-a")
	var v PersonView
	if status, raw := nurse.do("GET", personPath("P-1"), nil, &v); status != 200 || v.State != "off" {
		t.Error(status, raw)
	}
	if status, raw := nurse.do("PUT", personPath("P-1"), PersonBody{}, nil); status != 503 || !strings.Contains(raw, "vault_off") {
		t.Error(status, raw)
	}
	if status, raw := a.admin().do("POST", "/v1/admin/import", personHead+"demo,P-2,copd,,,"+madeUpName+",,,,,,,,,,,\n", nil, "Content-Type", "text/csv"); status != 503 || strings.Contains(raw, "Madeup") {
		t.Error(status, raw)
	}
}

// Faults of a file name line and column, and repeat nothing of it.
func TestALR20_AFileWithFaultsIsToldByLineAndColumn(t *testing.T) {
	a := openArchive(t)
	status, raw := a.admin().do("POST", "/v1/admin/import", personHead+"demo,P-2,copd,,,"+madeUpName+",Madeup,,,,,,,,maybe Madeup,,\ndemo,P-3,copd,,,x,,,Madeup 1,,,,,,,,\n", nil, "Content-Type", "text/csv")
	if status != 422 || strings.Contains(raw, "Madeup") {
		t.Fatal(status, raw)
	}
	for _, want := range []string{"line 2: column birth_date", "line 2: column lives_alone", "line 3: column phone"} {
		if !strings.Contains(raw, want) {
			t.Errorf("%q is not told: %s", want, raw)
		}
	}
}

func TestALR20_TheBriefFor120(t *testing.T) {
	a := openArchive(t)
	a.admit("P-1")
	nurse := a.as(roleNurse, "nurse-a")
	a.measure("P-1", 82)
	a.until("there is a warning", func() bool { return len(nurse.warnings("open")) > 0 })
	w := nurse.warnings("open")[0]
	if status, _, p := nurse.click("accept", w.ID, "k1", nil); status != 200 {
		t.Fatal(p)
	}
	var b Brief
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-1/brief", nil, &b); status != 200 {
		t.Fatal(status, raw)
	}
	switch {
	case b.Who.Person.Address != madeUpAddress, b.Who.Person.EmergencyPhone != "000-7741-0120", b.AgeYears == nil:
		t.Errorf("who: %+v", b.AgeYears)
	case len(b.Groups) != 1 || b.Groups[0].Group != "copd":
		t.Errorf("groups: %+v", b.Groups)
	case b.Latest["spo2_percent"].Value != event.Int(82) || b.Latest["spo2_percent"].MeasuredAt == 0:
		t.Errorf("latest: %+v", b.Latest)
	case b.Warning == nil || b.Warning.ID != w.ID || len(b.Warning.Reasons) == 0:
		t.Errorf("warning: %+v", b.Warning)
	case !slices.ContainsFunc(b.Warning.Timeline, func(m Moment) bool { return m.Type == "alert.accepted" }):
		t.Errorf("what has been done: %+v", b.Warning.Timeline)
	}
	if !slices.Contains(a.trail.actions(), "vault.read nurse-a P-1") {
		t.Error("it is not noted")
	}
	a.admit("P-2")
	var other Brief
	if status, raw := nurse.do("GET", "/v1/patients/demo/P-2/brief?warning="+w.ID, nil, &other); status != 200 || other.Warning != nil {
		t.Errorf("another patient's warning is in the brief: %d %s", status, raw)
	}
	if status, _ := a.admin().do("GET", "/v1/patients/demo/P-1/brief", nil, nil); status != 403 {
		t.Error(status)
	}
}

// records answers every record of the log, of all topics.
func (h *hospital) records() (all []streams.Record) {
	h.t.Helper()
	for _, topic := range streams.Topics {
		n, err := h.log.Partitions(h.t.Context(), topic.Name)
		if err != nil {
			h.t.Fatal(err)
		}
		for p := range n {
			first, next, err := h.log.Bounds(h.t.Context(), topic.Name, p)
			if err != nil {
				h.t.Fatal(err)
			}
			if first == next {
				continue
			}
			r, err := h.log.Read(topic.Name, p, first)
			if err != nil {
				h.t.Fatal(err)
			}
			for at := first; at < next; {
				some, err := r.Next(h.t.Context())
				if err != nil {
					h.t.Fatal(err)
				}
				all = append(all, some...)
				at = some[len(some)-1].Offset + 1
			}
			_ = r.Close()
		}
	}
	return all
}

// TestSEC6_ALR20_NoTraceOfAName: import, read, change, call, refuse and fail; then every record of every topic, every line of the log,
// the metrics, the lists and the stream are searched for what the person is called.
func TestSEC6_ALR20_NoTraceOfAName(t *testing.T) {
	a := openArchive(t)
	a.admit("P-1")
	nurse := a.as(roleNurse, "nurse-a")
	events, stop := nurse.listen("/v1/stream?group=demo/copd", "")
	defer stop()
	a.measure("P-1", 82)
	a.until("there is a warning", func() bool { return len(nurse.warnings("open")) > 0 })
	w := nurse.warnings("open")[0]
	for i, do := range []struct {
		verb string
		in   any
	}{{"accept", nil}, {"call", CallBody{"patient"}}, {"contact", ContactBody{Whom: "patient", Outcome: "no_answer"}}} {
		if status, _, p := nurse.click(do.verb, w.ID, fmt.Sprint("k", i), do.in); status != 200 {
			t.Fatal(do.verb, p)
		}
	}
	_, v, _ := a.person(nurse, "P-1")
	v.Person.Dialect = ""
	for range 2 { // taken, then refused
		nurse.do("PUT", personPath("P-1"), PersonBody{Version: v.Version, Person: v.Person}, nil)
	}
	nurse.do("GET", "/v1/patients/demo/P-1/brief", nil, nil)
	if _, err := a.vault.Erase("demo", "P-1"); err != nil {
		t.Fatal(err)
	}
	if _, v, raw := a.person(nurse, "P-1"); v.State != "lost" || strings.Contains(raw, "Madeup") {
		t.Error("without its key it opened:", raw)
	}

	seen := map[string]string{"log lines": a.said.String()}
	for _, path := range []string{"/v1/warnings", "/v1/groups", "/v1/groups/demo/copd", "/v1/warnings/" + w.ID, "/v1/patients/demo/P-1/plan", "/v1/status", "/metrics", "/openapi.json"} {
		_, seen[path] = nurse.do("GET", path, nil, nil)
	}
	var stream strings.Builder
	for heard := true; heard; {
		select {
		case e := <-events:
			stream.WriteString(e.Data)
		case <-time.After(50 * time.Millisecond):
			heard = false
		}
	}
	seen["stream"] = stream.String()
	sealed := 0
	for _, r := range a.records() {
		where := fmt.Sprintf("%s/%d at %d", r.Topic, r.Partition, r.Offset)
		seen[where] = string(r.Key) + string(r.Value)
		for _, h := range r.Headers {
			seen[where] += string(h.Value)
			if h.Key == "ce_type" && string(h.Value) == "person.set" {
				sealed++
			}
		}
	}
	if sealed != 2 || len(seen["stream"]) < 1000 || !strings.Contains(seen["log lines"], "cannot be opened") {
		t.Fatalf("a poor run: %d persons sealed, %d bytes of stream, log %q", sealed, len(seen["stream"]), seen["log lines"])
	}
	words := []string{"Zacharias", "Madeup", "扎卡", "编造", "7741", "1950-05-05"}
	for _, word := range []string{madeUpName, madeUpPhone, madeUpAddress, madeUpCarer, madeUpDialect} {
		for cut := range 3 { // base64 of it, wherever it begins
			words = append(words, base64.StdEncoding.EncodeToString([]byte(word)[cut:])[:12])
		}
	}
	for where, text := range seen {
		for _, word := range words {
			if strings.Contains(text, word) {
				t.Errorf("%q stands in %s: %.300s", word, where, text)
			}
		}
	}
}

// TestSEC3_ErasedIsGoneAndTheLogStaysWhole: once a key is destroyed nothing of the person can be opened, from no copy of the log and
// under no name; and the log is what it was, record by record, and folds as it did.
func TestSEC3_ErasedIsGoneAndTheLogStaysWhole(t *testing.T) {
	a := openArchive(t)
	a.admit("P-1")
	a.admit("P-2")
	nurse := a.as(roleNurse, "nurse-a")
	before, kept := a.records(), make(map[string]directory.Person)
	for _, p := range []string{"P-1", "P-2"} {
		kept[p], _ = a.view.Person("demo", p)
	}
	if known, err := a.vault.Erase("demo", "P-1"); err != nil || !known {
		t.Fatal(known, err)
	}
	if _, err := a.asker.Ask(soon(t), &event.EraseRequested{Tenant: "demo", Patient: "P-1", Reason: "asked_by_patient", By: "command line"}); err != nil {
		t.Fatal(err)
	}
	if status, v, raw := a.person(nurse, "P-1"); status != 200 || v.State != "erased" || !v.Person.IsZero() {
		t.Error(status, raw)
	}
	for _, r := range before { // every copy of what was sealed
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			continue
		}
		var s vault.Sealed
		switch d := e.Data.(type) {
		case *event.PersonSet:
			s = vault.Sealed{Version: d.Version, Key: d.Key, Data: d.Sealed}
		case *event.PersonRequested:
			s = vault.Sealed{Version: d.Version, Key: d.Key, Data: d.Sealed}
		default:
			continue
		}
		for _, as := range []string{"P-1", "P-2"} {
			p, err := a.vault.Open("demo", as, s)
			if own := s.Key == kept["P-2"].Key && as == "P-2"; own != (err == nil) || !own && !p.IsZero() {
				t.Errorf("%s at %d as %s: %v", r.Topic, r.Offset, as, err)
			}
		}
	}
	after := map[string]streams.Record{}
	for _, r := range a.records() {
		after[place(r)] = r
	}
	for _, r := range before {
		if r.Topic == streams.Checkpoints || r.Topic == streams.DirectoryCheckpoints {
			continue // rounds are trimmed
		}
		if got := after[place(r)]; sumOfRecord(got) != sumOfRecord(r) {
			t.Errorf("%s is another record now", place(r))
		}
	}
	view := directory.NewView(a.log)
	a.run("second view", view.Run)
	if err := view.Wait(soon(t), a.view.Position()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"P-1", "P-2"} {
		again, _ := view.Person("demo", p)
		if was, _ := a.view.Person("demo", p); !reflect.DeepEqual(again, was) {
			t.Errorf("%s folds to another: %+v and %+v", p, again, was)
		}
		if _, enrolled := view.Patient("demo", p); !enrolled {
			t.Errorf("%s is not counted any more", p)
		}
	}
	if _, v, raw := a.person(nurse, "P-2"); v.Person.Name != madeUpName {
		t.Error("somebody else was erased too:", raw)
	}
	a.admit("P-1") // enrolled anew: a new key, the next version
	if _, v, raw := a.person(nurse, "P-1"); v.State != "known" || v.Version != 2 {
		t.Error(raw)
	}
}

func place(r streams.Record) string { return fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset) }

func sumOfRecord(r streams.Record) [32]byte {
	h := sha256.New()
	_, _ = io.WriteString(h, string(r.Key)+"\x00"+string(r.Value))
	for _, header := range r.Headers {
		_, _ = io.WriteString(h, header.Key+"\x00"+string(header.Value))
	}
	return [32]byte(h.Sum(nil))
}
