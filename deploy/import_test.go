package deploy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/streams/directory"
)

// What spreadsheets write, twice over: a mark before the first line, CRLF, a line that stands there again. Each device
// gets one token, and it opens the door; a device of another hospital stays there.
func TestImportTakesWhatSpreadsheetsWrite(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	file := filepath.Join(t.TempDir(), "people.csv")
	write := func(rows string) {
		if err := os.WriteFile(file, []byte("\xef\xbb\xbftenant,patient,group,device,token\r\n"+rows), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("t1,P-0113,copd,d1,\r\nt1,P-0113,copd,d1,\r\nt1,P-0114,copd,d2,secret\r\n")
	lines := strings.Fields(h.tocsin("import", file))
	if len(lines) != 2 || lines[0] != "tenant,patient,device,token" || !strings.HasPrefix(lines[1], "t1,P-0113,d1,") {
		t.Fatalf("it printed %q", lines)
	}
	h.device(h.tcp(), "d1", strings.TrimPrefix(lines[1], "t1,P-0113,d1,"))
	if again := h.tocsin("import", file); again != "" {
		t.Errorf("a token is printed once, and this came again: %q", again)
	}

	write("t2,P-0001,copd,d1,\r\nt2,P-0002,copd,d3,secret\r\n")
	var out, terminal bytes.Buffer
	code := Main([]string{"import", file, "--data", h.data}, &out, &terminal)
	if code != exitFault || out.Len() > 0 || !strings.Contains(terminal.String(), "line 2: device d1 is held by another tenant") {
		t.Errorf("a device of another tenant: exit %d, %q, %s", code, out.String(), terminal.String())
	}
	h.device(h.tcp(), "d3", "secret") // the other row stands
}

// Tokens of an import that is broken off are told all the same: rows that came in would get no others.
func TestImportBrokenOffTellsItsTokens(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	cfg.Roles, cfg.History.Off = []string{roleLog}, true // nobody answers
	a, err := New(t.Context(), cfg, io.Discard, quietLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	}()
	r := reach{data: cfg.Data}
	conn, err := r.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	err = importRows(ctx, conn, []directory.Row{{Line: 2, Tenant: "t", Patient: "P-0113", Group: "g", Device: "d1"}}, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "role monitor") || !strings.Contains(err.Error(), "keep the tokens") || !strings.Contains(out.String(), "t,P-0113,d1,") {
		t.Errorf("%v, printed %q", err, out.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestWhatIsToldOnceIsNotLostUnseen(t *testing.T) {
	if _, err := printTokens(fullDisk{}, []directory.Outcome{{Made: "x"}}); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("a token went nowhere: %v", err)
	}
}

func TestWhatStandsStillIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, goesOn, done := whileItGoesOn(t.Context(), time.Minute)
		defer done()
		for range 5 {
			time.Sleep(50 * time.Second)
			goesOn()
		}
		if ctx.Err() != nil {
			t.Fatal("it was going on")
		}
		time.Sleep(61 * time.Second)
		if ctx.Err() == nil || !strings.Contains(context.Cause(ctx).Error(), "no answer for 1m0s") {
			t.Errorf("after a minute of nothing: %v", context.Cause(ctx))
		}
	})
}
