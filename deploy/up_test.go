package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a tocsin in a process of its own.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  bytes.Buffer
	done chan struct{}
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: exec.Command(exe, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asTocsin+"=1", "TOCSIN_ENGINE="+library(),
		"GORACE=atexit_sleep_ms=0") // under the race detector every process would sleep for a second before it ends
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is asked of ProcessState
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // what is left of its group
		<-p.done
	})
	return p
}

func (p *program) ended(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("it has not ended after %s:\n%s", within, p.said())
		return -1
	}
}

// group answers the processes of the program's group.
func (p *program) group() (pids []int) {
	procs, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range procs {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // state, parent, group …
		if pgid, _ := strconv.Atoi(fields[2]); pgid == p.cmd.Process.Pid && fields[0] != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func waitReady(t *testing.T, p *program, data string) Running {
	t.Helper()
	var run Running
	err := until(t.Context(), time.Minute, "ready", func() error {
		var err error
		if run, err = readRunning(data); err != nil {
			return err
		}
		resp, err := http.Get("http://" + run.HTTP + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", resp.Status)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.said())
	}
	return run
}

var freePorts = []string{"--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--kafka", "127.0.0.1:0"}

// One command, and the first simulated warning stands on the desk within a minute of the ward's beginning. How long the
// program itself takes to start depends on who else has the machine.
func TestOPS1_FirstSimulatedWarningWithinAMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	data := t.TempDir()
	p := startProgram(t, append([]string{"up", "--demo", "--data", data}, freePorts...)...)
	run := waitReady(t, p, data)
	var token bytes.Buffer
	if code := Main([]string{"token", "create", "--role", "lead", "--data", data}, &token, p); code != exitDone {
		t.Fatal(p.said())
	}
	if err := until(t.Context(), time.Minute, "the ward", func() error {
		if !strings.Contains(p.said(), "forty simulated patients publish now") {
			return fmt.Errorf("it has not begun: %s", p.said())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	err := until(t.Context(), time.Minute, "the first high", func() error {
		req, err := http.NewRequest("GET", "http://"+run.HTTP+"/v1/warnings", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token.String()))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var all struct{ Warnings []warning }
		if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
			return err
		}
		for _, w := range all.Warnings {
			if w.Severity == "high" && w.Patient == "P-0113" {
				return nil
			}
		}
		return fmt.Errorf("%+v", all.Warnings)
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.said())
	}
}

func TestUpIsFoundStoppedAndRefusedTwice(t *testing.T) {
	data := t.TempDir()
	p := startProgram(t, append([]string{"up", "--data", data}, freePorts...)...)
	run := waitReady(t, p, data)
	info, err := os.Stat(filepath.Join(data, runFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("run.json: %v, %v", info.Mode(), err)
	}
	if run.HTTP == "" || run.MQTT == "" || run.Kafka == "" || run.Token == "" {
		t.Errorf("run.json lacks something: %+v", run)
	}

	// A second one on the same data is refused, and says why.
	second := startProgram(t, append([]string{"up", "--data", data}, freePorts...)...)
	if code := second.ended(10 * time.Second); code != exitFault || !strings.Contains(second.said(), "another tocsin runs on") {
		t.Errorf("the second: exit %d: %s", code, second.said())
	}

	// A port in use names the flag by which another is chosen.
	for flag, addr := range map[string]string{"http": run.HTTP, "mqtt": run.MQTT, "kafka": run.Kafka} {
		args := append([]string{"up", "--data", t.TempDir()}, freePorts...)
		for i, a := range args {
			if a == "--"+flag {
				args[i+1] = addr
			}
		}
		other := startProgram(t, args...)
		if code := other.ended(20 * time.Second); code != exitFault || !strings.Contains(other.said(), "choose another with --"+flag) {
			t.Errorf("--%s in use: exit %d: %s", flag, code, other.said())
		}
	}

	// Nothing listens but what was asked for, on loopback.
	if _, err := net.DialTimeout("tcp", run.MQTT, time.Second); err != nil {
		t.Errorf("mqtt: %v", err)
	}

	// SIGTERM, which timeout and systemd send to every process of the tree, stops in order within 10 s, tells of no trouble, and
	// leaves nobody of its group behind.
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.ended(10 * time.Second); code != exitDone {
		t.Errorf("SIGTERM: exit %d: %s", code, p.said())
	}
	if strings.Contains(p.said(), "started again") {
		t.Errorf("a stop in order was told as trouble: %s", p.said())
	}
	if left := p.group(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// Killed without a word, it leaves no child behind for longer than a second.
func TestChildrenEndWithUp(t *testing.T) {
	if library() == "" {
		t.Skip("no engine here, so there are no children (make engine)")
	}
	data := t.TempDir()
	p := startProgram(t, append([]string{"up", "--data", data}, freePorts...)...)
	waitReady(t, p, data)
	if err := until(t.Context(), 10*time.Second, "engine and auditor", func() error {
		if all := p.group(); len(all) < 3 {
			return fmt.Errorf("its group is %v", all)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	killed := time.Now()
	err := until(t.Context(), time.Second, "the children's end", func() error {
		if left := p.group(); len(left) > 0 {
			return fmt.Errorf("%v live %s later", left, time.Since(killed))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Each role in a process of its own, found by the data folder alone.
func TestServeInParts(t *testing.T) {
	data := t.TempDir()
	parts := map[string]*program{}
	for _, role := range []string{"log", "monitor", "gateway", "desk"} {
		args := []string{"serve", "--roles=" + role, "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"}
		if role == "log" {
			args = append(args, "--kafka", "127.0.0.1:0")
		}
		parts[role] = startProgram(t, args...)
		if role == "log" {
			logOf(t, parts[role], data)
		}
	}
	run := waitReady(t, parts["desk"], data)
	if run.MQTT == "" {
		t.Errorf("the gateway is not in run.json: %+v", run)
	}
	for _, role := range []string{"desk", "gateway", "monitor", "log"} {
		_ = parts[role].cmd.Process.Signal(syscall.SIGTERM)
		if code := parts[role].ended(10 * time.Second); code != exitDone {
			t.Errorf("%s: exit %d: %s", role, code, parts[role].said())
		}
	}
}

// A command on the folder of a Tocsin that was killed, or stopped, says so. Whoever listens at its old address now is
// somebody else, and would be changed instead.
func TestCommandsDoNotReachWhoeverTookTheOldAddress(t *testing.T) {
	old := t.TempDir()
	p := startProgram(t, append([]string{"up", "--data", old}, freePorts...)...)
	run := waitReady(t, p, old)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	other := t.TempDir()
	q := startProgram(t, "up", "--data", other, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--kafka", run.Kafka)
	waitReady(t, q, other)

	try := func(want string) {
		t.Helper()
		for _, command := range []string{"token create --role lead", "tail", "doctor"} {
			var out bytes.Buffer
			if code := Main(append(strings.Fields(command), "--data", old), &out, &out); code != exitFault || !strings.Contains(out.String(), want) {
				t.Errorf("%s: exit %d: %s", command, code, out.String())
			}
		}
	}
	try("runs no more")

	// The lock that a command looks at keeps nobody from starting, and stopped in order it leaves no address behind.
	again := startProgram(t, append([]string{"up", "--data", old}, freePorts...)...)
	back := waitReady(t, again, old)
	if back.Token != run.Token {
		t.Error("the operator's token changed over a kill")
	}
	if err := again.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := again.ended(10 * time.Second); code != exitDone {
		t.Errorf("SIGTERM: exit %d: %s", code, again.said())
	}
	try("no Tocsin runs on")
}

// Readings are taken and scored by nobody once the log is away: that is told at once, and nobody waits for it to stop.
func TestReadinessFollowsTheLog(t *testing.T) {
	data := t.TempDir()
	log := startProgram(t, "serve", "--roles=log", "--data", data, "--http", "127.0.0.1:0", "--kafka", "127.0.0.1:0")
	rest := startProgram(t, "serve", "--roles=monitor,gateway,desk", "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--kafka", logOf(t, log, data))
	run := waitReady(t, rest, data)
	if err := log.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	err := until(t.Context(), 10*time.Second, "not ready", func() error {
		resp, err := http.Get("http://" + run.HTTP + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return fmt.Errorf("ready %s after the log was killed", time.Since(killed))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := rest.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := rest.ended(10 * time.Second); code != exitDone {
		t.Errorf("SIGTERM without a log: exit %d: %s", code, rest.said())
	}
}

// logOf waits until a log that runs apart stands, and answers where.
func logOf(t *testing.T, log *program, data string) string {
	t.Helper()
	var run Running
	err := until(t.Context(), 30*time.Second, "the log", func() (err error) {
		if run, err = readRunning(data); err == nil && run.Kafka == "" {
			err = fmt.Errorf("no log in run.json")
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.said())
	}
	return run.Kafka
}
