package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// device is a home device that does what a good one does: it sends a reading until it has a PUBACK, and then the next.
type device struct {
	id, token, addr string
	grave           *atomic.Bool

	mu    sync.Mutex
	acked []string
	seq   int
}

const tenant = "chaos"

func devices(t *testing.T, w *tree, n int) ([]*device, *atomic.Bool) {
	t.Helper()
	grave := &atomic.Bool{}
	rows := "tenant,patient,group,device,token\n"
	var all []*device
	for i := range n {
		d := &device{id: fmt.Sprintf("chaos-d%03d", i), token: fmt.Sprintf("secret-%03d-0123456789", i), addr: "tcp://" + w.mqtt, grave: grave}
		rows += fmt.Sprintf("%s,P-%04d,news2,%s,%s\n", tenant, i, d.id, d.token)
		all = append(all, d)
	}
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := w.command(ctx, "import", file); err != nil {
		t.Fatalf("import: %v\n%s\n%s", err, out, w.said())
	}
	return all, grave
}

// run sends until ctx ends.
func (d *device) run(ctx context.Context, every time.Duration) {
	for ctx.Err() == nil {
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(d.addr).SetClientID(d.id).SetUsername(d.id).SetPassword(d.token).
			SetAutoReconnect(false).SetConnectTimeout(2 * time.Second).SetWriteTimeout(2 * time.Second))
		if t := c.Connect(); !t.WaitTimeout(3*time.Second) || t.Error() != nil {
			c.Disconnect(0)
			wait(ctx, 200*time.Millisecond)
			continue
		}
		for ctx.Err() == nil && d.send(c) {
			wait(ctx, every)
		}
		c.Disconnect(0)
	}
}

// send sends the reading whose turn it is and tells whether it was acknowledged; if not, the same is sent again.
func (d *device) send(c mqtt.Client) bool {
	spo2 := 97
	if d.grave.Load() {
		spo2 = 84
	}
	id := fmt.Sprintf("%s/%d", d.id, d.seq)
	at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	body := fmt.Sprintf(`{"v":1,"msg_id":%q,"boot_id":1,"seq":%d,"t_meas":%q,"t_dev_now":%q,"clock":{"source":"utc","synced":true,"timeline":"current"},"obs":[{"mdc":150456,"v":%d,"u":"%%","q":"ok"},{"mdc":149530,"v":72,"u":"/min","q":"ok"}]}`, id, d.seq, at, at, spo2)
	t := c.Publish("v1/"+tenant+"/"+d.id+"/obs", 1, false, body)
	if !t.WaitTimeout(5*time.Second) || t.Error() != nil {
		return false
	}
	d.mu.Lock()
	d.acked = append(d.acked, id)
	d.mu.Unlock()
	d.seq++
	return true
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// load is all devices sending.
type load struct {
	devices []*device
	grave   *atomic.Bool
	stop    context.CancelFunc
	wg      sync.WaitGroup
}

func startLoad(t *testing.T, w *tree, n int, every time.Duration) *load {
	all, grave := devices(t, w, n)
	ctx, stop := context.WithCancel(t.Context())
	l := &load{devices: all, grave: grave, stop: stop}
	for _, d := range all {
		l.wg.Go(func() { d.run(ctx, every) })
	}
	return l
}

func (l *load) acked() (all []string) {
	for _, d := range l.devices {
		d.mu.Lock()
		all = append(all, d.acked...)
		d.mu.Unlock()
	}
	return all
}
