package deploy

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"tocsin/streams/kafka"
	"tocsin/streams/witness"
)

// LogSecurity is how brokers of one's own are spoken to.
type LogSecurity struct {
	TLS  LogTLS  `yaml:"tls" json:"tls"`
	SASL LogSASL `yaml:"sasl" json:"sasl"`
}

// LogTLS is TLS to the brokers, with a certificate of ours where they ask for one.
type LogTLS struct {
	On       bool   `yaml:"on" json:"on"`
	CAFile   string `yaml:"ca_file" json:"ca_file,omitempty"` // beside the system's roots
	CertFile string `yaml:"cert_file" json:"cert_file,omitempty"`
	KeyFile  string `yaml:"key_file" json:"key_file,omitempty"`
}

// LogSASL is who we are to the brokers.
type LogSASL struct {
	Mechanism    string `yaml:"mechanism" json:"mechanism,omitempty"` // plain, scram-sha-256, scram-sha-512; empty: none
	User         string `yaml:"user" json:"user,omitempty"`
	PasswordFile string `yaml:"password_file" json:"password_file,omitempty"`
}

// faults answers what is wrong with the settings, for brokers of one's own or the embedded log.
func (s LogSecurity) faults(brokers bool) (all []error) {
	own := TLSFiles{s.TLS.CertFile, s.TLS.KeyFile}
	if !brokers && s != (LogSecurity{}) {
		return []error{fault("log.security", "TLS and SASL are for brokers of your own (log.brokers); the embedded log has neither: let nobody but Tocsin reach it")}
	}
	if !s.TLS.On && (own.on() || s.TLS.CAFile != "") {
		all = append(all, fault("log.security.tls.on", "certificates are named, and TLS is off; set it to true"))
	}
	all = append(all, own.fault("log.security.tls"), readable("log.security.tls.ca_file", s.TLS.CAFile))
	switch {
	case s.SASL == (LogSASL{}):
		return all
	case !slices.Contains(kafka.Mechanisms, s.SASL.Mechanism):
		all = append(all, fault("log.security.sasl.mechanism", "%q is unknown; use one of %s", s.SASL.Mechanism, strings.Join(kafka.Mechanisms, ", ")))
	case s.SASL.Mechanism == "plain" && !s.TLS.On:
		all = append(all, fault("log.security.sasl.mechanism", "plain without TLS shows the password to everybody on the way; set log.security.tls.on, or use scram-sha-512"))
	}
	if s.SASL.User == "" || s.SASL.PasswordFile == "" {
		all = append(all, fault("log.security.sasl", "user and password_file are needed"))
	}
	return append(all, readable("log.security.sasl.password_file", s.SASL.PasswordFile))
}

// open reads the files.
func (s LogSecurity) open() (kafka.Security, error) {
	out := kafka.Security{Mechanism: s.SASL.Mechanism, User: s.SASL.User}
	password, err := readSecret(s.SASL.PasswordFile)
	if err != nil {
		return out, err
	}
	out.Password = string(password)
	if !s.TLS.On {
		return out, nil
	}
	if out.TLS, err = trusting(s.TLS.CAFile); err != nil {
		return out, err
	}
	out.TLS = cmp.Or(out.TLS, &tls.Config{MinVersion: tls.VersionTLS12})
	if s.TLS.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.TLS.CertFile, s.TLS.KeyFile)
		if err != nil {
			return out, err
		}
		out.TLS.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// witness answers the same for the second client.
func (s LogSecurity) witness(brokers []string) (witness.Options, error) {
	o := witness.Options{Brokers: brokers}
	is, err := s.open()
	if err != nil {
		return o, err
	}
	o.TLS = is.TLS
	o.SASL, err = mechanism(is)
	return o, err
}

func mechanism(s kafka.Security) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("%q is no mechanism of SASL that is known here", s.Mechanism)
}

// at puts the folder before the files that are named without one: whoever reads them works elsewhere.
func (s LogSecurity) at() LogSecurity {
	for _, f := range []*string{&s.TLS.CAFile, &s.TLS.CertFile, &s.TLS.KeyFile, &s.SASL.PasswordFile} {
		if *f != "" {
			*f = abs(*f)
		}
	}
	return s
}
