package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startWithin = 2 * time.Minute
	stopWithin  = 30 * time.Second
	lookAgain   = 200 * time.Millisecond
)

// tocsin is one that was started here, on free ports of loopback.
type tocsin struct {
	binary, data, url string
	said              *bytes.Buffer // read once it has ended
	cmd               *exec.Cmd
	ended             chan error
}

// start starts `tocsin up` and waits until it is ready.
func start(ctx context.Context, binary, data string, further ...string) (*tocsin, error) {
	t := &tocsin{binary: binary, data: data, said: &bytes.Buffer{}, ended: make(chan error, 1)}
	args := append([]string{"up", "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--kafka", "127.0.0.1:0"}, further...)
	t.cmd = exec.CommandContext(ctx, binary, args...)
	t.cmd.Stdout, t.cmd.Stderr = t.said, t.said
	t.cmd.Cancel = func() error { return t.cmd.Process.Signal(syscall.SIGTERM) }
	t.cmd.WaitDelay = stopWithin
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { t.ended <- t.cmd.Wait() }()
	err := t.until(ctx, func() error {
		b, err := os.ReadFile(filepath.Join(data, "run.json"))
		if err != nil {
			return err
		}
		var at struct{ HTTP string }
		if err := json.Unmarshal(b, &at); err != nil {
			return err
		}
		t.url = "http://" + at.HTTP
		return t.get(ctx, "/readyz", "", nil)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start tocsin: %w", err), t.stop())
	}
	return t, nil
}

// until tries until it goes well, tocsin has ended, or it has taken too long.
func (t *tocsin) until(ctx context.Context, try func() error) error {
	late := time.After(startWithin)
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case ended := <-t.ended:
			t.ended <- ended
			return fmt.Errorf("it ended: %w", errors.Join(ended, err))
		case <-late:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

// stop ends it in order, and tells what it printed when it did not end well.
func (t *tocsin) stop() error {
	_ = t.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-t.ended:
		if err != nil {
			return fmt.Errorf("tocsin ended with %w:\n%s", err, t.said)
		}
		return nil
	case <-time.After(stopWithin):
		return errors.Join(errors.New("tocsin does not stop"), t.cmd.Process.Kill())
	}
}

// well tells what is wrong with it: what it says of itself, the audit log, and every part.
func (t *tocsin) well(ctx context.Context) error {
	err := t.until(ctx, func() error { return t.get(ctx, "/readyz", "", nil) })
	for _, args := range [][]string{{"audit", "verify"}, {"audit", "watch", "--once"}, {"doctor"}} {
		err = errors.Join(err, t.until(ctx, func() error { // doctor tells what the watchdog was made to say for a minute
			out, failed := t.command(ctx, args...)
			if failed != nil {
				return fmt.Errorf("tocsin %s: %w\n%s", strings.Join(args, " "), failed, out)
			}
			return nil
		}))
	}
	return err
}

// command runs one command of the program on it and answers what it printed.
func (t *tocsin) command(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, t.binary, append(args, "--data", t.data)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// lastLine is command where the last line is what was asked for.
func (t *tocsin) lastLine(ctx context.Context, args ...string) (string, error) {
	out, err := t.command(ctx, args...)
	if err != nil {
		return "", fmt.Errorf("tocsin %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out[strings.LastIndexByte(out, '\n')+1:]), nil
}

// token answers a bearer token of a role.
func (t *tocsin) token(ctx context.Context, role string) (string, error) {
	return t.lastLine(ctx, "token", "create", "--role", role)
}

// watchdog answers the token of the watchdog that runs within.
func (t *tocsin) watchdog() (string, error) {
	b, err := os.ReadFile(filepath.Join(t.data, "watchdog.json"))
	if err != nil {
		return "", err
	}
	var w struct {
		Token string `json:"token"`
	}
	return w.Token, json.Unmarshal(b, &w)
}

// warnings answers the ids of those that are open, once there is one.
func (t *tocsin) warnings(ctx context.Context, token string) (ids []string, err error) {
	err = t.until(ctx, func() error {
		var list struct {
			Warnings []struct{ ID string }
		}
		if err := t.get(ctx, "/v1/warnings", token, &list); err != nil {
			return err
		}
		for _, w := range list.Warnings {
			ids = append(ids, w.ID)
		}
		if len(ids) == 0 {
			return errors.New("no warning of the simulated ward stands on the desk")
		}
		return nil
	})
	return ids, err
}

// signIn makes an account that sees one group, with a password of its own, and answers the cookie of a session.
func (t *tocsin) signIn(ctx context.Context, account, role, group string) (string, error) {
	once, err := t.lastLine(ctx, "account", "set", account, "--role", role, "--group", group)
	if err != nil {
		return "", err
	}
	var cookie string
	err = t.until(ctx, func() error {
		cookie, err = t.post(ctx, "/v1/session", "", map[string]string{"account": account, "password": once})
		return err
	})
	if err != nil {
		return "", err
	}
	return t.post(ctx, "/v1/session/password", cookie, map[string]string{"current": once, "new": "own words of " + account})
}

// post answers the cookie that the desk sets.
func (t *tocsin) post(ctx context.Context, path, cookie string, body any) (string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+path, bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("POST %s: %s", path, resp.Status)
	}
	set, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	return set, nil
}

func (t *tocsin) get(ctx context.Context, path, token string, into any) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+path, nil)
	if err != nil {
		return err
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
