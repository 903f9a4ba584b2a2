// Package testkit gives tests the real servers that Tocsin stands beside in a hospital: Apache Kafka,
// Mosquitto, the ClickHouse engine, and kcat as a reader that nobody here wrote.
//
// Each server has its own ports on loopback, its own folder, and ends with its test; when the test
// process is killed, a watcher ends the server and removes the folder all the same (see janitor).
//
// A part that cannot be had skips the test with one line that says how to get it. With TOCSIN_REQUIRE=1,
// as in .ci/run, it fails the test instead: there a missing part is a fault and not an excuse.
package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// part is something that this repository cannot bring along, and how to get it.
type part struct{ name, get string }

var (
	partKafka     = part{"Apache Kafka", "install a JDK 17 and Maven, then run: make kafka"}
	partMosquitto = part{"Mosquitto", "apt-get install mosquitto mosquitto-clients"}
	partKcat      = part{"kcat", "apt-get install kcat"}
	partEngine    = part{"ClickHouse engine", "run: make engine (needs npm)"}
)

// absent ends the test that needs p: skipped, or failed where parts are required. It also leaves a note
// in .cache/missing, from which `make test` tells in its last line what could not be had.
func (p part) absent(t testing.TB, why error) {
	t.Helper()
	if root, err := Root(); err == nil {
		dir := filepath.Join(root, ".cache", "missing")
		if err := os.MkdirAll(dir, 0o755); err == nil {
			// The note serves the closing line only; the skip or failure below stands without it.
			_ = os.WriteFile(filepath.Join(dir, p.name), []byte(p.get+"\n"), 0o644)
		}
	}
	if os.Getenv("TOCSIN_REQUIRE") == "1" {
		t.Fatalf("%s is required (TOCSIN_REQUIRE=1) and cannot be had: %v; to get it: %s", p.name, why, p.get)
	}
	t.Skipf("%s cannot be had: %v; to get it: %s", p.name, why, p.get)
}

// Root is the top folder of the repository: the nearest folder upward that holds go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", os.ErrNotExist
		}
		dir = up
	}
}

// Kcat is the path of kcat, the command-line Kafka client over librdkafka.
func Kcat(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("kcat")
	if err != nil {
		partKcat.absent(t, err)
	}
	return path
}

// Engine is the path of libchdb.so: TOCSIN_ENGINE, or bin/engine/libchdb.so as `make engine` leaves it.
func Engine(t testing.TB) string {
	t.Helper()
	path := os.Getenv("TOCSIN_ENGINE")
	if path == "" {
		root, err := Root()
		if err != nil {
			t.Fatalf("find the repository's folder: %v", err)
		}
		path = filepath.Join(root, "bin", "engine", "libchdb.so")
	}
	if _, err := os.Stat(path); err != nil {
		partEngine.absent(t, err)
	}
	return path
}
