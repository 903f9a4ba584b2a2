package desk

import (
	"context"
	"net/http"
	"slices"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Are our warnings any good? (FEATURES RUL-14, ALR-15; screen 6) Each week by rule, group and severity, from the log alone: every
// desk that has read it gives the same numbers. How it is counted:
//
//   - A warning belongs to the week in which it was raised, to the group that led the care of the patient then, to the
//     severity that was its gravest so far as is known now, and to each rule that was among its reasons when it was raised or became worse.
//     Silences that ended in a planned window and warnings that ended since the patient left are counted and judged by nobody.
//   - The share that was real is of those that were closed with a known outcome. Its interval is Wilson's for 95 %: of small numbers
//     it is wide, and that is what they say. What is open or not known yet stands beside it and is in no share.
//   - A time runs from the raising to the first accept, the first contact in which somebody was reached, and the close. Where
//     it is still running it counts as longer than every other, so a median that those could still move is not told. What was closed
//     without being accepted, or without a contact, is in no time; "of" tells how many there were.
//   - Medians and 90th percentiles are of the nearest rank: a time that a warning really took.
//   - A patient-day is a day during which a patient belonged to a group and had not left. A rule's rate is over the days of
//     the patients whose groups used its pack. No rate is told below one patient-week.
//   - The week is cut into pieces of ten minutes. A piece in which more than ten warnings asked for each operator is a flood
//     (after ISA-18.2); operators are the accounts on duty that those warnings named, one where they named nobody.
//   - Admitted patients who had no warning are not in the log: Tocsin is not told of admissions.

// Quality is how good the warnings of each week were.
type Quality struct {
	Complete bool          `json:"complete" doc:"false while the log is still being read: the numbers are too small"`
	Since    *event.Time   `json:"since,omitempty" doc:"the oldest warning of which the log tells; absent when there is none"`
	ZoneMin  int           `json:"zone_min" doc:"minutes by which the clock of the weeks is ahead of UTC"`
	Group    string        `json:"group,omitempty" doc:"{tenant}/{group}: only its warnings; absent: all"`
	Weeks    []QualityWeek `json:"weeks" doc:"Monday to Monday, oldest first; the last one is still running"`
}

// QualityWeek is one week.
type QualityWeek struct {
	From        event.Time    `json:"from"`
	To          event.Time    `json:"to"`
	PatientDays float64       `json:"patient_days"`
	All         QualityLine   `json:"all"`
	Severities  []QualityLine `json:"severities" doc:"gravest first; those of which there were any"`
	Groups      []QualityLine `json:"groups" doc:"most warnings first; name is {tenant}/{group}"`
	Rules       []QualityLine `json:"rules" doc:"most warnings first; name is {pack}/{rule}"`
	Patients    []Talker      `json:"patients" doc:"the ten patients with the most warnings, those with one left out"`
	Shelved     []ShelvedWhy  `json:"shelved" doc:"why warnings were shelved in this week, most often first"`
	Load        DeskLoad      `json:"load"`
	Stale       int           `json:"stale" doc:"were open for more than 24 hours at the end of the week, or are now"`
	Admitted    int           `json:"admitted" doc:"warnings of the week that were closed since the patient was admitted"`
}

// QualityLine counts warnings of one kind.
type QualityLine struct {
	Name string `json:"name"`
	Tally
	ShareLow  *float64 `json:"share_low,omitempty" doc:"the 95 % interval of share (Wilson)"`
	ShareHigh *float64 `json:"share_high,omitempty"`
	Accept    Took     `json:"accept"`
	Contact   Took     `json:"contact"`
	Close     Took     `json:"close"`
}

// Took is how long something took from the raising.
type Took struct {
	N        int    `json:"n" doc:"how many times it happened"`
	Waiting  int    `json:"waiting" doc:"how many still wait for it"`
	MedianMs *int64 `json:"median_ms,omitempty" doc:"absent: those that wait could still move it, or there is none"`
	P90Ms    *int64 `json:"p90_ms,omitempty"`
}

// Talker is a patient with many warnings.
type Talker struct {
	Tenant  string `json:"tenant"`
	Patient string `json:"patient"`
	N       int    `json:"n"`
}

// ShelvedWhy is a reason for which warnings were shelved.
type ShelvedWhy struct {
	Reason string `json:"reason"`
	N      int    `json:"n"`
	Back   int    `json:"back" doc:"asked again when the time was over, for it lasted"`
}

// DeskLoad is how many warnings there were for each operator.
type DeskLoad struct {
	PieceMs    int64   `json:"piece_ms"`
	Limit      int     `json:"limit" doc:"warnings for each operator in one piece above which it is a flood"`
	Mean       float64 `json:"mean" doc:"warnings that asked, for each operator in a piece, over the week so far"`
	Most       float64 `json:"most" doc:"the most in one piece"`
	FloodShare float64 `json:"flood_share" doc:"of the week's pieces so far, from 0 to 1"`
	Floods     []Flood `json:"floods" doc:"oldest first"`
}

// Flood is a stretch of pieces with too many warnings.
type Flood struct {
	From      event.Time `json:"from"`
	To        event.Time `json:"to"`
	N         int        `json:"n"`
	Operators int        `json:"operators" doc:"the fewest of its pieces"`
}

// weekZoneMin is the clock of the weeks: that of China, which has one.
const weekZoneMin = 8 * 60

// quality answers how good the warnings were, of everybody or of one group.
func (s *Server) quality(ctx context.Context, tenant, group string) (Quality, error) {
	of, id := "", identityOf(ctx)
	if group != "" {
		if _, known := s.o.Directory.Group(tenant, group); !known {
			return Quality{}, refuse(http.StatusNotFound, "unknown", "没有这个专病组", "there is no such group")
		}
		of = tenant + "/" + group
	}
	if !everywhere(id.Scope) && (of == "" || !covers(id.Role, id.Scope, inGroup(tenant, group))) {
		return Quality{}, refuse(http.StatusForbidden, "relation", "请选择您管理范围内的专病组", "choose a group that is in your care")
	}
	if err := s.seeing(ctx, Entry{Action: "quality.read", Object: of}); err != nil {
		return Quality{}, err
	}
	q, sees := s.past.quality(of, event.TimeOf(s.o.Now())), s.sees(id)
	for i := range q.Weeks { // a patient may have moved to another group since
		q.Weeks[i].Patients = slices.DeleteFunc(q.Weeks[i].Patients, func(t Talker) bool { return !sees(streams.PatientKey(t.Tenant, t.Patient)) })
	}
	return q, nil
}
