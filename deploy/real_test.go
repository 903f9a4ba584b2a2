package deploy

import (
	"os"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/deploy/testkit"
	"tocsin/streams"
	"tocsin/streams/event"
)

// The same chain on servers of one's own: a reading that is published at a real Mosquitto goes by the bridge to a real
// Apache Kafka, and the warning stands on the desk.
func TestChainOverMosquittoAndKafka(t *testing.T) {
	kafka := testkit.Kafka(t, testkit.KafkaOptions{Brokers: 1})
	mosquitto := testkit.Mosquitto(t, testkit.MosquittoOptions{})
	cfg := quietConfig(t.TempDir())
	cfg.Log.Brokers = kafka.Brokers()
	cfg.Log.Partitions = 8
	cfg.Bridge.Broker = "tcp://" + mosquitto.Addr()
	cfg.Roles = []string{roleEngine, roleMonitor, roleGateway, roleBridge, roleHistory, roleDesk}
	h := openHospital(t, cfg)
	h.enrol("t1,P-0113,copd,d1,secret\n")

	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + mosquitto.Addr()).SetClientID("d1-at-mosquitto"))
	if tok := c.Connect(); tok.Wait() && tok.Error() != nil {
		t.Fatal(tok.Error())
	}
	defer c.Disconnect(0)
	h.publish(c, "t1", "d1", "m1", spo2(84))
	if w := h.warningOf("P-0113", "deterioration"); w.Severity == "" {
		t.Errorf("%+v", w)
	}
	h.tocsin("doctor", "--partitions", "8")
}

// A record that is newer than this program makes the process give its partitions back and say that it is not ready; it
// goes on taking readings.
func TestREL8_NewerRecordMakesNotReady(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	r, err := streams.ToRecord(streams.Inputs, 0, event.Everyone, event.Envelope{ID: "x", Subject: event.Everyone, Data: &event.DoorOpened{Door: "d"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Headers {
		if r.Headers[i].Key == "ce_dataversion" {
			r.Headers[i].Value = []byte("99")
		}
	}
	w, err := h.app.store.Write("newer")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := streams.AppendWait(t.Context(), w, r); err != nil {
		t.Fatal(err)
	}
	h.until("not ready", func() error {
		if h.call("GET", "/readyz", "", "", nil) == 200 {
			return os.ErrExist
		}
		return nil
	})
	h.until("why", func() error {
		if h.app.outdated.Load() == nil {
			return os.ErrNotExist
		}
		return nil
	})
	select {
	case err := <-h.app.broken:
		t.Errorf("everything ended: %v", err)
	default:
	}
}
