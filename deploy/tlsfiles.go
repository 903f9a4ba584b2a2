package deploy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"tocsin/streams"
)

// TLSFiles is a listener's certificate: a PEM file with it and those between it and a root, and one with its key. They are read
// again when they change, so a certificate is renewed without a restart.
type TLSFiles struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

func (f TLSFiles) on() bool { return f.CertFile != "" || f.KeyFile != "" }

// fault answers what is wrong with the files.
func (f TLSFiles) fault(path string) error {
	switch {
	case !f.on():
		return nil
	case f.CertFile == "" || f.KeyFile == "":
		return fault(path, "a certificate (cert_file) and its key (key_file) belong together; name both, or neither")
	}
	if _, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile); err != nil {
		return fault(path+".cert_file", "%v; both must be PEM, and the key that of the first certificate", err)
	}
	return nil
}

// served is what a listener shows, kept as the files are.
type served struct {
	files    TLSFiles
	clientCA string             // who signs devices' certificates; empty: none are asked for
	ask      tls.ClientAuthType // whether a connection may come without one
	log      *slog.Logger

	mu     sync.Mutex
	stamp  string // of the files, as they were last read
	looked time.Time
	config *tls.Config
}

// filesEvery is how often it is looked whether the files have changed.
const filesEvery = time.Second

// serving reads the files once, so that a fault is told at the start.
func serving(files TLSFiles, clientCA string, ask tls.ClientAuthType, log *slog.Logger) (*tls.Config, error) {
	s := &served{files: files, clientCA: clientCA, ask: ask, log: log}
	if _, err := s.now(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: s.now}, nil
}

// now answers the configuration by the files of now. New ones that cannot be read are told, and the old go on.
func (s *served) now(*tls.ClientHelloInfo) (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config != nil && time.Since(s.looked) < filesEvery {
		return s.config, nil
	}
	s.looked = time.Now()
	stamp := stampOf(s.files.CertFile, s.files.KeyFile, s.clientCA)
	if s.config != nil && stamp == s.stamp {
		return s.config, nil
	}
	fresh, err := s.read()
	switch {
	case err == nil:
		s.config, s.stamp = fresh, stamp
	case s.config == nil:
		return nil, err
	default:
		s.stamp = stamp // told once
		s.log.Error("a renewed certificate cannot be read, and the old one goes on", "file", s.files.CertFile, streams.KeyErr, err)
	}
	return s.config, nil
}

func (s *served) read() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(s.files.CertFile, s.files.KeyFile)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, ClientAuth: s.ask, NextProtos: []string{"h2", "http/1.1"}}
	if s.clientCA == "" {
		return c, nil
	}
	c.NextProtos = nil
	c.ClientCAs, _, err = certificates(s.clientCA, x509.NewCertPool())
	return c, err
}

// stampOf tells one state of files from another.
func stampOf(files ...string) (stamp string) {
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), " ")
		}
	}
	return stamp
}

// certificates adds those of a PEM file to a pool, and answers them.
func certificates(file string, pool *x509.CertPool) (*x509.CertPool, [][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var all [][]byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		pool.AddCert(c)
		all = append(all, c.Raw)
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, all, nil
}

// trusting answers how a client knows a server: by the system's roots, those of files, or because it shows a certificate that
// lies in one of them itself; of that one no name is asked, so that a server is found on loopback too. The files are read for each
// connection, so a renewed certificate is known at once. Without files: nil, the system's.
func trusting(files ...string) (*tls.Config, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return f == "" })
	if len(files) == 0 {
		return nil, nil
	}
	if _, _, err := trusted(files); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, // VerifyConnection does it, for every connection
		VerifyConnection: func(c tls.ConnectionState) error {
			if len(c.PeerCertificates) == 0 {
				return errors.New("the server shows no certificate")
			}
			pool, own, err := trusted(files)
			if err != nil {
				return err
			}
			leaf, between := c.PeerCertificates[0], x509.NewCertPool()
			if slices.ContainsFunc(own, func(raw []byte) bool { return bytes.Equal(leaf.Raw, raw) }) {
				return nil
			}
			for _, c := range c.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err = leaf.Verify(x509.VerifyOptions{DNSName: c.ServerName, Roots: pool, Intermediates: between})
			return err
		}}, nil
}

// trusted reads files of certificates beside the system's roots.
func trusted(files []string) (pool *x509.CertPool, own [][]byte, err error) {
	if pool, err = x509.SystemCertPool(); err != nil {
		pool = x509.NewCertPool()
	}
	for _, f := range files {
		_, more, err := certificates(f, pool)
		if err != nil {
			return nil, nil, fmt.Errorf("read whom to trust: %w", err)
		}
		own = append(own, more...)
	}
	return pool, own, nil
}
