package testkit

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// MosquittoOptions add lines to the broker's configuration, as mosquitto.conf(5) has them.
type MosquittoOptions struct {
	Extra []string
}

// MosquittoServer is Eclipse Mosquitto with one listener on loopback, anonymous clients, and sessions
// that are kept in its folder over a stop.
type MosquittoServer struct {
	addr    string
	server  *server
	release func() error
}

// Mosquitto starts a broker for one test and takes it away at the test's end.
//
// The limits of messages in flight and queued for a client are lifted, or a bridge that acknowledges
// only after the log is held to 20 messages and loses what queues up behind it.
func Mosquitto(t testing.TB, o MosquittoOptions) *MosquittoServer {
	t.Helper()
	path, err := findMosquitto()
	if err != nil {
		partMosquitto.absent(t, err)
	}
	m, err := startMosquitto(path, o)
	if err != nil {
		t.Fatalf("start Mosquitto: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(m.Kill(), m.release()); err != nil {
			t.Errorf("take Mosquitto away: %v", err)
		}
	})
	return m
}

// findMosquitto looks in /usr/sbin too, where Debian puts it and where a user's PATH seldom looks.
func findMosquitto() (string, error) {
	path, err := exec.LookPath("mosquitto")
	if err == nil {
		return path, nil
	}
	if p, err := exec.LookPath("/usr/sbin/mosquitto"); err == nil {
		return p, nil
	}
	return "", err
}

func startMosquitto(path string, o MosquittoOptions) (*MosquittoServer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tocsin-mosquitto-*")
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(conf, []byte(mosquittoConf(dir, port, o)), 0o644); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	release, err := janitor(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	m := &MosquittoServer{
		addr:    net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		server:  &server{name: "mosquitto", dir: dir, argv: []string{path, "-c", conf}},
		release: release,
	}
	if err := m.Start(); err != nil {
		return nil, errors.Join(err, m.Kill(), release())
	}
	return m, nil
}

func mosquittoConf(dir string, port int, o MosquittoOptions) string {
	lines := []string{
		fmt.Sprintf("listener %d 127.0.0.1", port),
		"allow_anonymous true",
		"persistence true",
		"persistence_location " + dir + "/",
		"autosave_interval 1",
		"max_inflight_messages 0",
		"max_queued_messages 0",
		"set_tcp_nodelay true",
		"log_type error",
		"log_type warning",
		"log_type notice",
	}
	if os.Geteuid() == 0 {
		lines = append(lines, "user root") // or it would lay down its rights and not find its folder
	}
	return strings.Join(append(lines, o.Extra...), "\n") + "\n"
}

// Addr is host:port for MQTT.
func (m *MosquittoServer) Addr() string { return m.addr }

// Start starts a broker that was stopped or killed, on its old folder and address.
func (m *MosquittoServer) Start() error {
	if err := m.server.start(); err != nil {
		return err
	}
	return m.server.await(20*time.Second, func() error {
		c, err := net.DialTimeout("tcp", m.addr, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// Stop ends the broker in order: sessions and queued messages are saved.
func (m *MosquittoServer) Stop() error { return m.server.stop() }

// Kill ends the broker with SIGKILL; it comes back with what its last save held.
func (m *MosquittoServer) Kill() error { return m.server.kill() }

// Pause stops the broker as it is (SIGSTOP); Resume lets it go on.
func (m *MosquittoServer) Pause() error { return m.server.signal(syscall.SIGSTOP) }

// Resume lets a paused broker go on (SIGCONT).
func (m *MosquittoServer) Resume() error { return m.server.signal(syscall.SIGCONT) }
