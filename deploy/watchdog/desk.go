package watchdog

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// desk is one desk server as a browser knows it: its live stream, and clicks.
type desk struct {
	url    string
	token  string
	client *http.Client

	mu      sync.Mutex
	gone    error                         // why it is not there; nil: it is
	open    map[string]map[string]warning // by patient and id
	parts   map[int32]time.Duration       // how old what it shows of each partition is
	changed chan struct{}
}

// warning is what is looked at of one.
type warning struct {
	ID       string `json:"id"`
	Tenant   string `json:"tenant"`
	Patient  string `json:"patient"`
	State    string `json:"state"`
	Severity string `json:"severity"`
	Reasons  []struct {
		Reading string `json:"reading"`
	} `json:"reasons"`
}

// status is what is looked at of a desk's own.
type status struct {
	Partitions []struct {
		Partition int32 `json:"partition"`
		AgeMs     int64 `json:"age_ms"`
	} `json:"partitions"`
}

const (
	quietFor  = 10 * time.Second // a stream says its status every two seconds
	deskAgain = time.Second
	clickIn   = 10 * time.Second
	maxLine   = 8 << 20
)

func newDesk(url, token string, client *http.Client) *desk {
	return &desk{url: strings.TrimRight(url, "/"), token: token, client: client, gone: errors.New("not reached yet"),
		open: map[string]map[string]warning{}, parts: map[int32]time.Duration{}, changed: make(chan struct{})}
}

// follow keeps the stream open until ctx ends. After a break it begins with everything that is open.
func (d *desk) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := d.stream(ctx)
		d.change(func() { d.gone = err })
		pause(ctx, deskAgain)
	}
}

// stream reads until it breaks or says nothing any more, and answers why.
func (d *desk) stream(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	quiet := time.AfterFunc(quietFor, func() { stop(errors.New("its stream says nothing any more")) })
	defer quiet.Stop()
	resp, err := d.ask(ctx, http.MethodGet, "/v1/stream", "", nil)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxLine)
	name := ""
	for lines.Scan() {
		quiet.Reset(quietFor)
		switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
		case "event":
			name = value
		case "data":
			if err := d.heard(name, []byte(value)); err != nil {
				return fmt.Errorf("its stream cannot be read: %w", err)
			}
		}
	}
	return cmp.Or(context.Cause(ctx), lines.Err(), io.ErrUnexpectedEOF)
}

// heard takes in one message.
func (d *desk) heard(name string, data []byte) error {
	switch name {
	case "snapshot":
		var all struct {
			Warnings []warning `json:"warnings"`
			Status   status    `json:"status"`
		}
		if err := json.Unmarshal(data, &all); err != nil {
			return err
		}
		d.change(func() {
			d.gone, d.open = nil, map[string]map[string]warning{}
			for _, w := range all.Warnings {
				d.put(w)
			}
			d.aged(all.Status)
		})
	case "warning":
		var one warning
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		d.change(func() { d.put(one) })
	case "status":
		var is status
		if err := json.Unmarshal(data, &is); err != nil {
			return err
		}
		d.change(func() { d.aged(is) })
	}
	return nil
}

// change alters what is known and wakes who waits for it.
func (d *desk) change(how func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	how()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *desk) put(w warning) {
	key := w.Tenant + "/" + w.Patient
	if w.State == "closed" {
		delete(d.open[key], w.ID)
		return
	}
	if d.open[key] == nil {
		d.open[key] = map[string]warning{}
	}
	d.open[key][w.ID] = w
}

func (d *desk) aged(s status) {
	for _, p := range s.Partitions {
		d.parts[p.Partition] = time.Duration(p.AgeMs) * time.Millisecond
	}
}

// of answers what is open of a patient. The caller holds the lock.
func (d *desk) of(p Patient) (open []warning) {
	for _, w := range d.open[p.Tenant+"/"+p.Patient] {
		open = append(open, w)
	}
	return open
}

// await waits until what is open of a patient is as it should be, and tells whether it became so.
func (d *desk) await(ctx context.Context, p Patient, is func(open []warning) bool) bool {
	for {
		d.mu.Lock()
		ok, changed := d.gone == nil && is(d.of(p)), d.changed
		d.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// away answers why the desk is not there; nil: it is.
func (d *desk) away() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.gone
}

// behind tells whether the desk itself says that a partition lags.
func (d *desk) behind(partition int32, by time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.parts[partition] > by
}

// closeAll takes and closes every warning that is open of a patient, and waits until the stream says so. key is new for each
// try: a repeated click is given its first answer, and what a life before has taken may have come back since.
func (d *desk) closeAll(ctx context.Context, p Patient, key string) error {
	d.mu.Lock()
	open := d.of(p)
	d.mu.Unlock()
	for _, w := range open {
		if err := d.click(ctx, w.ID, "accept", key, `{"desk":"watchdog"}`); err != nil {
			return err
		}
		if err := d.click(ctx, w.ID, "close", key, `{"desk":"watchdog","outcome":"technical","done":"made-up patient: the watchdog has seen it"}`); err != nil {
			return err
		}
	}
	if !d.await(ctx, p, func(open []warning) bool { return len(open) == 0 }) {
		return errNoAnswer
	}
	return nil
}

func (d *desk) click(ctx context.Context, id, verb, key, body string) error {
	ctx, stop := context.WithTimeout(ctx, clickIn)
	defer stop()
	resp, err := d.ask(ctx, http.MethodPost, "/v1/warnings/"+id+"/"+verb, key, []byte(body))
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return resp.Body.Close()
}

// ask sends a request as whoever is signed in, and answers what was granted.
func (d *desk) ask(ctx context.Context, method, path, key string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+d.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	why, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) // for the words alone
	return nil, errors.Join(fmt.Errorf("it answered %s: %s", resp.Status, bytes.TrimSpace(why)), resp.Body.Close())
}

// tellEvery is how often a desk hears what is missed: it forgets it after a minute.
const tellEvery = 10 * time.Second

// tellDesk tells one desk what concerns it. A desk that does not hear it misses the warnings by itself.
func (w *Watchdog) tellDesk(ctx context.Context, d *desk) {
	for {
		faults, changed := w.standing()
		about := []map[string]any{}
		for _, f := range faults {
			if f.Desk == "" || f.Desk == d.url {
				about = append(about, map[string]any{"partition": f.Partition, "missing": f.Missing, "since": f.Since.UTC().Format("2006-01-02T15:04:05.000Z")})
			}
		}
		if body, err := json.Marshal(map[string]any{"faults": about}); err == nil {
			short, stop := context.WithTimeout(ctx, clickIn)
			if resp, err := d.ask(short, http.MethodPut, "/v1/watchdog", "", body); err == nil {
				_ = resp.Body.Close()
			}
			stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(tellEvery):
		}
	}
}
