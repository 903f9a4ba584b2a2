package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/streams"
	"tocsin/streams/event"
)

// world runs the machine as the processor does: first in first out, each event applied to the entity that it is about.
type world struct {
	t   interface{ Fatalf(string, ...any) }
	m   Machine
	at  map[string]Entity
	now event.Time
	n   int
}

func newWorld(t interface{ Fatalf(string, ...any) }) *world {
	return &world{t: t, m: Machine{Check: testCheck}, at: map[string]Entity{}}
}

// testCheck takes texts such as "copd 3".
func testCheck(text string) (Checked, error) {
	c := Checked{Signatures: strings.Count(text, "!")}
	if _, err := fmt.Sscanf(text, "%s %d", &c.Pack, &c.Version); err != nil {
		return c, errors.New("line 1, column 1: want an id and a version")
	}
	return c, nil
}

// TestRUL3_AChangeNeedsASecondSigner: a pack that asks for two signatures changes only when two people ask for the same
// text; a newer proposal begins anew, and nothing of it is in effect before.
func TestRUL3_AChangeNeedsASecondSigner(t *testing.T) {
	w := newWorld(t)
	ask := func(text, by string) (published *event.PackPublished, proposed *event.PackProposed, refused *event.RequestRefused) {
		t.Helper()
		c, _ := testCheck(text)
		facts, refused := w.ask(&event.PackRequested{Pack: c.Pack, Version: c.Version, Text: text, By: by})
		for _, f := range facts {
			switch f := f.(type) {
			case *event.PackPublished:
				published = f
			case *event.PackProposed:
				proposed = f
			}
		}
		return published, proposed, refused
	}
	if p, _, _ := ask("copd 1 !!", "a"); p == nil || p.Signatures != 2 {
		t.Fatal("the first version needs one signature")
	}
	if p, q, _ := ask("copd 2 !!", "a"); p != nil || q == nil || q.Needs != 2 {
		t.Fatalf("one signature put it into effect: %+v %+v", p, q)
	}
	if p, q, r := ask("copd 2 !!", "a"); p != nil || q != nil || r == nil || r.Reason != "needs_second_signer" {
		t.Errorf("the same person signed twice: %+v %+v %+v", p, q, r)
	}
	if p, q, _ := ask("copd 2 !! other", "b"); p != nil || q == nil || len(q.Signed) != 1 {
		t.Errorf("another text is another proposal: %+v %+v", p, q)
	}
	if p, _, _ := ask("copd 2 !! other", "a"); p == nil || !slices.Equal(p.Signed, []string{"b", "a"}) {
		t.Errorf("two people signed it: %+v", p)
	}
}

// ask folds one request and answers what was decided, forwards left out.
func (w *world) ask(r event.Event) (facts []event.Event, refused *event.RequestRefused) {
	key, err := KeyOf(r)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	w.n++
	w.now++
	queue := []event.Envelope{{ID: fmt.Sprintf("ask-%d", w.n), Subject: key, At: w.now, Data: r}}
	w.apply(queue[0])
	for len(queue) > 0 {
		e := queue[0]
		queue = queue[1:]
		before := w.json(e.Subject)
		decided, err := w.m.Decide(struct{}{}, w.at[e.Subject], e, w.now)
		if err != nil {
			w.t.Fatalf("%v", err)
		}
		if w.json(e.Subject) != before {
			w.t.Fatalf("Decide altered %s", e.Subject)
		}
		for _, d := range decided {
			next := event.Envelope{ID: "x", Subject: e.Subject, At: w.now, Cause: e.ID, Data: d}
			if about, ok := d.(streams.About); ok {
				next.Subject = about.About()
			}
			w.apply(next)
			queue = append(queue, next)
			switch d := d.(type) {
			case *event.RequestForwarded:
			case *event.RequestRefused:
				refused = d
			default:
				facts = append(facts, d)
			}
		}
	}
	return facts, refused
}

func (w *world) apply(e event.Envelope) {
	was := w.at[e.Subject]
	before := w.json(e.Subject)
	now, err := w.m.Apply(struct{}{}, was, e, w.now)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	if w.json(e.Subject) != before {
		w.t.Fatalf("Apply altered what it was given: %s", e.Subject)
	}
	w.at[e.Subject] = now
	b, err := json.Marshal(now)
	var back Entity
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil || !reflect.DeepEqual(back, now) {
		w.t.Fatalf("%s reads back to something else: %s, %v", e.Subject, b, err)
	}
}

func (w *world) json(key string) string {
	b, err := json.Marshal(w.at[key])
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return string(b)
}

func types(facts []event.Event) string {
	var names []string
	for _, f := range facts {
		names = append(names, string(f.Type()))
	}
	return strings.Join(names, " ")
}

func (w *world) want(r event.Event, want string) {
	facts, refused := w.ask(r)
	got := types(facts)
	if refused != nil {
		got = strings.TrimSpace(got + " refused:" + refused.Reason)
		if refused.Zh == "" || refused.En == "" || refused.Request != fmt.Sprintf("ask-%d", w.n) {
			w.t.Fatalf("a refusal needs words and the request's id: %+v", refused)
		}
	}
	if got != want {
		w.t.Fatalf("%+v: got %q, want %q", r, got, want)
	}
}

var hash = Sum("secret")

func row(tenant, patient, group, device string) *event.EnrolRequested {
	return &event.EnrolRequested{Tenant: tenant, Patient: patient, Group: group, Device: device, TokenSHA256: hash}
}

func TestFirstImportMakesEverything(t *testing.T) {
	w := newWorld(t)
	w.want(row("t1", "P-0113", "ward", "d1"), "tenant.created group.set patient.enrolled device.bound")
	if g := w.at["group/t1/ward"].Group; g == nil || g.Pack != DefaultPack {
		t.Fatalf("the group uses %+v, not %s", g, DefaultPack)
	}
	if d := w.at["device/d1"].Device; d == nil || d.From != w.now || d.TokenSHA256 != hash {
		t.Fatalf("bound as %+v", d)
	}
	w.want(row("t1", "P-0114", "ward", "d2"), "patient.enrolled device.bound")
}

func TestSameImportAgainDecidesNothing(t *testing.T) {
	w := newWorld(t)
	w.want(row("t1", "P-0113", "ward", "d1"), "tenant.created group.set patient.enrolled device.bound")
	w.want(row("t1", "P-0113", "ward", "d1"), "")
	again := row("t1", "P-0113", "ward", "d1")
	again.TokenSHA256 = "" // the column was empty: the token stays
	w.want(again, "")
	w.want(row("t1", "P-0113", "copd", "d1"), "group.set patient.grouped")
	other := row("t1", "P-0113", "copd", "d1")
	other.TokenSHA256 = Sum("another")
	w.want(other, "device.bound")
	w.want(row("t1", "P-0113", "copd", "d2"), "device.bound") // a second device of his
}

func TestGroupUsesThePackOfItsName(t *testing.T) {
	w := newWorld(t)
	w.want(&event.PackRequested{Pack: "copd", Version: 1, Text: "copd 1"}, "pack.published")
	w.want(row("t1", "P-0113", "copd", "d1"), "tenant.created group.set patient.enrolled device.bound")
	if g := w.at["group/t1/copd"].Group; g.Pack != "copd" {
		t.Fatalf("the group uses %s", g.Pack)
	}
}

func TestHeldDeviceIsRefused(t *testing.T) {
	w := newWorld(t)
	w.ask(row("t1", "P-0113", "ward", "d1"))
	w.want(row("t2", "P-1", "ward", "d1"), "refused:device_taken")
	if w.at["tenant/t2"].Tenant || w.at["patient/t2/P-1"].Patient != nil {
		t.Fatal("a refused row left something behind")
	}
	w.want(row("t1", "P-0114", "ward", "d1"), "refused:device_taken")
	w.want(&event.RevokeRequested{Device: "d1"}, "device.revoked")
	w.want(&event.RevokeRequested{Device: "d1"}, "")
	w.want(row("t2", "P-1", "ward", "d1"), "tenant.created group.set patient.enrolled device.bound")
	w.want(row("t1", "P-0113", "ward", "d1"), "refused:device_taken")
}

func TestNamesThatWouldBreakKeysAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, r := range []*event.EnrolRequested{
		row("tocsin", "P-1", "ward", "d1"), row("", "P-1", "ward", "d1"), row("a/b", "P-1", "ward", "d1"), row("t", "", "ward", "d1"),
		row("t", "P-1", "", "d1"), row("t", "P-1", "ward", "d/1"), row("t", "P-1", "ward", "d+"), row("t", "P\n1", "ward", "d1"),
		row("t", strings.Repeat("x", 129), "ward", "d1"), row("t", "P-1", "ward", "$SYS"), row("t", " P-1", "ward", "d1"),
	} {
		w.want(r, "refused:bad_name")
	}
	bad := row("t", "P-1", "ward", "d1")
	bad.TokenSHA256 = "secret"
	w.want(bad, "refused:bad_name")
	bad.TokenSHA256 = ""
	w.want(bad, "refused:needs_token")
	w.want(row("t", "P/1", "ward", "d1"), "tenant.created group.set patient.enrolled device.bound")
}

func TestPackIsCompiledAndGetsNewer(t *testing.T) {
	w := newWorld(t)
	w.want(&event.PackRequested{Pack: "copd", Version: 2, Text: "copd 2"}, "pack.published")
	w.want(&event.PackRequested{Pack: "copd", Version: 2, Text: "copd 2"}, "")
	w.want(&event.PackRequested{Pack: "copd", Version: 2, Text: "copd 2 "}, "refused:not_newer")
	w.want(&event.PackRequested{Pack: "copd", Version: 1, Text: "copd 1"}, "refused:not_newer")
	w.want(&event.PackRequested{Pack: "copd", Version: 3, Text: "copd"}, "refused:bad_pack")
	w.want(&event.PackRequested{Pack: "copd", Version: 3, Text: "other 3"}, "refused:bad_pack")
	w.want(&event.PackRequested{Pack: "copd", Version: 3, Text: "copd 3"}, "pack.published")
}

func TestPlansGroupsAccountsTokens(t *testing.T) {
	w := newWorld(t)
	low := event.Int(88)
	plan := event.Plan{Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low}}}
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: plan}, "refused:unknown")
	w.ask(row("t1", "P-1", "ward", "d1"))
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: plan}, "plan.changed")
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: plan}, "")
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: event.Plan{SpO2Scale: 2}}, "refused:bad_plan")
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: event.Plan{SpO2Scale: 2, OrderedBy: "dr-1", OrderedAt: 1}}, "plan.changed")
	high := event.Int(80)
	w.want(&event.PlanRequested{Tenant: "t1", Patient: "P-1", Plan: event.Plan{Targets: map[event.Quantity]event.Target{event.SpO2Percent: {Low: &low, High: &high}}}}, "refused:bad_plan")
	if p := w.at["patient/t1/P-1"].Patient; p.Group != "ward" || p.Plan.SpO2Scale != 2 {
		t.Fatalf("the patient is %+v", p)
	}

	w.want(&event.GroupRequested{Tenant: "t3", Group: "icu", Pack: "nothing"}, "refused:unknown")
	if w.at["tenant/t3"].Tenant {
		t.Fatal("a refused group left its tenant behind")
	}
	w.ask(&event.PackRequested{Pack: "news2", Version: 1, Text: "news2 1"})
	icu := &event.GroupRequested{Tenant: "t3", Group: "icu", Pack: "news2", CadenceMs: map[event.Quantity]int64{event.PulsePerMin: 0}, AsRecorded: true}
	w.want(icu, "tenant.created group.set")
	w.want(icu, "")
	w.want(row("t3", "P-1", "icu", "d9"), "patient.enrolled device.bound")

	a := &event.AccountRequested{Account: "nurse-a", Role: "nurse", Password: "$argon2id$"}
	w.want(a, "account.set")
	w.want(a, "")
	w.want(&event.AccountRequested{Account: "x", Role: "king"}, "refused:bad_role")
	k := &event.TokenRequested{Token: "k1", SHA256: hash, Role: "auditor"}
	w.want(k, "token.set")
	w.want(k, "")
	w.want(&event.TokenRequested{Token: "k1", SHA256: "x", Role: "auditor"}, "refused:bad_token")
	w.want(&event.RevokeRequested{Device: "nothing"}, "refused:unknown")
}

// Whatever is asked in any order: a device is held by one patient; who holds it has its group and tenant; asking the same
// twice in a row decides nothing the second time.
func TestAnyOrderKeepsTheDirectoryWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		for range rapid.IntRange(1, 40).Draw(t, "asks") {
			var r event.Event
			switch pick("what", "row", "row", "row", "revoke", "group", "pack") {
			case "row":
				e := row(pick("tenant", "t1", "t2"), pick("patient", "p1", "p2", "p3"), pick("group", "g1", "g2"), pick("device", "", "d1", "d2"))
				e.Also = rapid.SampledFrom([][]string{nil, nil, {"g3"}, {"g4", "g3"}, {"g2"}}).Draw(t, "also")
				e.TokenSHA256 = pick("token", "", hash, Sum("b"))
				r = e
			case "revoke":
				r = &event.RevokeRequested{Device: pick("device", "d1", "d2")}
			case "group":
				r = &event.GroupRequested{Tenant: pick("tenant", "t1", "t2"), Group: pick("group", "g1", "g2"), Pack: pick("pack", "g1", "none")}
			case "pack":
				v := rapid.IntRange(1, 3).Draw(t, "version")
				r = &event.PackRequested{Pack: "g1", Version: v, Text: fmt.Sprintf("g1 %d", v)}
			}
			held := map[string]Device{}
			for _, d := range []string{"d1", "d2"} {
				if b := w.at[DeviceKey(d)].Device; b != nil && !b.Revoked {
					held[d] = *b
				}
			}
			facts, refused := w.ask(r)
			if refused != nil && len(facts) > 0 {
				t.Fatalf("%+v was refused and decided %s", r, types(facts))
			}
			again, refusedAgain := w.ask(r)
			if len(again) > 0 || (refused == nil) != (refusedAgain == nil) {
				t.Fatalf("%+v asked again decided %s, refused %v", r, types(again), refusedAgain)
			}
			for d, was := range held {
				b := w.at[DeviceKey(d)].Device
				if b.Patient != was.Patient || b.Tenant != was.Tenant {
					t.Fatalf("device %s moved from %+v to %+v without being revoked", d, was, b)
				}
			}
			for key, e := range w.at {
				if e.Device != nil && (w.at[PatientKey(e.Device.Tenant, e.Device.Patient)].Patient == nil || !w.at[TenantKey(e.Device.Tenant)].Tenant) {
					t.Fatalf("%s is bound to nobody: %+v", key, e.Device)
				}
				for _, g := range groupsIn(e.Patient) {
					if w.at[GroupKey(strings.Split(key, "/")[1], g)].Group == nil {
						t.Fatalf("%s is in group %s, which is not there", key, g)
					}
				}
			}
		}
	})
}

func groupsIn(p *Patient) []string {
	if p == nil || p.Group == "" {
		return nil
	}
	return append([]string{p.Group}, p.Also...)
}
