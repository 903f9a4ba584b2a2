package deploy

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestHIS2_WhatDidTheDeskKnowThen: a reading that is uploaded late was measured before, and was not known before: asked as of
// the moment before the upload neither chart nor warning has it, asked as of the moment after both do, with its own time.
func TestHIS2_WhatDidTheDeskKnowThen(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-0113,copd,oxi-1,token-of-oxi-1\n")
	c := h.device(h.tcp(), "oxi-1", "token-of-oxi-1")
	measured := time.Now().Add(-45 * time.Minute).UTC().Truncate(time.Millisecond)
	before := time.Now()
	payload := fmt.Sprintf(`{"v":1,"msg_id":"late","t_meas":%q,"clock":{"source":"utc","synced":true},"obs":[%s]}`, measured.Format(time.RFC3339Nano), spo2(84))
	if sent := c.Publish("v1/t1/oxi-1/obs", 1, false, payload); !sent.WaitTimeout(10*time.Second) || sent.Error() != nil {
		t.Fatal(sent.Error())
	}
	w := h.warningOf("P-0113", "deterioration")
	after := time.Now().Add(time.Millisecond)

	at := func(moment time.Time) string { return url.QueryEscape(moment.UTC().Format("2006-01-02T15:04:05.000Z")) }
	var refused struct{ Reason string }
	if status := h.call("GET", "/v1/warnings/"+w.ID+"?as_of="+at(before), "", "", &refused); status != http.StatusNotFound || refused.Reason != "not_yet" {
		t.Errorf("the warning before the upload: %d %+v", status, refused)
	}
	var was struct {
		State string
		AsOf  time.Time `json:"as_of"`
	}
	if h.get("/v1/warnings/"+w.ID+"?as_of="+at(after), &was); was.State != "new" || was.AsOf.IsZero() {
		t.Errorf("the warning after the upload: %+v", was)
	}

	if h.app.past == nil {
		t.Skip("no engine here: history was not looked at")
	}
	type chart struct {
		Readings []struct {
			Value      float64
			MeasuredAt time.Time `json:"measured_at"`
		}
	}
	known := func(moment time.Time) (got chart) {
		h.get("/v1/patients/t1/P-0113/readings?known="+at(moment), &got)
		return got
	}
	h.until("the chart after the upload", func() error {
		if got := known(after); len(got.Readings) != 1 || !got.Readings[0].MeasuredAt.Equal(measured) {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	if got := known(before); len(got.Readings) != 0 {
		t.Errorf("the chart before the upload: %+v", got)
	}
}
