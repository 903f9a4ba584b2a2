package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tocsin/care/vault"
	"tocsin/rules/pack"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// Options of the ward; all are needed but the vault.
type Options struct {
	Log    streams.Log
	View   *directory.View
	Asker  *directory.Asker
	Edge   *streams.Edge
	Broker string       // tcp://host:port of the gateway
	Vault  *vault.Vault // nil: nobody is named
	Logger *slog.Logger
	Began  func() // hears when the ward begins to publish
}

// span is how long the courses are laid out at once; after it the ward begins anew.
const span = 6 * time.Hour

// Run enrols the ward, loads its fourteen days of history and publishes until ctx ends.
func Run(ctx context.Context, o Options) error {
	w := NewWard()
	fresh := true
	if _, there := o.View.Patient(Tenant, w.Patients[0].ID); there {
		fresh = false
	}
	tokens, err := w.enrol(ctx, o)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if fresh {
		if err := w.load(ctx, o); err != nil {
			return fmt.Errorf("demo: load history: %w", err)
		}
	}
	if err := w.name(ctx, o); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	o.Began()
	for ctx.Err() == nil {
		if err := w.publish(ctx, o, tokens); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	return ctx.Err()
}

// cadence is how often the ward's groups are to be heard of: minutes stand for hours, so with the grace that follows from
// it a signal is silent after three of them. Nothing else of the library's packs is changed.
const cadence = 144 * time.Second

// request asks for the group with its library's pack.
func (g *Group) request() (*event.GroupRequested, error) {
	p, err := pack.Compile(pack.Library()[g.Pack])
	if err != nil {
		return nil, fmt.Errorf("group %s: pack %s: %w", g.ID, g.Pack, err)
	}
	r := &event.GroupRequested{Tenant: Tenant, Group: g.ID, Pack: g.Pack, Zh: g.Zh, En: g.En, CadenceMs: map[event.Quantity]int64{}, Overrides: g.overrides, By: doctor}
	for q, signal := range p.Signals {
		if signal.CadenceMs > 0 {
			r.CadenceMs[event.Quantity(q)] = cadence.Milliseconds()
		}
	}
	return r, nil
}

// enrol makes the ward's groups and patients with their plans, and answers the devices' tokens.
func (w *Ward) enrol(ctx context.Context, o Options) (map[string]string, error) {
	if err := found(ctx, o); err != nil {
		return nil, err
	}
	first, err := settleIn(ctx, o)
	if err != nil {
		return nil, err
	}
	var rows []directory.Row
	tokens := map[string]string{}
	for i, p := range w.Patients {
		tokens[p.Device()] = directory.NewToken()
		rows = append(rows, directory.Row{Line: i + 1, Tenant: Tenant, Patient: p.ID, Group: p.Group.ID, Device: p.Device(), Token: tokens[p.Device()], Consent: p.consent()})
		if was, _ := o.View.Patient(Tenant, p.ID); first || was.Group == "" { // who was moved at the desk stays there
			rows[i].Clinic = p.Clinic()
		}
	}
	// A further disease comes once the plan stands, so that what a doctor has chosen is never asked for.
	if _, err := imported(ctx, o, rows); err != nil {
		return nil, err
	}
	if err := w.order(ctx, o); err != nil {
		return nil, err
	}
	for i, p := range w.Patients {
		rows[i].Group = strings.Join(p.Groups(), "+")
	}
	position, err := imported(ctx, o, rows)
	if err != nil {
		return nil, err
	}
	return tokens, directory.WaitDoors(ctx, o.Log, position)
}

// consent is what everybody of the ward is made up to have signed: everything. The same at every start.
func (p *Patient) consent() *event.Consent {
	return &event.Consent{ID: "demo-" + p.ID, Purposes: event.Purposes, Form: "DEMO", FormVersion: "1", GivenAt: event.TimeOf(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)),
		How: "paper", GivenBy: "patient"}
}

// found makes the groups. What somebody changed of them at the desk since the ward was first let in stays.
func found(ctx context.Context, o Options) error {
	for _, g := range groups {
		if was, ok := o.View.Group(Tenant, g.ID); ok && was.Pack == g.Pack {
			continue
		}
		r, err := g.request()
		if err != nil {
			return err
		}
		if _, err := o.Asker.Ask(ctx, r); err != nil {
			return fmt.Errorf("group %s: %w", g.ID, err)
		}
	}
	return nil
}

// imported brings rows into the directory and answers how far it reaches with them.
func imported(ctx context.Context, o Options, rows []directory.Row) (int64, error) {
	outcomes, position, err := o.Asker.Import(ctx, rows, "demo", nil)
	if err != nil {
		return 0, err
	}
	for _, out := range outcomes {
		if out.Refused != nil {
			return 0, fmt.Errorf("patient %s: %s", out.Patient, out.Refused.En)
		}
	}
	return position, nil
}

// order asks for the plans of those who have none yet, as their doctor would.
func (w *Ward) order(ctx context.Context, o Options) error {
	for _, p := range w.Patients {
		if was, _ := o.View.Patient(Tenant, p.ID); was.Plan != nil {
			continue
		}
		if _, err := o.Asker.Ask(ctx, &event.PlanRequested{Tenant: Tenant, Patient: p.ID, Plan: p.orders(event.TimeOf(time.Now())), By: doctor}); err != nil {
			return fmt.Errorf("plan of %s: %w", p.ID, err)
		}
	}
	return nil
}

// load writes the ward's history straight into the log: no door takes readings that are two weeks old, and rightly so.
// The values are quiet, so nobody is warned by them.
func (w *Ward) load(ctx context.Context, o Options) error {
	now := event.TimeOf(time.Now())
	var left sync.WaitGroup
	var failed atomic.Pointer[error]
	for _, p := range w.Patients {
		for i, e := range p.history(now) {
			env := p.recorded(int64(i), e, now)
			left.Add(1)
			o.Edge.Append(streams.Inputs, env.Subject, env, func(_ int32, _ int64, err error) {
				defer left.Done()
				if err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			})
		}
	}
	left.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// bootOfHistory keeps the readings of history apart from those that are sent.
const bootOfHistory = 1

// recorded makes the event of a reading of history.
func (p *Patient) recorded(seq int64, e entry, now event.Time) event.Envelope {
	o := &event.ObservationRecorded{
		Device: p.Device(), MsgID: fmt.Sprintf("simulated/%s/%d", p.ID, seq), BootID: bootOfHistory, Seq: seq, Sequenced: true,
		MeasuredAt: e.At, ReceivedAt: now, Clock: event.Clock{Quality: event.ClockOK, Action: "simulated"}, Door: "demo",
	}
	for _, q := range inOrder(e.Values) {
		o.Readings = append(o.Readings, event.Reading{Quantity: q, Value: decimal(e.Values[q])})
	}
	for _, code := range inOrder(e.Says) {
		o.Answers = append(o.Answers, event.Answer{Code: code, Value: answer(e.Says[code])})
	}
	return event.Envelope{ID: fmt.Sprintf("%s/%d/%d", o.Device, o.BootID, o.Seq), Source: "demo", Subject: streams.PatientKey(Tenant, p.ID), At: now, Data: o}
}

// answer is what an answer comes to as a number.
func answer(v any) event.Decimal {
	switch v := v.(type) {
	case bool:
		if v {
			return event.One
		}
		return 0
	case float64:
		return decimal(v)
	}
	panic(fmt.Sprintf("an answer of the ward is neither yes or no nor a number: %v", v))
}

func inOrder[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// publish sends what the ward measures, each patient by a device and a connection of its own.
func (w *Ward) publish(ctx context.Context, o Options, tokens map[string]string) error {
	begin := time.Now()
	var all sync.WaitGroup
	for _, p := range w.Patients {
		all.Go(func() {
			if err := p.publish(ctx, begin, o, tokens[p.Device()]); err != nil && ctx.Err() == nil {
				o.Logger.Warn("a simulated device stopped", streams.KeyDevice, p.Device(), streams.KeyErr, err)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

func (p *Patient) publish(ctx context.Context, begin time.Time, o Options, token string) error {
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(o.Broker).SetClientID(p.Device()).SetUsername(p.Device()).SetPassword(token).
		SetCleanSession(false).SetAutoReconnect(true).SetConnectRetry(true).SetConnectRetryInterval(time.Second).SetMaxReconnectInterval(5 * time.Second).
		SetKeepAlive(60 * time.Second).SetOrderMatters(false))
	if t := c.Connect(); !wait(ctx, t) {
		return errors.Join(ctx.Err(), t.Error())
	}
	defer c.Disconnect(100)
	topic := "v1/" + Tenant + "/" + p.Device() + "/obs"
	for seq, u := range p.plan(event.TimeOf(begin), span) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(begin.Add(u.Send))):
		}
		b, err := p.envelope(begin, int64(seq), u)
		if err != nil {
			return err
		}
		c.Publish(topic, 1, false, b) // paho keeps it until it is acknowledged, over connections too
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(begin.Add(span))):
	}
	return ctx.Err()
}

// wait waits for a token unless ctx ends first.
func wait(ctx context.Context, t mqtt.Token) bool {
	select {
	case <-t.Done():
		return t.Error() == nil
	case <-ctx.Done():
		return false
	}
}

// codes are the native envelope's names of quantities.
var codes = map[event.Quantity]struct {
	mdc  int
	code string
	unit string
}{
	event.RespirationPerMin: {151562, "", "/min"}, event.SpO2Percent: {150456, "", "%"}, event.PulsePerMin: {149530, "", "/min"},
	event.SystolicMmHg: {150021, "", "mm[Hg]"}, event.DiastolicMmHg: {150022, "", "mm[Hg]"}, event.TemperatureCel: {150364, "", "Cel"},
	event.WeightKg: {188736, "", "kg"}, event.GlucoseMmolPerL: {160368, "", "mmol/L"}, event.SupplementalO2: {0, "supplemental_o2", ""},
	event.PeakFlowLPerMin: {152584, "", "L/min"}, event.KetoneMmolPerL: {0, "ketone_mmol_per_l", "mmol/L"},
}

// envelope is an upload in the native format, as a device would write it.
func (p *Patient) envelope(begin time.Time, seq int64, u upload) ([]byte, error) {
	measured := begin.Add(u.Measured)
	if u.Clock > 0 {
		measured = time.UnixMilli(u.Clock)
	}
	type reading struct {
		MDC  int    `json:"mdc,omitempty"`
		Code string `json:"code,omitempty"`
		V    any    `json:"v"`
		U    string `json:"u,omitempty"`
	}
	e := struct {
		V          int            `json:"v"`
		MsgID      string         `json:"msg_id"`
		BootID     int64          `json:"boot_id"`
		Seq        int64          `json:"seq"`
		PatientRef string         `json:"patient_ref"`
		Measured   string         `json:"t_meas"`
		Clock      map[string]any `json:"clock"`
		Obs        []reading      `json:"obs"`
	}{1, fmt.Sprintf("simulated/%s/%d/%d", p.ID, begin.Unix(), seq), begin.Unix(), seq, p.ID, measured.UTC().Format("2006-01-02T15:04:05.000Z"),
		map[string]any{"source": "utc", "synced": true, "timeline": "current"}, nil}
	for _, q := range inOrder(u.Values) {
		c := codes[q]
		r := reading{MDC: c.mdc, Code: c.code, U: c.unit, V: json.RawMessage(decimal(u.Values[q]).String())}
		if q == event.SupplementalO2 {
			r.V = u.Values[q] == 1
		}
		e.Obs = append(e.Obs, r)
	}
	for _, code := range inOrder(u.Says) {
		e.Obs = append(e.Obs, reading{Code: code, V: u.Says[code]})
	}
	return json.Marshal(e)
}

// Story answers what there is to be seen, a line for each course.
func Story() string {
	var b strings.Builder
	for _, p := range NewWard().Patients {
		if p.Course != nil {
			fmt.Fprintf(&b, "%s  %s\n", p.ID, p.Course.Story)
		}
	}
	return b.String()
}
