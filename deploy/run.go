package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// runFile says where a running Tocsin is to be found, and how the operator of this machine proves himself to it.
const runFile = "run.json"

// lastRunFile is the run.json of the time before, while `up` starts.
const lastRunFile = "run.json.last"

// Running is what lies in DIR/run.json, mode 0600.
type Running struct {
	Version    string         `json:"version"`
	PIDs       map[string]int `json:"pids"` // role to process
	HTTP       string         `json:"http,omitempty"`
	MQTT       string         `json:"mqtt,omitempty"`
	Kafka      string         `json:"kafka,omitempty"` // brokers, separated by commas
	Engine     string         `json:"engine,omitempty"`
	HistoryDSN string         `json:"history_dsn,omitempty"`
	Token      string         `json:"token,omitempty"` // bearer token with the role administrator
	Demo       bool           `json:"demo,omitempty"`
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
		return r, fmt.Errorf("no Tocsin has run on %s: there is no %s; start one with `tocsin up --data %s`, or name its addresses (--http, --kafka)", data, runFile, data)
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", filepath.Join(data, file), err)
	}
	return r, nil
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

// lockData holds the data folder for this process. Two logs in one folder would be the end of both.
func lockData(data, what string) (*os.File, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f, err := lockFile(filepath.Join(data, what+".lock"), false)
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
