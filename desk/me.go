package desk

import (
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tocsin/alerts"
	"tocsin/alerts/rota"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// The patient's own page: is anyone watching now, until when, and 120; and in danger what to do, whoever has accepted the warning
// (ALR-17). Who asks proves it by what the patient's app has, its id and token, as at the MQTT door: whoever has lost it (revoked, bound
// to somebody else) is told nothing more. It answers that one patient's first line and nothing of readings or people.

// Me is what the patient's page says beside the watch.
type Me struct {
	Call   string // the number for an emergency; empty: 120
	Zh, En string // what to do in danger
}

// MeState is what the page asks for every few seconds.
type MeState struct {
	State  string      `json:"state"`           // watched, unwatched, unknown, not_watching, ended
	Until  *event.Time `json:"until,omitempty"` // when it changes
	Line   twoTongues  `json:"line"`
	Call   string      `json:"call"`
	Danger bool        `json:"danger"`
	Advice twoTongues  `json:"advice"` // in danger
	At     event.Time  `json:"at"`
}

type twoTongues struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// The states beside those of rota.
const (
	meNotWatching = "not_watching" // the way from a device to the desk does not work, or is not seen to
	meEnded       = "ended"        // the care of this patient has ended
)

//go:embed me/page.html
var mePage []byte

//go:embed me/page.js
var meScript []byte

// meRoutes puts the page beside the screens: it needs no session, and nothing that was built.
func (s *Server) meRoutes(mux *http.ServeMux) {
	plain := func(kind string, b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(b) // whoever asked has gone
		}
	}
	mux.HandleFunc("GET /me", plain("text/html; charset=utf-8", mePage))
	mux.HandleFunc("GET /me/page.js", plain("text/javascript; charset=utf-8", meScript))
	mux.HandleFunc("GET /me/state", s.me)
}

// me answers the page.
func (s *Server) me(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	b, p := s.patientAsks(r)
	if p != nil {
		writeProblem(w, p)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.meOf(b.Tenant, b.Patient, b.Group)) // whoever asked has gone
}

// patientAsks answers whose app it is. Guesses get slow as those of passwords do; what is wrong with the pair is never said.
func (s *Server) patientAsks(r *http.Request) (b directory.Binding, no *Problem) {
	device, token, ok := r.BasicAuth()
	if !ok || device == "" || token == "" {
		return b, refuse(http.StatusUnauthorized, "signed_out", "请先填写设备编号和口令", "enter the device’s number and its code first")
	}
	name, now := "device/"+device, s.o.Now()
	from := name + "@" + addressOf(context.WithValue(r.Context(), addressKey{}, r.RemoteAddr)) // many homes may come from one address
	if s.meLimit.wait(name, from, now) > 0 {
		return b, refuse(http.StatusTooManyRequests, tooOften, "尝试次数过多，请稍后再试", "too many attempts; try again later")
	}
	b, known := s.o.Directory.Device(device)
	if !known || b.Revoked || b.TokenSHA256 == "" || subtle.ConstantTimeCompare([]byte(b.TokenSHA256), []byte(sumOf(token))) != 1 || streams.IsWatched(streams.PatientKey(b.Tenant, b.Patient)) {
		s.meLimit.failed(name, from, now)
		return b, refuse(http.StatusUnauthorized, "device", "设备编号或口令不正确", "the device’s number or its code is wrong")
	}
	return b, nil
}

// meOf works out what a patient is told.
func (s *Server) meOf(tenant, patient, group string) MeState {
	now, key := s.moment(), streams.PatientKey(tenant, patient)
	st := MeState{At: now.wall, Call: s.o.Me.Call}
	if st.Call == "" {
		st.Call = "120"
	}
	watch := rota.WatchedAt(rota.OfPatient(s.o.Directory.Rotas(), s.highPolicy(tenant, group), tenant, group), now.wall)
	st.State = string(watch.State)
	if watch.Until != 0 {
		st.Until = &watch.Until
	}
	switch {
	case s.ward.hasLeft(key):
		st.State, st.Until = meEnded, nil
	case s.isBlind():
		st.State, st.Until = meNotWatching, nil
	}
	st.Line = meLine(st, watch, now.wall)
	open := s.ward.warnings(false, func(k string) bool { return k == key })
	if st.Danger = slices.ContainsFunc(open, func(w Warning) bool { return w.Danger }); st.Danger {
		st.Advice = twoTongues{s.o.Me.Zh, s.o.Me.En}
	}
	return st
}

// highPolicy answers how a grave warning of a group is handled.
func (s *Server) highPolicy(tenant, group string) event.Policy {
	for _, g := range []string{group, ""} {
		for _, p := range s.o.Directory.Policies() {
			if p.Tenant == tenant && p.Group == g && p.Severity == event.High {
				return p.Policy
			}
		}
	}
	return alerts.Usual(event.High)
}

// isBlind tells whether what comes in may not be seen: then nobody watches, whatever the rota says.
func (s *Server) isBlind() bool {
	st := s.status()
	return s.selfCheck() != nil || st.Watchdog.State == "failing" || st.Watchdog.State == "silent"
}

// meLine words the first line. A time is by the clock of the rota, with its day unless that is today.
func meLine(st MeState, w rota.Watch, now event.Time) twoTongues {
	zh, en := untilWords(w, now)
	emergency := twoTongues{"紧急情况请拨打 " + st.Call + "。", "Emergency: " + st.Call + "."}
	line := map[string]twoTongues{
		"watched":     {"现在有医护人员值守，至 " + zh + "。", "Watched until " + en + ". "},
		"unwatched":   {zh + " 之前无人查看。", "Nobody reads this before " + en + ". "},
		"unknown":     {"现在是否有人查看，无法确定，请当作无人查看。", "Whether anybody reads this now is not known: take it that nobody does. "},
		meNotWatching: {"现在无人查看：系统故障，您的数据可能未被看到。", "NOBODY IS WATCHING now: the system has a fault, and what you send may not be seen. "},
		meEnded:       {"居家监测已结束，无人再查看您的数据。", "Your home monitoring has ended. Nobody looks at what you send. "},
	}[st.State]
	if w.Until == 0 && st.State == "watched" {
		line = twoTongues{"现在有医护人员值守。", "Watched now. "}
	}
	if w.Until == 0 && st.State == "unwatched" {
		line = twoTongues{"目前无人查看。", "Nobody reads this for now. "}
	}
	return twoTongues{line.Zh + emergency.Zh, line.En + emergency.En}
}

func untilWords(w rota.Watch, now event.Time) (zh, en string) {
	if w.Until == 0 {
		return "", ""
	}
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		zone = time.UTC
	}
	until, today := w.Until.Std().In(zone), now.Std().In(zone)
	clock := until.Format("15:04")
	if err != nil {
		clock += " UTC"
	}
	switch {
	case until.Format(time.DateOnly) == today.Format(time.DateOnly):
		return clock, clock
	case until.Format(time.DateOnly) == today.AddDate(0, 0, 1).Format(time.DateOnly):
		return "明天 " + clock, clock + " tomorrow"
	}
	return fmt.Sprintf("%d 月 %d 日 %s", until.Month(), until.Day(), clock), clock + " on " + until.Format("Monday 2 January")
}

// hasLeft tells whether the care of a patient has ended.
func (w *ward) hasLeft(key string) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	p, known := w.people[key]
	return known && p.p.Alerts.Left != nil
}
