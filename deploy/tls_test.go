package deploy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/deploy/embedded/engine/enginetest"
	"tocsin/deploy/testkit"
	"tocsin/streams"
	"tocsin/streams/history"
	"tocsin/streams/kafka"
	"tocsin/streams/witness"
)

// authority signs certificates of a test.
type authority struct {
	t      *testing.T
	dir    string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.sign("ca", pkix.Name{CommonName: "authority of a test"})
	return a
}

// sign writes NAME.pem and NAME.key, for names and for loopback, and answers where.
func (a *authority) sign(name string, subject pkix.Name, names ...string) TLSFiles {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.serial++
	c := &x509.Certificate{SerialNumber: big.NewInt(a.serial), Subject: subject, DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	by, with := a.cert, a.key
	if a.cert == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		by, with, a.key = c, key, key
	}
	if len(names) > 0 {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.cert == nil {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			a.t.Fatal(err)
		}
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	f := TLSFiles{filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")}
	a.write(f.CertFile, "CERTIFICATE", der)
	a.write(f.KeyFile, "PRIVATE KEY", secret)
	return f
}

func (a *authority) write(file, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) file() string { return filepath.Join(a.dir, "ca.pem") }

// client answers how a client of the test trusts this authority, with a certificate of its own if there is one.
func (a *authority) client(own TLSFiles) *tls.Config {
	a.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	c := &tls.Config{RootCAs: pool}
	if own.on() {
		pair, err := tls.LoadX509KeyPair(own.CertFile, own.KeyFile)
		if err != nil {
			a.t.Fatal(err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}

// secured is a hospital whose ports speak TLS alone.
func secured(t *testing.T, ca *authority, require bool) (*hospital, TLSFiles) {
	server := ca.sign("server", pkix.Name{CommonName: "tocsin"}, "desk.example")
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.HTTP.TLS = server
	cfg.MQTT = MQTTConfig{Listen: off, TLS: MQTTTLS{Listen: "127.0.0.1:0", CertFile: server.CertFile, KeyFile: server.KeyFile, ClientCAFile: ca.file(), Require: require}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := &hospital{t: t, data: cfg.Data}
	app, err := New(t.Context(), cfg, io.Discard, quietLogger())
	if err != nil {
		t.Fatal(err)
	}
	h.app = app
	t.Cleanup(h.close)
	h.until("the doctor finds the desk", func() error {
		run, err := readRunning(h.data)
		if err != nil {
			return err
		}
		if f := deskFinding(t.Context(), run); !strings.HasPrefix(f.Found, "ready") {
			return fmt.Errorf("%+v", f)
		}
		return nil
	})
	return h, server
}

// comes tells whether a device is let in by TLS.
func (h *hospital) comes(c *tls.Config, device, token string) error {
	h.t.Helper()
	o := mqtt.NewClientOptions().AddBroker("ssl://" + h.app.run.MQTTS).SetClientID(device).SetUsername(device).SetPassword(token).SetTLSConfig(c).SetAutoReconnect(false).SetConnectTimeout(10 * time.Second)
	client := mqtt.NewClient(o)
	defer client.Disconnect(0)
	if t := client.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		return errors.Join(errors.New("refused"), t.Error())
	}
	h.publish(client, "t1", device, fmt.Sprint("m", time.Now().UnixNano()), spo2(95))
	return nil
}

// A device proves itself by its token or by a certificate of its name; one of another name, or of nobody's, keeps it out.
func TestING12_DevicesProveThemselvesByCertificate(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	h, _ := secured(t, ca, false)
	h.enrol("t1,P-0113,copd,d1,secret\nt1,P-0114,copd,d2,secret\nt1,P-0115,copd,d3,secret\n")
	byCN, bySAN := ca.sign("d1", pkix.Name{CommonName: "d1"}), ca.sign("d2", pkix.Name{CommonName: "an oximeter"}, "d2")
	for name, c := range map[string]struct {
		tls           *tls.Config
		device, token string
		in            bool
	}{
		"a token over TLS":                        {ca.client(TLSFiles{}), "d1", "secret", true},
		"a wrong token":                           {ca.client(TLSFiles{}), "d1", "guess", false},
		"no token":                                {ca.client(TLSFiles{}), "d1", "", false},
		"a certificate by its common name":        {ca.client(byCN), "d1", "", true},
		"a certificate by its DNS name":           {ca.client(bySAN), "d2", "", true},
		"a certificate of another, and the token": {ca.client(byCN), "d3", "secret", false},
		"a certificate that a stranger signed":    {&tls.Config{RootCAs: ca.client(TLSFiles{}).RootCAs, Certificates: stranger.client(stranger.sign("d1", pkix.Name{CommonName: "d1"})).Certificates}, "d1", "secret", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := h.comes(c.tls, c.device, c.token); (err == nil) != c.in {
				t.Errorf("%v", err)
			}
		})
	}
	h.tocsin("revoke", "d1")
	h.until("a revoked device is out, whatever its certificate", func() error {
		if h.comes(ca.client(byCN), "d1", "") == nil {
			return fmt.Errorf("it is let in")
		}
		return nil
	})
}

// Where certificates are required nobody comes in without one.
func TestING12_ACertificateMayBeRequired(t *testing.T) {
	ca := newAuthority(t)
	h, _ := secured(t, ca, true)
	h.enrol("t1,P-0113,copd,d1,secret\n")
	if err := h.comes(ca.client(TLSFiles{}), "d1", "secret"); err == nil {
		t.Error("a token alone lets it in")
	}
	if err := h.comes(ca.client(ca.sign("d1", pkix.Name{CommonName: "d1"})), "d1", ""); err != nil {
		t.Error(err)
	}
}

// The desk speaks HTTPS alone, tells browsers to stay with it, and shows a renewed certificate without a restart; one that
// cannot be read changes nothing. The watchdog and the commands that go by the desk find their way over TLS too.
func TestSEC1_TheDeskSpeaksHTTPS(t *testing.T) {
	ca := newAuthority(t)
	h, files := secured(t, ca, false)
	get := func() *http.Response {
		t.Helper()
		tr := &http.Transport{TLSClientConfig: ca.client(TLSFiles{}), DisableKeepAlives: true, ForceAttemptHTTP2: true}
		resp, err := (&http.Client{Transport: tr}).Get("https://" + h.app.run.HTTP + "/v1/session")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	first := get()
	if first.Header.Get("Strict-Transport-Security") == "" || first.ProtoMajor != 2 || first.TLS.Version < tls.VersionTLS12 {
		t.Errorf("it answers %+v", first)
	}
	resp, err := http.Post("http://"+h.app.run.HTTP+"/v1/session", "application/json", strings.NewReader(`{"account":"lead","password":"x"}`))
	if err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode/100 == 2 {
			t.Errorf("it answers without TLS: %s", resp.Status)
		}
	}
	tr := &http.Transport{TLSClientConfig: ca.client(TLSFiles{})}
	body := fmt.Sprintf(`{"account":"lead","password":%q}`, h.app.password)
	resp, err = (&http.Client{Transport: tr}).Post("https://"+h.app.run.HTTP+"/v1/session", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if cookies := resp.Cookies(); len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly {
		t.Errorf("%s, cookies %+v", resp.Status, cookies)
	}

	was := first.TLS.PeerCertificates[0].SerialNumber
	ca.sign("server", pkix.Name{CommonName: "tocsin"}, "desk.example")
	h.until("the renewed certificate", func() error {
		if now := get().TLS.PeerCertificates[0].SerialNumber; now.Cmp(was) == 0 {
			return fmt.Errorf("it shows %s still", now)
		}
		return nil
	})
	renewed := get().TLS.PeerCertificates[0].SerialNumber
	good, err := os.ReadFile(files.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files.CertFile, []byte("half a certif"), 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(2 * filesEvery); time.Now().Before(end); {
		if now := get().TLS.PeerCertificates[0].SerialNumber; now.Cmp(renewed) != 0 {
			t.Fatalf("it shows %s", now)
		}
	}
	if err := os.WriteFile(files.CertFile, good, 0o600); err != nil {
		t.Fatal(err)
	}

	people := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(people, []byte("tenant,patient,group,device,token,name\nt1,P-1,copd,d1,secret,Made Up\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if code := Main([]string{"import", people, "--data", h.data}, &said, &said); code != exitFault || !strings.Contains(said.String(), "this desk has no vault") {
		t.Errorf("an import with names is answered %d: %s", code, said.String())
	}
	h.enrol("t1,P-1,copd,d1,secret\n")
	h.tocsin("export-own", "t1/P-1", "--out", filepath.Join(t.TempDir(), "copy.zip"), "--reason", "asked_by_patient")

	credentials := filepath.Join(t.TempDir(), "w.json")
	h.tocsin("watchdog", "enrol", "--out", credentials)
	run, err := readRunning(h.data)
	if err != nil {
		t.Fatal(err)
	}
	door, _ := run.door()
	for trust, want := range map[string]int{run.HTTPCert: exitDone, ca.file(): exitDone, newAuthority(t).file(): exitFault} {
		var said strings.Builder
		args := []string{"watchdog", "--once", "--within", "10s", "--credentials", credentials, "--broker", door, "--desk", "https://" + run.HTTP, "--trust-file", trust}
		if want == exitFault {
			args[3] = "2s"
		}
		if code := Main(args, &said, &said); code != want {
			t.Errorf("trusting %s: exit %d: %s", trust, code, said.String())
		}
	}
}

// Every fault of certificates is told at the start, with the setting that it is of.
func TestConfigTellsFaultsOfCertificates(t *testing.T) {
	ca := newAuthority(t)
	a, b := ca.sign("a", pkix.Name{CommonName: "a"}), ca.sign("b", pkix.Name{CommonName: "b"})
	for want, yaml := range map[string]string{
		"http.tls: a certificate":               "http: {tls: {cert_file: " + a.CertFile + "}}",
		"http.tls.cert_file: tls: private key":  "http: {tls: {cert_file: " + a.CertFile + ", key_file: " + b.KeyFile + "}}",
		"http.tls.cert_file: open /none":        "http: {tls: {cert_file: /none, key_file: /none}}",
		"mqtt.tls.listen: there are":            "mqtt: {tls: {cert_file: " + a.CertFile + ", key_file: " + a.KeyFile + "}}",
		"mqtt.tls.listen: without it no device": "mqtt: {listen: off}",
		"mqtt.tls.cert_file: a port with TLS":   "mqtt: {tls: {listen: ':8883'}}",
		"mqtt.tls.client_ca_file: open /none":   "mqtt: {tls: {listen: ':8883', client_ca_file: /none, cert_file: " + a.CertFile + ", key_file: " + a.KeyFile + "}}",
		"nobody is named who signs":             "mqtt: {tls: {listen: ':8883', require: true, cert_file: " + a.CertFile + ", key_file: " + a.KeyFile + "}}",
		"holds no certificate in PEM":           "mqtt: {tls: {listen: ':8883', client_ca_file: " + a.KeyFile + ", cert_file: " + a.CertFile + ", key_file: " + a.KeyFile + "}}",
	} {
		if _, err := Load(writeFile(t, "tocsin.yaml", yaml)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
}

// Apache Kafka that speaks TLS alone and asks who comes: by each mechanism of SASL both clients write and read, a whole Tocsin
// runs on it, and its commands find the way by the data folder. A wrong password and an authority that nobody trusts are told.
func TestSEC1_KafkaByTLSAndSASL(t *testing.T) {
	ca := newAuthority(t)
	server := ca.sign("kafka", pkix.Name{CommonName: "kafka"}, "kafka.example")
	cert, err := os.ReadFile(server.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(server.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	c := testkit.Kafka(t, testkit.KafkaOptions{Keystore: writeFile(t, "keystore.pem", string(key)+string(cert)), User: "tocsin", Password: "open-sesame"})
	security := func(mechanism, password, ca string) LogSecurity {
		return LogSecurity{LogTLS{On: true, CAFile: ca}, LogSASL{mechanism, "tocsin", writeFile(t, "password", password)}}
	}
	cfg := quietConfig(t.TempDir())
	cfg.History.Off = true
	cfg.Roles = []string{roleMonitor, roleGateway, roleDesk}
	cfg.Log.Brokers, cfg.Log.Partitions, cfg.Log.Security = c.Secured(), 2, security("scram-sha-512", "open-sesame", ca.file())
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := openHospital(t, cfg)
	h.enrol("t1,P-0113,copd,d1,secret\n")
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	w := h.warningOf("P-0113", "deterioration")
	if out := h.tocsin("tail", "--patient", "t1/P-0113"); !strings.Contains(out, "alert.raised") || w.ID == "" {
		t.Errorf("the second client reads %s", out)
	}
	h.tocsin("audit", "watch", "--once")

	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		s := security(mechanism, "open-sesame", ca.file())
		if n, err := partitionsBy(t, s, c.Secured()); err != nil || n != 2 {
			t.Errorf("%s: %d partitions, %v", mechanism, n, err)
		}
		o, err := s.witness(c.Secured())
		if err != nil {
			t.Fatal(err)
		}
		if all := witness.Examine(t.Context(), o, witness.Expect{}); len(all) == 0 || all[0].Level == witness.Fault {
			t.Errorf("%s: the second client finds %+v", mechanism, all)
		}
	}
	for want, s := range map[string]LogSecurity{
		"SASL":        security("scram-sha-512", "close-sesame", ca.file()),
		"certificate": security("scram-sha-512", "open-sesame", newAuthority(t).file()),
	} {
		if _, err := partitionsBy(t, s, c.Secured()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error of %s: %v", want, err)
		}
	}
}

// partitionsBy asks brokers for the partitions of inputs.
func partitionsBy(t *testing.T, s LogSecurity, brokers []string) (int32, error) {
	t.Helper()
	secure, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	log, err := kafka.Open(kafka.Options{Brokers: brokers, Security: secure})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	return log.Partitions(ctx, streams.Inputs)
}

// Every fault of how the brokers are spoken to is told at the start.
func TestConfigTellsFaultsOfTheLogsSecurity(t *testing.T) {
	for want, yaml := range map[string]string{
		"log.security: TLS and SASL are for": "log: {security: {tls: {on: true}}}",
		"log.security.tls.on":                "log: {brokers: ['k:9092'], security: {tls: {ca_file: /none}}}",
		"ca_file: open /none":                "log: {brokers: ['k:9092'], security: {tls: {on: true, ca_file: /none}}}",
		"use one of plain":                   "log: {brokers: ['k:9092'], security: {sasl: {mechanism: gssapi}}}",
		"plain without TLS":                  "log: {brokers: ['k:9092'], security: {sasl: {mechanism: plain}}}",
		"user and password_file are needed":  "log: {brokers: ['k:9092'], security: {tls: {on: true}, sasl: {mechanism: plain}}}",
	} {
		if _, err := Load(writeFile(t, "tocsin.yaml", yaml)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
}

// A ClickHouse server behind TLS, known by an authority of the house: history and charts work, and the commands find it.
func TestSEC1_ClickHouseByTLS(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	ca := newAuthority(t)
	server := ca.sign("clickhouse", pkix.Name{CommonName: "clickhouse"}, "clickhouse.example")
	pair, err := tls.LoadX509KeyPair(server.CertFile, server.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: e.Addr()}))
	front.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	front.StartTLS()
	t.Cleanup(front.Close)
	dsn, err := url.Parse(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	dsn.Scheme, dsn.Host = "https", front.Listener.Addr().String()

	cfg := quietConfig(t.TempDir())
	cfg.History.DSNFile, cfg.History.CAFile = writeFile(t, "dsn", dsn.String()), ca.file()
	h := openHospital(t, cfg)
	h.enrol("t1,P-0113,copd,d1,secret\n")
	h.publish(h.device(h.tcp(), "d1", "secret"), "t1", "d1", "m1", spo2(84))
	h.until("the chart", func() error {
		var chart struct{ Readings []struct{ Value float64 } }
		status := h.call("GET", "/v1/patients/t1/P-0113/readings", "", "", &chart) // its tables may still be made
		if status != http.StatusOK || len(chart.Readings) != 1 || chart.Readings[0].Value != 84 {
			return fmt.Errorf("%d: %+v", status, chart)
		}
		return nil
	})
	h.until("the doctor finds history equal", func() error {
		var out strings.Builder
		if code := Main([]string{"doctor", "--data", h.data}, &out, &out); code != exitDone || !strings.Contains(out.String(), "equals the log") {
			return fmt.Errorf("exit %d: %s", code, out.String())
		}
		return nil
	})
	past, err := history.OpenTrusting(dsn.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = past.Close() }()
	if err := past.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an authority that nobody knows: %v", err)
	}
}
