package outbox

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	"tocsin/alerts/outbox/hl7v2"
)

// target is where messages go. An error is a *refused, or the network's.
type target interface {
	send(ctx context.Context, m message) error
	close()
}

// mllp sends to one receiver of HL7 v2 and waits for its acknowledgement. Each partition has a connection of its own, since a receiver
// acknowledges in the order of a connection.
type mllp struct {
	host  string
	trust *tls.Config // nil: without TLS

	mu    sync.Mutex
	lines map[int32]*mllpLine
}

type mllpLine struct {
	conn net.Conn
	in   *bufio.Reader
}

func newMLLP(u *url.URL, trust *tls.Config) *mllp {
	m := &mllp{host: u.Host, lines: map[int32]*mllpLine{}}
	if u.Scheme == "mllps" {
		m.trust = &tls.Config{MinVersion: tls.VersionTLS12}
		if trust != nil {
			m.trust = trust.Clone()
		}
		m.trust.ServerName = u.Hostname()
	}
	return m
}

func (m *mllp) send(ctx context.Context, msg message) error {
	line, err := m.line(ctx, msg.partition)
	if err != nil {
		return err
	}
	for _, p := range msg.Parts {
		if err := line.exchange(ctx, p.Body); err != nil {
			var r *refused
			if !errors.As(err, &r) || r.stray {
				m.drop(msg.partition) // an answer that comes late must not be taken for the next one's
			}
			return err
		}
	}
	return nil
}

func (m *mllp) line(ctx context.Context, partition int32) (*mllpLine, error) {
	m.mu.Lock()
	line := m.lines[partition]
	m.mu.Unlock()
	if line != nil {
		return line, nil
	}
	var conn net.Conn
	var err error
	if m.trust != nil {
		conn, err = (&tls.Dialer{Config: m.trust}).DialContext(ctx, "tcp", m.host)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", m.host)
	}
	if err != nil {
		return nil, err
	}
	line = &mllpLine{conn, bufio.NewReader(conn)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines[partition] = line
	return line, nil
}

func (m *mllp) drop(partition int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if line := m.lines[partition]; line != nil {
		_ = line.conn.Close()
		delete(m.lines, partition)
	}
}

func (m *mllp) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.lines {
		_ = line.conn.Close()
	}
	clear(m.lines)
}

// exchange sends one message and waits for the acknowledgement that names it.
func (l *mllpLine) exchange(ctx context.Context, text string) error {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err := hl7v2.WriteFrame(l.conn, text)
	var answer string
	if err == nil {
		answer, err = hl7v2.ReadFrame(l.in)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return acknowledged(text, answer)
}

// acknowledged reads an acknowledgement (MSA). AA and CA take the message; everything else does not.
func acknowledged(sent, answer string) error {
	m, err := hl7v2.Parse(answer)
	if err != nil {
		return &refused{words: "it answered with what is no HL7 message", stray: true}
	}
	msa := m.Get("MSA", 1)
	if msa == nil {
		return &refused{words: "it answered without MSA", stray: true}
	}
	of, err := hl7v2.Parse(sent)
	if err != nil || msa.Field(2) != of[0].Field(10) {
		return &refused{words: "it acknowledged another message", stray: true}
	}
	switch code := msa.Field(1); code {
	case "AA", "CA":
		return nil
	case "AE", "AR", "CE", "CR":
		return &refused{words: "it refuses the message (" + code + ")"} // its own words may repeat what the message says
	default:
		return &refused{words: "it neither takes nor refuses the message"}
	}
}
