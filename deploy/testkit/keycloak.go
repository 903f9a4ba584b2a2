package testkit

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keycloakVersion is the Keycloak that the tests run against.
const keycloakVersion = "26.7.3"

var partKeycloak = part{"Keycloak", "install a JDK 17 and Maven, then run: make keycloak"}

// FetchKeycloak makes sure that Keycloak lies in .cache/keycloak, built for a database in memory, and answers its folder. Maven brings
// it once (177 MB); the build takes half a minute of CPU, and makes each start quicker.
func FetchKeycloak(ctx context.Context) (home string, err error) {
	home, err = keycloakHome()
	if err != nil {
		return "", err
	}
	cache := filepath.Dir(home)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(cache, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(builtMark(home)); err == nil {
		return home, nil
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", err
	}
	if err := os.RemoveAll(home); err != nil {
		return "", err
	}
	copied := exec.CommandContext(ctx, mvn, "-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
		"-Dartifact=org.keycloak:keycloak-quarkus-dist:"+keycloakVersion+":zip", "-DoutputDirectory="+cache)
	if out, err := copied.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %w\n%s", errFetch, err, out)
	}
	packed := filepath.Join(cache, "keycloak-quarkus-dist-"+keycloakVersion+".zip")
	if err := errors.Join(unpack(packed, cache), os.Remove(packed)); err != nil {
		return "", fmt.Errorf("unpack Keycloak: %w", err)
	}
	built := exec.CommandContext(ctx, filepath.Join(home, "bin", "kc.sh"), "build", "--db=dev-mem")
	if out, err := built.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build Keycloak: %w\n%s", err, out)
	}
	return home, os.WriteFile(builtMark(home), nil, 0o644)
}

func keycloakHome() (string, error) {
	root, err := Root()
	if err != nil {
		return "", fmt.Errorf("find the repository's folder: %w", err)
	}
	return filepath.Join(root, ".cache", "keycloak", "keycloak-"+keycloakVersion), nil
}

func builtMark(home string) string { return filepath.Join(home, "built-for-tests") }

// unpack writes a zip's files below dir, which it may not leave.
func unpack(file, dir string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("%s lies elsewhere", f.Name)
		}
		if f.FileInfo().IsDir() {
			continue
		}
		if err := unpackOne(f, filepath.Join(dir, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

func unpackOne(f *zip.File, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// KeycloakServer is a Keycloak on loopback that keeps everything in memory.
type KeycloakServer struct {
	url     string
	server  *server
	release func() error
}

// The first administrator of each server.
const keycloakAdmin, keycloakPassword = "admin", "of-a-test"

// Keycloak starts a server for one test and takes it away at the test's end. It is not fetched here: `make keycloak` does.
func Keycloak(t testing.TB) *KeycloakServer {
	t.Helper()
	home, err := keycloakHome()
	if err == nil {
		_, err = os.Stat(builtMark(home))
	}
	if err == nil {
		_, err = exec.LookPath("java")
	}
	if err != nil {
		partKeycloak.absent(t, err)
	}
	k, err := startKeycloak(home)
	if err != nil {
		t.Fatalf("start Keycloak: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(k.server.kill(), k.release()); err != nil {
			t.Errorf("take Keycloak away: %v", err)
		}
	})
	return k
}

func startKeycloak(home string) (*KeycloakServer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tocsin-keycloak-*")
	if err != nil {
		return nil, err
	}
	release, err := janitor(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// localhost is another site than 127.0.0.1, as the provider of a hospital may be another than its desk.
	k := &KeycloakServer{url: "http://localhost:" + strconv.Itoa(port), release: release}
	// Java itself and not kc.sh, which leaves it running when it is killed.
	k.server = &server{name: "keycloak", dir: dir, argv: []string{"env", "KC_BOOTSTRAP_ADMIN_USERNAME=" + keycloakAdmin, "KC_BOOTSTRAP_ADMIN_PASSWORD=" + keycloakPassword,
		"java", "-Xms64m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.io.tmpdir=" + dir, "-Dkc.home.dir=" + home, "-Djboss.server.config.dir=" + filepath.Join(home, "conf"),
		"-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
		"-Djava.util.logging.manager=org.jboss.logmanager.LogManager", "-Dpicocli.disable.closures=true", "--add-opens=java.base/java.util=ALL-UNNAMED",
		"--add-opens=java.base/java.util.concurrent=ALL-UNNAMED", "--add-opens=java.base/java.security=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
		"-cp", filepath.Join(home, "lib", "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
		"start", "--optimized", "--cache=local", "--http-enabled=true", "--hostname-strict=false", "--http-host=127.0.0.1", "--http-port=" + strconv.Itoa(port)}}
	if err := k.Start(); err != nil {
		return nil, errors.Join(err, k.server.kill(), k.release())
	}
	return k, nil
}

// URL is the server's address, on localhost.
func (k *KeycloakServer) URL() string { return k.url }

// Start starts it and waits until it answers; nothing is left of what it knew before.
func (k *KeycloakServer) Start() error {
	if err := k.server.start(); err != nil {
		return err
	}
	return k.server.await(6*time.Minute, func() error {
		resp, err := http.Get(k.url + "/realms/master/.well-known/openid-configuration")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
}

// Stop ends it.
func (k *KeycloakServer) Stop() error { return k.server.end(syscall.SIGTERM, 30*time.Second) }

// Admin asks the administration's API for something; out may be nil.
func (k *KeycloakServer) Admin(t testing.TB, method, path string, in, out any) {
	t.Helper()
	var got struct {
		AccessToken string `json:"access_token"`
	}
	login := url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {keycloakAdmin}, "password": {keycloakPassword}}
	k.ask(t, "POST", k.url+"/realms/master/protocol/openid-connect/token", "application/x-www-form-urlencoded", "", []byte(login.Encode()), &got)
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			t.Fatal(err)
		}
	}
	k.ask(t, method, k.url+"/admin/realms"+path, "application/json", got.AccessToken, body, out)
}

func (k *KeycloakServer) ask(t testing.TB, method, at, kind, token string, body []byte, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("ask Keycloak: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		t.Fatalf("Keycloak: %s %s: %s %s %v", method, strings.TrimPrefix(at, k.url), resp.Status, text, err)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatalf("Keycloak: %v in %s", err, text)
		}
	}
}
