package outbox

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/alerts/notify"
	"tocsin/alerts/outbox/hl7v2"
	"tocsin/streams"
	"tocsin/streams/event"
)

// hapi starts a receiver on HAPI HL7v2 (Maven brings it), and answers its port and what it prints of each message.
func hapi(t *testing.T) (port string, said *bufio.Scanner) {
	t.Helper()
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("HAPI HL7v2 needs a JDK and Maven: %v", err)
		}
	}
	libs, err := filepath.Abs("../../.cache/hapi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(libs, "hapi-base-2.6.0.jar")); err != nil {
		mvn := exec.CommandContext(t.Context(), "mvn", "-B", "-q", "-f", "testdata/hapi/pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+libs)
		if out, err := mvn.CombinedOutput(); err != nil {
			t.Skipf("Maven did not bring HAPI HL7v2: %v\n%s", err, out)
		}
	}
	program, err := filepath.Abs("testdata/hapi/Receiver.java")
	if err != nil {
		t.Fatal(err)
	}
	java := exec.CommandContext(t.Context(), "java", "-cp", filepath.Join(libs, "*"), program)
	java.Dir = t.TempDir() // HAPI writes down the last id that it gave
	java.Stderr = os.Stderr
	in, err := java.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := java.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := java.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = java.Wait()
	})
	said = bufio.NewScanner(out)
	said.Buffer(nil, 1<<20)
	if !said.Scan() {
		t.Fatalf("HAPI did not start: %v", said.Err())
	}
	return said.Text(), said
}

// HAPI, which nobody here wrote, reads our alerts as they are meant, Chinese and all, writes them to the same bytes, and its
// acknowledgements let the stream go on.
func TestINT6_HAPIReadsOurAlerts(t *testing.T) {
	port, said := hapi(t)
	w := newWorld(t, 1)
	w.raise(0, "w0", event.High)
	w.decide(0, "P-w0", &event.AlertEscalated{Alert: "w0", To: "doctor-1"}, &event.AlertAccepted{Alert: "w0", By: "doctor-b"})
	w.decide(0, "P-w0", &event.AlertClosed{Alert: "w0", By: "doctor-b", Outcome: event.OutcomeReal})
	w.serve(w.log, nil, Setting{ID: "his", URL: notify.Hidden("mllp://127.0.0.1:" + port), Form: formHL7, From: "beginning", Receiver: "HIS|A"})
	var sent []string
	w.until("all four are through", func() error {
		rows, err := Status(t.Context(), w.log)
		if err != nil || len(rows) != 1 || rows[0].Delivered != 4 {
			return fmt.Errorf("%+v, %w", rows, err)
		}
		return nil
	})
	for _, r := range w.log.Records(streams.Outbox, 0) {
		e, err := event.Decode(r.Headers, r.Value)
		if err != nil {
			t.Fatal(err)
		}
		if m, is := e.Data.(*event.OutboxMessage); is {
			sent = append(sent, m.Parts[0].Body)
		}
	}
	for _, want := range sent {
		if !said.Scan() {
			t.Fatalf("HAPI says no more: %v", said.Err())
		}
		words := strings.Fields(said.Text())
		m, err := hl7v2.Parse(want)
		if err != nil || len(words) != 6 {
			t.Fatalf("%v, %q", err, words)
		}
		text, again := decoded(t, words[4]), decoded(t, words[5])
		if words[0] != "2.6" || words[1] != "R40" || words[2] != m[0].Field(10) || words[3] != "P-w0" || text != "news2 7: 血氧饱和度 84 % / SpO2 84 %" {
			t.Errorf("HAPI read %q, %q", words[:4], text)
		}
		if strings.TrimRight(again, "\r") != strings.TrimRight(want, "\r") {
			t.Errorf("HAPI writes it as\n%q\nand we as\n%q", again, want)
		}
	}
}

func decoded(t *testing.T, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
