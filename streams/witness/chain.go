package witness

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"
)

// AuditFault is one thing that is wrong with the audit log. Offset is -1 for what is not there.
type AuditFault struct {
	Partition int
	Offset    int64
	What      string
}

func (f AuditFault) String() string {
	if f.Offset < 0 {
		return f.What
	}
	return fmt.Sprintf("partition %d, offset %d: %s", f.Partition, f.Offset, f.What)
}

// HeadLine is one line of a heads file: that a chain had come so far, signed by the chain's key.
type HeadLine struct {
	Chain     string `json:"chain"`
	Number    int64  `json:"number"`
	Sum       string `json:"sum"`
	Signature string `json:"signature"`
	Key       string `json:"key"`
}

// AuditChain is what was read of one chain.
type AuditChain struct {
	Chain, Process, Key string
	Records             int64
	First, Last         string // ce_time of the first and the last record
	Ended               bool   // its process stopped in order; else it runs, or was killed
	sum                 string
}

const (
	auditSum       = "audit_sum"
	auditSignature = "audit_signature"
	auditDomain    = "tocsin audit 1\n"
)

// claim is that a record of a chain has a sum: somebody has seen it.
type claim struct {
	chain  string
	number int64
}

type claimed struct {
	sum, by string
	met     bool
}

// chains judges the records of an audit log, one after the other. What it knows of how they are made is written here anew: it
// shares no code with what makes them.
type chains struct {
	keys   []string // public keys that may sign; none: those that the chains name themselves
	claims map[claim][]*claimed
	all    map[string]*AuditChain
	order  []string
	seen   map[claim]string // sums of the records that were read last, by which a repeat is told from a forgery
	recent []claim
	faults []AuditFault

	records, repeats int64
	from, to         string
}

func newChains(keys []string) *chains {
	return &chains{keys: keys, claims: map[claim][]*claimed{}, all: map[string]*AuditChain{}, seen: map[claim]string{}}
}

// auditValue is what the judge reads of a record's value.
type auditValue struct {
	Chain   string     `json:"chain"`
	Number  int64      `json:"number"`
	Prev    string     `json:"prev"`
	Process string     `json:"process"`
	Key     string     `json:"key"`
	Why     string     `json:"why"`
	Others  []HeadLine `json:"others"`
}

// gather notes what a record says of other chains; all records are gathered before the first is judged.
func (c *chains) gather(r Record) {
	if t := r.Header("ce_type"); t != "audit.opened" && t != "audit.head" {
		return
	}
	var v auditValue
	if json.Unmarshal(r.Value, &v) != nil {
		return // judged later
	}
	for _, o := range v.Others {
		c.claim(o, fmt.Sprintf("offset %d", r.Offset))
	}
}

// line notes a line of a heads file.
func (c *chains) line(n int, l HeadLine) {
	by := fmt.Sprintf("line %d of the heads file", n)
	switch {
	case !signed(l.Key, l.Sum, l.Signature):
		c.fault(Record{Offset: -1}, "%s is not signed by the key that it names", by)
	case !c.may(l.Key):
		c.fault(Record{Offset: -1}, "%s is signed by a key that is not among those given", by)
	default:
		c.claim(l, by)
	}
}

func (c *chains) claim(l HeadLine, by string) {
	at := claim{l.Chain, l.Number}
	c.claims[at] = append(c.claims[at], &claimed{sum: l.Sum, by: by})
}

func (c *chains) may(key string) bool { return len(c.keys) == 0 || slices.Contains(c.keys, key) }

const mostFaults = 100 // that are kept: the first are what matters

func (c *chains) fault(r Record, format string, args ...any) {
	if len(c.faults) < mostFaults {
		c.faults = append(c.faults, AuditFault{r.Partition, r.Offset, fmt.Sprintf(format, args...)})
	}
}

// judge reads the next record.
func (c *chains) judge(r Record) {
	c.records++
	at := r.Header("ce_time")
	if c.from == "" {
		c.from = at
	}
	c.to = at
	sum, signature, ok := seal(r.Headers)
	if !ok {
		c.fault(r, "the record does not end with its sum and its signature")
		return
	}
	if is := canonical(r); is != sum {
		c.fault(r, "the record was changed: its sum is %s and it says %s", is, sum)
		return
	}
	var v auditValue
	if err := json.Unmarshal(r.Value, &v); err != nil || v.Chain == "" || v.Chain != string(r.Key) {
		c.fault(r, "the record names no chain, or another than its key")
		return
	}
	h := c.place(r, v, sum)
	if h == nil {
		return
	}
	if !signed(h.Key, sum, signature) {
		c.fault(r, "record %d of chain %s is not signed by the chain's key", v.Number, v.Chain)
	}
	h.Records, h.sum, h.Last, h.Ended = v.Number, sum, at, v.Why == "stop"
	c.meet(r, claim{v.Chain, v.Number}, sum)
}

// place finds a record's place in its chain; nil when it has none.
func (c *chains) place(r Record, v auditValue, sum string) *AuditChain {
	h := c.all[v.Chain]
	switch {
	case h == nil && (v.Number != 1 || v.Prev != "" || r.Header("ce_type") != "audit.opened"):
		c.fault(r, "chain %s begins with record %d: what was before is not there", v.Chain, v.Number)
		h = c.begin(r, v)
		h.Key = "" // not known: its records cannot be proven
		if len(c.keys) == 1 {
			h.Key = c.keys[0]
		}
		return h
	case h == nil && !c.may(v.Key):
		c.fault(r, "chain %s is signed by the key %s, which is not among those given", v.Chain, v.Key)
		return c.begin(r, v)
	case h == nil:
		return c.begin(r, v)
	case v.Number <= h.Records:
		if c.seen[claim{v.Chain, v.Number}] == sum {
			c.repeats++
			c.fault(r, "record %d of chain %s is there a second time%s", v.Number, v.Chain, repeatWords)
			return nil
		}
		c.fault(r, "record %d of chain %s comes after record %d: it stands elsewhere, or is another's", v.Number, v.Chain, h.Records)
		return nil
	case v.Number > h.Records+1:
		c.fault(r, "chain %s goes from record %d to %d: what was between is not there", v.Chain, h.Records, v.Number)
	case v.Prev != h.sum:
		c.fault(r, "record %d of chain %s does not follow the one before: that has the sum %s, and it says %s", v.Number, v.Chain, h.sum, v.Prev)
	}
	return h
}

// repeatWords mark the faults of which a retry of the sender is the likelier reason.
const repeatWords = ", byte for byte"

func (c *chains) begin(r Record, v auditValue) *AuditChain {
	h := &AuditChain{Chain: v.Chain, Process: v.Process, Key: v.Key, First: r.Header("ce_time")}
	c.all[v.Chain] = h
	c.order = append(c.order, v.Chain)
	return h
}

const keptSeen = 1 << 16

// meet checks what others say of a record, and remembers it for a while.
func (c *chains) meet(r Record, at claim, sum string) {
	for _, m := range c.claims[at] {
		m.met = true
		if m.sum != sum {
			c.fault(r, "record %d of chain %s is another than that of which %s says that it was there", at.number, at.chain, m.by)
		}
	}
	c.seen[at] = sum
	if c.recent = append(c.recent, at); len(c.recent) > 2*keptSeen {
		for _, old := range c.recent[:keptSeen] {
			delete(c.seen, old)
		}
		c.recent = append([]claim(nil), c.recent[keptSeen:]...)
	}
}

// end tells what is not there although somebody has seen it.
func (c *chains) end() (held int) {
	var missing []string
	for at, all := range c.claims {
		for _, m := range all {
			held++
			if !m.met {
				missing = append(missing, fmt.Sprintf("record %d of chain %s is not there, although %s names it: the chain was cut or removed", at.number, at.chain, m.by))
			}
		}
	}
	slices.Sort(missing)
	for _, what := range missing {
		c.fault(Record{Offset: -1}, "%s", what)
	}
	return held
}

// seal answers the last two headers, which cover all else. Neither may be there twice.
func seal(headers []kafka.Header) (sum, signature string, ok bool) {
	n := len(headers)
	if n < 2 || headers[n-2].Key != auditSum || headers[n-1].Key != auditSignature {
		return "", "", false
	}
	for _, h := range headers[:n-2] {
		if h.Key == auditSum || h.Key == auditSignature {
			return "", "", false
		}
	}
	return string(headers[n-2].Value), string(headers[n-1].Value), true
}

// canonical sums a record without its last two headers.
func canonical(r Record) string {
	b := []byte(auditDomain)
	add := func(part []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	add(r.Key)
	headers := r.Headers[:len(r.Headers)-2]
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	for _, h := range headers {
		add([]byte(h.Key))
		add(h.Value)
	}
	add(r.Value)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// signed tells whether a sum was signed by a key. Only lower case counts: else one bit could change and mean the same.
func signed(key, sum, signature string) bool {
	k, err1 := hex.DecodeString(key)
	s, err2 := hex.DecodeString(signature)
	return err1 == nil && err2 == nil && len(k) == ed25519.PublicKeySize && strings.ToLower(signature) == signature &&
		ed25519.Verify(k, []byte(auditDomain+sum), s)
}
