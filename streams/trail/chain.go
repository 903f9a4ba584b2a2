package trail

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"tocsin/streams"
	"tocsin/streams/event"
)

// The two headers that every record of the audit log ends with. They cover everything else of it.
const (
	HeaderSum       = "audit_sum"       // SHA-256 of the record's canonical bytes, in lower-case hex
	HeaderSignature = "audit_signature" // Ed25519 over the sum, in lower-case hex
)

// domain stands before everything that is summed or signed, so that neither can be taken for anything else.
const domain = "tocsin audit 1\n"

// chain makes the records of one chain. The record before it is in Link.Prev, which the sum covers with the rest of the value.
type chain struct {
	id     string
	key    ed25519.PrivateKey
	source string
	number int64
	sum    string
}

// next makes the next record of the chain from an envelope; link is where its data has its place.
func (c *chain) next(e event.Envelope, link *event.Link) (streams.Record, error) {
	*link = event.Link{Chain: c.id, Number: c.number + 1, Prev: c.sum}
	e.Source = c.source
	r, err := streams.ToRecord(streams.Audit, 0, c.id, e)
	if err != nil {
		return streams.Record{}, fmt.Errorf("record %d of audit chain %s: %w", link.Number, c.id, err)
	}
	sum := sumOf(r.Key, r.Headers, r.Value)
	r.Headers = append(r.Headers, event.Header{Key: HeaderSum, Value: []byte(sum)}, event.Header{Key: HeaderSignature, Value: []byte(sign(c.key, sum))})
	c.number, c.sum = link.Number, sum
	return r, nil
}

func sign(key ed25519.PrivateKey, sum string) string {
	return hex.EncodeToString(ed25519.Sign(key, []byte(domain+sum)))
}

// sumOf sums a record: key, number of headers, each header's name and value, and value, each with its length in four bytes
// before it, most significant first.
func sumOf(key []byte, headers []event.Header, value []byte) string {
	h := sha256.New()
	part := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	h.Write([]byte(domain))
	part(key)
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(headers)))
	h.Write(n[:])
	for _, x := range headers {
		part([]byte(x.Key))
		part(x.Value)
	}
	part(value)
	return hex.EncodeToString(h.Sum(nil))
}

// headOf reads the place and the sum of a record, as its headers and its data say; ok is false for what is none of ours.
func headOf(r streams.Record) (head event.ChainHead, data event.Event, ok bool) {
	for _, x := range r.Headers {
		if x.Key == HeaderSum {
			head.Sum = string(x.Value)
		}
	}
	e, err := event.Decode(r.Headers, r.Value)
	if err != nil || head.Sum == "" {
		return head, nil, false // verify tells of it; a desk must begin all the same
	}
	link := linkOf(e.Data)
	if link == nil {
		return head, nil, false
	}
	head.Chain, head.Number = link.Chain, link.Number
	return head, e.Data, true
}

func linkOf(d event.Event) *event.Link {
	switch d := d.(type) {
	case *event.AuditOpened:
		return &d.Link
	case *event.AuditNoted:
		return &d.Link
	case *event.AuditHead:
		return &d.Link
	}
	return nil
}
