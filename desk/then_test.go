package desk

import (
	"net/url"
	"testing"
	"time"
)

// TestHIS2_AWarningAsItWasKnownThen: a look back shows the warning as every desk showed it then: not there, new, taken; and
// nothing that has happened since. The log's stamps say when, as they do when an owner catches up on what it missed.
func TestHIS2_AWarningAsItWasKnownThen(t *testing.T) {
	h := open(t)
	stamp := h.stamp
	stamp.Store(time.Now().UnixMilli())
	now := stamp.Load
	hour := time.Hour.Milliseconds()
	h.enrol("P-0113", "copd")
	begin := now()
	stamp.Add(hour)
	h.measure("P-0113", 84)
	nurse := h.as("nurse", "nurse-a")
	h.until("the warning is there", func() bool { return len(nurse.warnings("open")) == 1 })
	w := nurse.warnings("open")[0]
	raised := now()
	stamp.Add(hour)
	if status, _, p := nurse.click("accept", w.ID, "k1", nil); status != 200 {
		t.Fatal(p)
	}
	taken := now()
	later := h.browser(h.openDesk(func(o *Options) { o.Now = func() time.Time { return time.UnixMilli(taken + hour) } }).url)
	later.token = nurse.token
	then := func(ms int64, into any) (int, string) {
		return later.do("GET", "/v1/warnings/"+w.ID+"?as_of="+url.QueryEscape(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")), nil, into)
	}
	var p Problem
	if status, raw := then(raised-1, &p); status != 404 || p.Reason != "not_yet" {
		t.Errorf("before it was raised: %d %s", status, raw)
	}
	if status, raw := then(begin, &p); status != 404 || p.Reason != "not_yet" {
		t.Errorf("when the patient was enrolled: %d %s", status, raw)
	}
	for ms, want := range map[int64]string{raised: "new", taken - 1: "new", taken: "accepted", taken + hour: "accepted"} {
		var was WarningStory
		status, raw := then(ms, &was)
		if status != 200 || was.State != want || (was.Owner == "") == (want == "accepted") || was.AsOf == nil || int64(*was.AsOf) != ms {
			t.Errorf("at %d: %d %s", ms, status, raw)
		}
		if n := len(was.Timeline); want == "new" && n != 1 || want == "accepted" && n < 2 {
			t.Errorf("at %d its story has %d lines: %s", ms, n, raw)
		}
	}
	if status, raw := then(taken+2*hour, &p); status != 422 {
		t.Errorf("what lies ahead: %d %s", status, raw)
	}
	var is WarningStory
	if status, raw := later.do("GET", "/v1/warnings/"+w.ID, nil, &is); status != 200 || is.AsOf != nil {
		t.Errorf("as it is now: %d %s", status, raw)
	}
}
