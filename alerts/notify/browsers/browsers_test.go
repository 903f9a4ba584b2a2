package browsers

import (
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alerts/notify/browsers/pushtest"
)

func made(t *testing.T) (*Keys, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "push.key")
	if _, err := ReadKeys(file); !errors.Is(err, ErrNoKeys) {
		t.Fatal(err)
	}
	k, err := MakeKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	return k, file
}

func of(b *pushtest.Browser) Browser { return Browser{b.Endpoint, b.P256dh, b.Auth} }

// The reader of the tests reads the example of RFC 8291, appendix A: it is no mirror of the writer.
func TestTheReaderOfTheTestsReadsTheExampleOfRFC8291(t *testing.T) {
	raw := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	private, err := ecdh.P256().NewPrivateKey(raw("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := pushtest.Decrypt(private, raw("BTBZMqHH6r4Tts7J_aSIgg"), raw("DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"))
	if err != nil || string(text) != "When I grow up, I want to be a watermelon" {
		t.Errorf("%q %v", text, err)
	}
}

func TestALR11_OnlyTheBrowserReadsWhatIsPushed(t *testing.T) {
	k, _ := made(t)
	s := pushtest.Open(t, func() {})
	b := s.Subscribe(k.Public())
	w := NewWay(k, "mailto:it@hospital.example", true)
	for _, text := range []string{"x", strings.Repeat("预", MaxPayload/3)} {
		resp, err := w.Post(t.Context(), of(b), Message{Payload: []byte(text), Topic: "n1", Urgency: "high", TTL: 90 * time.Second})
		if err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatal(resp, err)
		}
		_ = resp.Body.Close()
		got, _ := s.Got(b)
		last := got[len(got)-1]
		if last.Text != text || last.Topic != "n1" || last.Urgency != "high" || last.TTL != "90" || last.Subject != "mailto:it@hospital.example" || last.Size > 4096 {
			t.Errorf("%+v", last)
		}
	}
}

func TestSEC7_APageCannotSendADeskToDoorsOfTheHouse(t *testing.T) {
	k, _ := made(t)
	s := pushtest.Open(t, func() {})
	good := of(s.Subscribe(k.Public()))
	at := func(endpoint string) Browser { return Browser{endpoint, good.P256dh, good.Auth} }
	w := NewWay(k, "it@hospital.example", false)
	for _, endpoint := range []string{"http://push.example/x", "https://127.0.0.1/x", "https://10.1.2.3/x", "https://[::1]/x", "https://[::ffff:192.168.1.1]/x", "https://169.254.169.254/latest/meta-data",
		"https://[fe80::1%25eth0]/x", "https://[fd00::1]/x", "https://100.64.0.1/x", "https://0.0.0.0/x", "https://[64:ff9b::7f00:1]/x", "https://[2002:7f00:1::]/x", "https://localhost/x", "https://desk.localhost./x",
		"https://intranet/x", "https://user:word@push.example/x", "ftp://push.example/x", "https://", "", "https://push.example/" + strings.Repeat("x", maxEndpoint)} {
		if err := w.Check(at(endpoint)); err == nil || endpoint != "" && strings.Contains(err.Error(), endpoint) {
			t.Errorf("%.60q: %v", endpoint, err)
		}
		if _, err := w.Post(t.Context(), at(endpoint), Message{}); err == nil {
			t.Errorf("%.60q was posted to", endpoint)
		}
	}
	if err := w.Check(at("https://updates.push.services.mozilla.com/wpush/v2/x")); err != nil {
		t.Error(err)
	}
	for _, b := range []Browser{{"https://push.example/x", "", good.Auth}, {"https://push.example/x", good.P256dh, "x"}, {"https://push.example/x", base64.RawURLEncoding.EncodeToString(make([]byte, 65)), good.Auth}} {
		if w.Check(b) == nil {
			t.Errorf("keys %q %q were taken", b.P256dh, b.Auth)
		}
	}
	// A name that looks well and leads into the house is found out when it is dialled.
	for address, want := range map[string]error{"127.0.0.1:443": ErrPrivate, "[::1]:443": ErrPrivate, "192.168.0.1:443": ErrPrivate, "8.8.8.8:443": nil, "[2606:4700::1111]:443": nil} {
		if err := dialable(address, false); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, err := w.client.Get(s.URL)
	if !errors.Is(err, ErrPrivate) {
		t.Errorf("the client went to %s: %v", s.URL, err)
	}
	if _, tries := s.Got(s.Subscribe(k.Public())); tries != 0 {
		t.Error("somebody knocked")
	}
}

func TestSEC6_WhereABrowserIsReachedIsSealed(t *testing.T) {
	k, file := made(t)
	b := Browser{"https://push.example/secret-path", "p", "a"}
	sealed, err := k.Seal("nurse-a", b)
	if err != nil || strings.Contains(string(sealed), "push.example") || strings.Contains(b.ID(), "push") {
		t.Fatalf("%v %q", err, b.ID())
	}
	again, err := ReadKeys(file)
	if err != nil || again.Public() != k.Public() {
		t.Fatal(err)
	}
	if got, err := again.Open(b.ID(), "nurse-a", sealed); err != nil || got != b {
		t.Errorf("%v", err)
	}
	other, _ := made(t)
	for what, open := range map[string]func() (Browser, error){
		"another account": func() (Browser, error) { return k.Open(b.ID(), "nurse-b", sealed) },
		"another browser": func() (Browser, error) { return k.Open("b0", "nurse-a", sealed) },
		"another key":     func() (Browser, error) { return other.Open(b.ID(), "nurse-a", sealed) },
		"cut off":         func() (Browser, error) { return k.Open(b.ID(), "nurse-a", sealed[:8]) },
		"a bit turned": func() (Browser, error) {
			return k.Open(b.ID(), "nurse-a", append([]byte{sealed[0] ^ 1}, sealed[1:]...))
		},
	} {
		if got, err := open(); err == nil || got != (Browser{}) {
			t.Errorf("%s opens it", what)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", b, b, b, []Browser{b}); strings.Contains(text, "push.example") {
		t.Error(text)
	}
	if id := (Browser{Endpoint: "https://push.example/x"}).ID(); id != "bed71523b4c5b03f2a9323423" { // desk/web/src/parts/push.test.ts has the same
		t.Errorf("its id is %s", id)
	}
	short, _ := k.Seal("nurse-a", Browser{"https://p.example/x", "p", "a"})
	if len(short) != len(sealed) {
		t.Error("its length tells which service it is")
	}
}

func TestALR11_OfTwoThatMakeTheKeyBothHaveTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "push.key")
	public := make([]string, 4)
	var all sync.WaitGroup
	for i := range public {
		all.Go(func() {
			if k, err := MakeKeys(file); err == nil {
				public[i] = k.Public()
			}
		})
	}
	all.Wait()
	for _, p := range public {
		if p == "" || p != public[0] {
			t.Errorf("%q", public)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKeys(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte(`{"private":"secret-words"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKeys(file); err == nil || strings.Contains(err.Error(), "secret-words") {
		t.Error(err)
	}
}
