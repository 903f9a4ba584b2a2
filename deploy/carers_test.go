package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/alerts/notify"
	"tocsin/care/vault"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// phones is a gateway on loopback that notes whom it was to tell what.
type phones struct {
	*httptest.Server
	mu   sync.Mutex
	fail bool
	got  map[string]string
}

func openPhones(t *testing.T) *phones {
	p := &phones{got: map[string]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var said struct{ To, Text string }
		p.mu.Lock()
		defer p.mu.Unlock()
		if json.Unmarshal(b, &said) != nil || p.fail {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		p.got[said.To] = said.Text
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *phones) all() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]string{}
	for to, text := range p.got {
		all[to] = text
	}
	return all
}

func (p *phones) channel(name, kind string) notify.ChannelSetting {
	return notify.ChannelSetting{Name: name, Kind: kind, Gateway: notify.GatewaySetting{URL: p.URL, Body: `{"to":{{json .To}},"text":{{json .Text}}}`}}
}

// A patient in danger has no app that listens: the first carer is told in their language, the SMS gateway being down by voice, at the numbers
// that the vault has. The warning shows carer-1; the log, the data folder and what is shown hold no number and no name.
func TestALR17_SEC6_CarersOfTheVaultAreTold(t *testing.T) {
	sms, call := openPhones(t), openPhones(t)
	sms.fail = true
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Notify = notify.Settings{Channels: []notify.ChannelSetting{{Name: "app", Kind: "app", Within: 200 * time.Millisecond}, sms.channel("sms", "sms"), call.channel("call", "voice")},
		Patients: notify.PatientSetting{Channels: []string{"app", "sms", "call"}}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if code := Main([]string{"vault", "init", "--data", cfg.Data}, io.Discard, io.Discard); code != exitDone {
		t.Fatal(code)
	}
	h := openHospital(t, cfg)
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("tenant,patient,group,device,token,name,carer1_name,carer1_phone,carer1_language,carer2_name,carer2_phone,emergency_phone\n"+
		"t1,P-0113,copd,d1,secret,Zacharias Madeup,Madeup Daughter,000-7741-2,en,Madeup Son,000-7741-3,000-7741-120\nt1,P-0114,copd,d2,secret,Yolanda Madeup,,,,,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.tocsin("import", file)
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(70))
	w := h.warningOf("P-0113", "deterioration")
	var raw json.RawMessage
	h.until("the warning shows that carer-1 was called", func() error {
		var shown told
		h.get("/v1/warnings/"+w.ID, &raw)
		if err := json.Unmarshal(raw, &shown); err != nil {
			return err
		}
		for _, n := range shown.Told {
			if n.Recipient == "carer-1" && n.Channel == "call" && n.State == "sent" {
				return nil
			}
		}
		return fmt.Errorf("the desk shows %+v", shown)
	})
	said := call.all()
	if len(said) != 1 || len(sms.all()) != 0 || !strings.Contains(said["00077412"], "Call 120 now") || !strings.Contains(said["00077412"], "000-7741-120") {
		t.Errorf("told were %v and %v", said, sms.all())
	}
	if text := said["00077412"]; strings.Contains(text, "Madeup") || strings.Contains(text, "P-0113") || strings.Contains(strings.ToLower(text), "copd") {
		t.Errorf("the message says who it is: %s", text)
	}
	if strings.Contains(string(raw), "Madeup") || strings.Contains(string(raw), "7741") {
		t.Errorf("the warning says who it is: %s", raw)
	}

	h.publish(h.device(h.tcp(), "d2", "secret"), "t1", "d2", "m1", spo2(70))
	other := h.warningOf("P-0114", "deterioration")
	h.until("it is told that nobody near is known", func() error {
		var shown struct {
			Told []struct{ Recipient, State, Detail string }
		}
		h.get("/v1/warnings/"+other.ID, &shown)
		for _, n := range shown.Told {
			if n.State == "failed" && n.Detail == nearNoPhone {
				return nil
			}
		}
		return fmt.Errorf("%+v", shown)
	})
	h.close()
	nothingIn(t, cfg.Data, "Madeup", "7741-2", "00077412", "7741-120")
}

// keptPerson is a directory of one patient.
type keptPerson struct {
	mu sync.Mutex
	p  directory.Person
	ok bool
}

func (k *keptPerson) Person(tenant, patient string) (directory.Person, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.p, k.ok && tenant == "t" && patient == "P"
}

func (k *keptPerson) become(p directory.Person) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.p, k.ok = p, true
}

// A vault that hangs holds up nobody and is told of; one that fails is tried again; a change and an erasure are told; what nobody asks for
// is forgotten.
func TestALR17_SEC3_TheVaultIsOpenedBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, hang, told := &keptPerson{}, make(chan struct{}), 0
		var fails atomic.Bool
		c := &carers{view: kept, log: slog.New(slog.DiscardHandler), now: time.Now, known: map[string]*nearby{}}
		c.tell = func(string, string) { told++; c.near("t", "P") }
		if n := c.near("t", "P"); n.Missing != nearNoVault {
			t.Fatalf("%+v", n)
		}
		c.open = func(_, _ string, p directory.Person) (vault.Person, error) {
			<-hang
			return vault.Person{Carers: []vault.Carer{{Phones: []vault.Phone{{Number: "1"}, {Number: "2"}}}, {Phones: []vault.Phone{{Number: fmt.Sprint(p.Version)}}, Language: "en"}}}, map[bool]error{true: errors.New("the disk is away")}[fails.Load()]
		}
		if n := c.near("t", "P"); n.Missing != nearUnknown {
			t.Fatalf("%+v", n)
		}
		ctx := t.Context()
		go func() { _ = c.run(ctx) }()
		is := func(what string, phones int, missing string) {
			t.Helper()
			synctest.Wait()
			if n := c.near("t", "P"); len(n.Phones) != phones || n.Missing != missing {
				t.Fatalf("%s: %+v", what, n)
			}
		}
		kept.become(directory.Person{Version: 1})
		is("nothing is known yet", 0, "")
		time.Sleep(vaultWithin + 2*time.Second)
		is("it hangs", 0, nearSlow)
		if told != 1 {
			t.Fatalf("told %d times", told)
		}
		close(hang)
		is("it goes on", 3, "")
		fails.Store(true)
		kept.become(directory.Person{Version: 2})
		c.moved()
		is("it fails", 0, nearShut)
		fails.Store(false)
		time.Sleep(vaultAgain + 2*time.Second)
		is("it is well again", 3, "")
		if n := c.near("t", "P"); n.Phones[1] != (notify.NearPhone{Carer: 1, Number: "2"}) || n.Phones[2] != (notify.NearPhone{Carer: 2, Number: "2", Language: "en"}) {
			t.Errorf("%+v", n)
		}
		before := told
		c.moved()
		if told != before {
			t.Error("a change of nothing was told")
		}
		kept.become(directory.Person{Version: 2, Erased: &event.PersonErased{}})
		c.moved()
		is("erased", 0, nearErased)
		if told == before || len(c.known) != 0 {
			t.Errorf("told %d, still known: %d", told, len(c.known))
		}
		kept.become(directory.Person{Version: 3})
		is("anew", 0, "")
		is("anew", 3, "")
		time.Sleep(nearKept + 2*time.Second)
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.known) != 0 {
			t.Error("it is kept though nobody asks")
		}
	})
}

// Without a vault `tocsin check` says that nobody near is told, and a start says it too.
func TestALR17_WithoutAVaultItIsSaidThatNobodyNearIsTold(t *testing.T) {
	file := writeFile(t, "tocsin.yaml", "vault: {off: true}\nnotify:\n  channels:\n    - {name: sms, kind: sms, gateway: {url: http://127.0.0.1:1}}\n  patients: {channels: [sms]}\n")
	var out strings.Builder
	if code := Main([]string{"check", file}, &out, io.Discard); code != exitDone || !strings.Contains(out.String(), "note: notify.patients.channels") {
		t.Errorf("exit %d: %s", code, out.String())
	}
	cfg, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	a := &App{cfg: cfg, log: slog.New(slog.NewTextHandler(&said, nil))}
	if err := a.startVault(t.Context()); err != nil {
		t.Fatal(err)
	}
	var o notify.Options
	a.startCarers(&o)
	if !strings.Contains(said.String(), "no carer is told") || o.Near("t", "P").Missing != nearNoVault {
		t.Errorf("it says %s", said.String())
	}
}
