package bench

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/deploy/testkit"
)

// Budget 1 (b): the whole path, MQTT QoS 1 on 100 busy connections, each with up to 50 uploads in flight, through the
// gateway, the embedded log with fsync, rules and warnings to decisions in the log; history off. CPU time of all our parts, from
// the kernel's own account of the process.
func BenchmarkBudget1bWholePath(b *testing.B) {
	const connections, each, inFlight = 100, 2000, 50
	up := startUp(b, connections)
	defer up.stop()
	before := up.cpu(b)
	began := time.Now()
	var acked atomic.Int64
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() { up.publish(b, i, each, inFlight, &acked) })
	}
	wg.Wait()
	up.settled(b)
	took := time.Since(began)
	n := float64(acked.Load())
	if n != connections*each {
		b.Fatalf("%v of %d uploads were acknowledged", n, connections*each)
	}
	b.ReportMetric((up.cpu(b)-before).Seconds()*1e6/n, "cpu-µs/upload")
	b.ReportMetric(n/took.Seconds(), "uploads/s")
	b.ReportMetric(0, "ns/op")
}

// whole is a running `tocsin up`.
type whole struct {
	cmd              *exec.Cmd
	http, mqtt, data string
}

func startUp(b *testing.B, devices int) *whole {
	root, err := testkit.Root()
	if err != nil {
		b.Fatal(err)
	}
	bin := filepath.Join(root, "bin", "tocsin")
	if _, err := os.Stat(bin); err != nil {
		b.Skip("bin/tocsin is not built: make build")
	}
	w := &whole{data: b.TempDir(), http: port(b), mqtt: port(b)}
	config := filepath.Join(w.data, "tocsin.yaml")
	write(b, config, "history:\n  off: true\n")
	w.cmd = exec.Command(bin, "up", "--config", config, "--data", w.data, "--http", w.http, "--mqtt", w.mqtt, "--kafka", "127.0.0.1:0")
	if profile := os.Getenv("TOCSIN_BENCH_PROFILE"); profile != "" {
		w.cmd.Args = append(w.cmd.Args, "--cpuprofile", profile)
	}
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := w.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if r, err := http.Get("http://" + w.http + "/readyz"); err == nil {
			_ = r.Body.Close() // only the status counts
			if r.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(end) {
			w.stop()
			b.Fatal("not ready within a minute")
		}
	}
	rows := "tenant,patient,group,device,token\n"
	for i := range devices {
		rows += fmt.Sprintf("bench,P-%04d,news2,bench-%03d,token-%03d-0123456789\n", i, i, i)
	}
	file := filepath.Join(w.data, "people.csv")
	write(b, file, rows)
	if out, err := exec.Command(bin, "import", file, "--data", w.data).CombinedOutput(); err != nil {
		w.stop()
		b.Fatalf("import: %v\n%s", err, out)
	}
	return w
}

func (w *whole) stop() {
	_ = w.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	_ = w.cmd.Wait()
}

func (w *whole) publish(b *testing.B, i, n, inFlight int, acked *atomic.Int64) {
	device := fmt.Sprintf("bench-%03d", i)
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + w.mqtt).SetClientID(device).SetUsername(device).SetPassword(fmt.Sprintf("token-%03d-0123456789", i)))
	if t := c.Connect(); !t.WaitTimeout(20*time.Second) || t.Error() != nil {
		b.Errorf("%s: connect: %v", device, t.Error())
		return
	}
	defer c.Disconnect(100)
	window := make(chan mqtt.Token, inFlight)
	var wg sync.WaitGroup
	wg.Go(func() {
		for t := range window {
			if t.WaitTimeout(30*time.Second) && t.Error() == nil {
				acked.Add(1)
			}
		}
	})
	for seq := range n {
		at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		body := fmt.Sprintf(`{"v":1,"msg_id":"%s/1/%06d","boot_id":1,"seq":%d,"t_meas":"%s","t_dev_now":"%s","clock":{"source":"utc","synced":true,"timeline":"current"},"obs":[{"mdc":150456,"v":%d,"u":"%%","q":"ok"},{"mdc":149530,"v":%d,"u":"/min","q":"ok"}]}`,
			device, seq, seq, at, at, 96+seq%3, 70+seq%9)
		window <- c.Publish("v1/bench/"+device+"/obs", 1, false, body)
	}
	close(window)
	wg.Wait()
}

// settled waits until everything that is in the log has been folded.
func (w *whole) settled(b *testing.B) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r, err := http.Get("http://" + w.http + "/metrics")
		if err != nil {
			continue
		}
		text := make([]byte, 1<<20)
		n := 0
		for {
			k, err := r.Body.Read(text[n:])
			if n += k; err != nil || n == len(text) {
				break
			}
		}
		_ = r.Body.Close() // it was read to its end
		behind := 0.0
		for _, line := range strings.Split(string(text[:n]), "\n") {
			if strings.HasPrefix(line, "tocsin_streams_lag_records{") {
				v, _ := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
				behind += v
			}
		}
		if behind < 10 {
			return
		}
	}
	b.Error("not everything was folded within a minute")
}

// cpu answers the processor time that the process has taken: fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms.
func (w *whole) cpu(b *testing.B) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

func port(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func write(b *testing.B, path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}
