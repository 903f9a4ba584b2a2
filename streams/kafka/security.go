package kafka

import (
	"crypto/tls"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security is how brokers are spoken to: with TLS, and as whom. The zero value is neither, as on loopback.
type Security struct {
	TLS            *tls.Config // nil: without
	Mechanism      string      // of SASL: plain, scram-sha-256, scram-sha-512; empty: none
	User, Password string
}

// Mechanisms are those of SASL that are known.
var Mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

func (s Security) options() (opts []kgo.Opt, err error) {
	if s.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(s.TLS))
	}
	var m sasl.Mechanism
	switch s.Mechanism {
	case "":
		return opts, nil
	case "plain":
		m = plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()
	case "scram-sha-256":
		m = scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism()
	case "scram-sha-512":
		m = scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism()
	default:
		return nil, fmt.Errorf("%q is no mechanism of SASL that is known here; use one of %v", s.Mechanism, Mechanisms)
	}
	return append(opts, kgo.SASL(m)), nil
}
