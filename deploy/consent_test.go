package deploy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alerts/notify"
	"tocsin/alerts/outbox"
)

// heard is another's machine that takes everything.
type heard struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

func listener(t *testing.T) *heard {
	h := &heard{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got = append(h.got, string(b))
	}))
	t.Cleanup(h.Close)
	return h
}

// about answers how much came of a patient, from the nth on.
func (h *heard) about(patient string, from int) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, body := range h.got[from:] {
		if strings.Contains(body, patient) {
			n++
		}
	}
	return n
}

func (h *heard) count() int { h.mu.Lock(); defer h.mu.Unlock(); return len(h.got) }

// From the file of an import to another's machine: only who agrees to it is told of, and five seconds after a withdrawal nobody any more,
// while the warning itself goes on at the desk as it did.
func TestSEC4_AWithdrawalReachesTheSubscriberWithinFiveSeconds(t *testing.T) {
	hears := listener(t)
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Subscribers = []outbox.Setting{{ID: "his", URL: notify.Hidden(hears.URL), Form: "cloudevents-json", From: "beginning"}}
	h := openHospital(t, cfg)
	file := filepath.Join(t.TempDir(), "people.csv")
	text := "tenant,patient,group,device,token,consent,consent_purposes,consent_form,consent_given\n" +
		"t1,P-agrees,copd,d1,secret,C-1,monitoring+sharing,MON-2026,2026-03-01\nt1,P-watched,copd,d2,secret,C-1,monitoring,MON-2026,2026-03-01\nt1,P-nothing,copd,d3,secret,,,,\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h.tocsin("import", file)
	for i, d := range []string{"d1", "d2", "d3"} {
		c := h.device(h.tcp(), d, "secret")
		h.publish(c, "t1", d, fmt.Sprint("m", i), spo2(84))
		h.publish(c, "t1", d, fmt.Sprint("n", i), spo2(83))
	}
	for _, patient := range []string{"P-agrees", "P-watched", "P-nothing"} {
		h.until("the desk is told of "+patient, func() error {
			if h.warningOf(patient, "deterioration").ID == "" {
				return errors.New("no warning")
			}
			return nil
		})
	}
	h.until("the other is told of who agrees", func() error {
		if hears.about("P-agrees", 0) == 0 {
			return errors.New("nothing came")
		}
		return nil
	})
	if out := h.tocsin("consent", "list"); !strings.Contains(out, "2 given") || !strings.Contains(out, "1 none") || !strings.Contains(out, "P-nothing") || strings.Contains(out, "P-agrees") {
		t.Error(out)
	}
	h.tocsin("consent", "withdraw", "t1/P-agrees", "--purposes", "sharing", "--how", "spoken")
	began, from := time.Now(), hears.count()
	w := h.warningOf("P-agrees", "deterioration")
	if status := h.call("POST", "/v1/warnings/"+w.ID+"/accept", "k1", "{}", nil); status != http.StatusOK {
		t.Fatal(status)
	}
	h.until("the other is told that it hears no more", func() error {
		if hears.about("sharing.withheld", from) != 1 {
			return errors.New("nothing came")
		}
		return nil
	})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("after %s", took)
	}
	if n := hears.about("P-agrees", from) + hears.about("P-watched", 0) + hears.about("P-nothing", 0); n > 0 {
		t.Errorf("%d messages of patients who do not agree", n)
	}
	if out := h.tocsin("consent", "carry-over", "--tenant", "t1", "--form", "OLD-2024", "--given", "2024-05-01", "--purposes", "monitoring"); !strings.HasPrefix(out, "1 of 1 patients") {
		t.Error(out)
	}
	if out := h.tocsin("consent", "list"); !strings.Contains(out, "3 given") {
		t.Error(out)
	}
	h.tocsin("subscriber", "list")
	copied := filepath.Join(t.TempDir(), "copy.zip")
	if out := h.tocsin("export-own", "t1/P-agrees", "--out", copied, "--reason", "asked_by_patient"); !strings.Contains(out, ": 2 readings,") || !strings.Contains(out, " 2 consents and withdrawals") {
		t.Error(out)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}
