package trail

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"tocsin/streams/event"
	"tocsin/streams/witness"
)

// Somebody who has the key replaces a record in the middle of a chain by another that is summed and signed as it should be. What
// follows names the one that was there.
func TestSEC2_ARecordThatIsReplacedByWhoHasTheKeyIsFound(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	chainOf := func(account string) (all []witness.Record) {
		c := chain{id: "c1", key: key, source: "desk-a"}
		opened := &event.AuditOpened{Process: "desk-a", Key: Public(key), Others: []event.ChainHead{}}
		add := func(d event.Event, link *event.Link) {
			r, err := c.next(event.Envelope{ID: fmt.Sprint(len(all)), Subject: "desk", At: 1_772_406_840_123, Data: d}, link)
			if err != nil {
				t.Fatal(err)
			}
			w := witness.Record{Topic: r.Topic, Offset: int64(len(all)), Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				w.Headers = append(w.Headers, kafka.Header{Key: h.Key, Value: h.Value})
			}
			all = append(all, w)
		}
		add(opened, &opened.Link)
		for _, who := range []string{account, "nurse-b"} {
			n := &event.AuditNoted{Account: who, Action: "chart.read"}
			add(n, &n.Link)
		}
		return all
	}
	all, other := chainOf("nurse-a"), chainOf("nurse-z")
	verify := func() []witness.AuditFault {
		r, err := witness.AuditRecords(witness.AuditOptions{Keys: []string{Public(key)}}, all)
		if err != nil {
			t.Fatal(err)
		}
		return r.Faults
	}
	if faults := verify(); len(faults) > 0 {
		t.Fatal(faults)
	}
	all[1] = other[1]
	if faults := verify(); len(faults) == 0 || faults[0].Offset != 2 || !strings.Contains(faults[0].What, "does not follow") {
		t.Errorf("the record at offset 1 was replaced: %v", faults)
	}
}
