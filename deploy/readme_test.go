package deploy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every curl of the README does what stands there, one after the other, on a Tocsin with the patient that they name.
func TestEveryCurlOfTheReadme(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	lines := curlsOf(t, "../README.md")
	if len(lines) < 15 {
		t.Fatalf("%d lines in the README", len(lines))
	}
	cfg := quietConfig(t.TempDir())
	if code := Main([]string{"vault", "init", "--data", cfg.Data}, io.Discard, io.Discard); code != exitDone {
		t.Fatal(code)
	}
	h := openHospital(t, cfg)
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("tenant,patient,group,device,token,name\ndemo,P-0113,copd,d1,secret,Madeup Thirteen\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.tocsin("import", file)
	h.publish(h.device(h.tcp(), "d1", "secret"), "demo", "d1", "m1", spo2(84))
	h.warningOf("P-0113", "deterioration")

	for _, ran := range h.inShell(filepath.Dir(file), lines) {
		if !strings.HasSuffix(ran, "\n=0\n") {
			t.Errorf("%s", ran)
		}
	}
	// By the port that everything has in common a path that leads nowhere is answered by the API too, and sent nowhere else.
	resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequest("GET", "http://"+h.app.run.HTTP+"/v1/patients//P-0113/plan", nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a crooked path: %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
}

// curlsOf answers the lines of a page's fenced blocks that ask the API, and those that keep something for them.
func curlsOf(t *testing.T, page string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	asks := regexp.MustCompile(`^(curl |[A-Z]+=\$\((curl|date) )`)
	fenced := false
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if fenced && asks.MatchString(line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// inShell runs the lines in one shell, in a folder, and answers what each printed and, last, its exit status. curl fails with the status of an
// answer; a stream that was cut off by --max-time did not fail.
func (h *hospital) inShell(folder string, lines []string) (ran []string) {
	h.t.Helper()
	const mark = "====="
	script := "curl() { command curl -sS --fail-with-body \"$@\"; local s=$?; [ $s = 28 ] && return 0; return $s; }\n"
	for _, line := range lines {
		script += fmt.Sprintf("echo %s; echo %s\n%s\nprintf '\\n=%%s\\n' $?\n", mark, quoted(line), strings.ReplaceAll(line, "127.0.0.1:8080", h.app.run.HTTP))
	}
	c := exec.CommandContext(h.t.Context(), "bash", "-o", "pipefail", "-c", script)
	c.Dir, c.Env = folder, append(os.Environ(), "TOKEN="+h.lead)
	out, err := c.CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
	ran = strings.Split(string(out), mark+"\n")[1:]
	if len(ran) != len(lines) {
		h.t.Fatalf("%d of %d lines ran:\n%s", len(ran), len(lines), out)
	}
	return ran
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
