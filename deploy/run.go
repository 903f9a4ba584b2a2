package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tocsin/desk"
)

// runFile says where a running Tocsin is to be found, and how the operator of this machine proves himself to it.
const runFile = "run.json"

// lastRunFile is the run.json of the time before, from when `up` stops until it stands again.
const lastRunFile = "run.json.last"

// Running is what lies in DIR/run.json, mode 0600.
type Running struct {
	Version  string         `json:"version"`
	PIDs     map[string]int `json:"pids"` // role to process
	HTTP     string         `json:"http,omitempty"`
	MQTT     string         `json:"mqtt,omitempty"`
	HTTPCert string         `json:"http_cert,omitempty"` // file of the certificate that HTTP shows; empty: it is without TLS
	MQTTS    string         `json:"mqtts,omitempty"`
	MQTTCert string         `json:"mqtt_cert,omitempty"` // the same of MQTTS
	Kafka    string         `json:"kafka,omitempty"`     // brokers, separated by commas
	// LogSecurity is how the brokers are spoken to; the files that it names are read by whoever may. nil: without TLS and SASL.
	LogSecurity *LogSecurity `json:"log_security,omitempty"`
	Engine      string       `json:"engine,omitempty"`
	HistoryDSN  string       `json:"history_dsn,omitempty"`
	HistoryCA   string       `json:"history_ca,omitempty"` // file of whom to trust there, when it is not the system's
	Token       string       `json:"token,omitempty"`      // bearer token with the role administrator
	Demo        bool         `json:"demo,omitempty"`
	Whole       bool         `json:"whole,omitempty"` // written by `up`, which holds its lock as long as it lives
}

// desk answers the desk's address and how it is reached from this machine: whoever may read run.json knows its certificate, so
// that no name needs to be in it.
func (r Running) desk() (url string, client *http.Client, err error) {
	if r.HTTPCert == "" {
		return "http://" + r.HTTP, http.DefaultClient, nil
	}
	trust, err := trusting(r.HTTPCert)
	if err != nil {
		return "", nil, err
	}
	return "https://" + r.HTTP, &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}, nil
}

// post asks the desk of this machine for something, and answers what it says when it grants it; what it refuses is the error. The
// caller closes the body.
func (r Running) post(ctx context.Context, path, token, kind string, body io.Reader) (*http.Response, error) {
	at, client, err := r.desk()
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, at+path, body)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", kind)
	resp, err := client.Do(q)
	if err != nil {
		return nil, fmt.Errorf("the desk at %s: %w", r.HTTP, errors.Join(context.Cause(ctx), err))
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var p desk.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.En == "" {
		return nil, fmt.Errorf("the desk at %s answered %s", r.HTTP, resp.Status)
	}
	return nil, errors.New(p.En)
}

// door answers the MQTT door's address, and the file of the certificate that it shows; empty: it is without TLS.
func (r Running) door() (url, cert string) {
	if r.MQTT == "" && r.MQTTS != "" {
		return "ssl://" + r.MQTTS, r.MQTTCert
	}
	return "tcp://" + r.MQTT, ""
}

// readRunning reads the run.json of a data folder.
func readRunning(data string) (Running, error) {
	return readRunFile(data, runFile)
}

// lastRunning answers what run.json said the time before; nothing when there was none.
func lastRunning(data string) Running {
	r, err := readRunFile(data, runFile)
	if err != nil {
		r, err = readRunFile(data, lastRunFile)
	}
	if err != nil {
		return Running{}
	}
	return r
}

func readRunFile(data, file string) (Running, error) {
	var r Running
	b, err := os.ReadFile(filepath.Join(data, file))
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("no Tocsin runs on %s: there is no %s; start one with `tocsin up --data %s`, or name its addresses (--http, --kafka)", data, runFile, data)
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", filepath.Join(data, file), err)
	}
	return r, nil
}

// retire puts run.json aside: where that Tocsin listened is no longer true, and somebody else may listen there next.
func retire(data string) error {
	err := os.Rename(filepath.Join(data, runFile), filepath.Join(data, lastRunFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// alive tells whether the Tocsin that wrote run.json still runs, as far as that can be told: `up` holds a lock as long
// as it lives, however it ends. Without this, a command on the folder of one that was killed would change whatever
// Tocsin listens at its old address now.
func (r Running) alive(data string) error {
	if !r.Whole {
		return nil // parts come and go
	}
	f, err := os.Open(filepath.Join(data, upLock))
	if err != nil {
		return nil // nothing can be told
	}
	defer func() { _ = f.Close() }()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil {
		return nil
	}
	return fmt.Errorf("the Tocsin of %s runs no more, and ended without a word; start it again with `tocsin up --data %s`, or name the address of its log with --kafka", data, data)
}

// writeRunning changes run.json under a lock, since with `serve` several processes write it, and replaces it at once,
// so that nobody reads half of it.
func writeRunning(data string, change func(*Running)) (err error) {
	lock, err := lockFile(filepath.Join(data, runFile+".lock"), true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	r, err := readRunning(data)
	if err != nil {
		r = Running{} // none yet, or unreadable: it is written anew
	}
	change(&r)
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(data, runFile), append(b, '\n'))
}

// replaceFile writes a file that only its owner may read, and puts it in its place once it is whole and on the disk.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// errLocked: another process holds the lock.
var errLocked = errors.New("locked")

// lockFile takes an advisory lock, which ends with the process however it ends. wait: wait for it.
func lockFile(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// upLock is held by `up`.
const upLock = "up.lock"

// lockWait is how long a start waits for the lock: a command may be looking at it, and one that was killed may not be
// gone yet.
const lockWait = time.Second

// lockData holds the data folder for this process. Two logs in one folder would be the end of both.
func lockData(data string) (*os.File, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f, err := lockFile(filepath.Join(data, upLock), false)
	for end := time.Now().Add(lockWait); errors.Is(err, errLocked) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		f, err = lockFile(filepath.Join(data, upLock), false)
	}
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("another tocsin runs on %s already; stop it, or give this one another folder with --data", data)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return f, nil
}

func processID() int { return os.Getpid() }

func joined(list []string) string { return strings.Join(list, ", ") }
