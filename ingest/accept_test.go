package ingest

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

var binding = Binding{Device: "d", Tenant: "t", Patient: "P-0113", Group: "g"}

func accept(payload string) (*event.Envelope, []event.Envelope) {
	return Accept(Raw{Topic: "v1/t/d/obs", Payload: []byte(payload), Door: "gateway-1"}, binding, now)
}

func TestAcceptReadsTheExample(t *testing.T) {
	b, err := os.ReadFile("testdata/native.json")
	if err != nil {
		t.Fatal(err)
	}
	const device = "74E8FFFEFF051C00"
	rec, rej := Accept(Raw{Topic: "v1/hospital-1/" + device + "/obs", Payload: b, Door: "gateway-1"}, Binding{Device: device, Tenant: "hospital-1", Patient: "P000123"}, now)
	if rec == nil || len(rej) > 0 {
		t.Fatalf("rejected: %+v", rej)
	}
	if rec.ID != device+"/6/417" || rec.Subject != "hospital-1/P000123" || rec.Source != "gateway-1" || rec.At != now {
		t.Errorf("envelope %+v", rec)
	}
	o := rec.Data.(*event.ObservationRecorded)
	want := []event.Reading{{Quantity: event.SpO2Percent, Value: event.Int(91)}, {Quantity: event.PulsePerMin, Value: event.Int(112)}}
	if o.Device != device || o.MsgID != device+"/6/000417" || o.BootID != 6 || o.Seq != 417 || !o.Sequenced || o.Door != "gateway-1" || !slices.Equal(o.Readings, want) {
		t.Errorf("observation %+v", o)
	}
	if at := event.TimeOf(now.Std()) - 45*minute; o.MeasuredAt != at || o.Clock.OffsetMs != 60_000 || o.Clock.Quality != event.ClockCorrected {
		t.Errorf("measured at %s with %+v, want %s", o.MeasuredAt, o.Clock, at)
	}
}

// One upload, one reading each: what becomes of it.
func TestING10_ING11_WhatBecomesOfAReading(t *testing.T) {
	spo2 := func(v string, m event.Mark) event.Reading {
		return event.Reading{Quantity: event.SpO2Percent, Value: dec(v), Mark: m}
	}
	for name, c := range map[string]struct {
		item   string
		want   event.Reading
		reason string
	}{
		"plausible":                         {item: `"mdc":150456,"v":91,"u":"%","q":"ok"`, want: spo2("91", "")},
		"no quality said":                   {item: `"mdc":150456,"v":91,"u":"%"`, want: spo2("91", "")},
		"doubted by the sender":             {item: `"mdc":150456,"v":91,"u":"%","q":"questionable"`, want: spo2("91", event.LowQuality)},
		"a quality that is no word":         {item: `"mdc":150456,"v":91,"u":"%","q":0`, want: spo2("91", event.LowQuality)},
		"test data":                         {item: `"mdc":150456,"v":91,"u":"%","q":"test"`, want: spo2("91", event.TestData)},
		"implausible":                       {item: `"mdc":150456,"v":60,"u":"%"`, want: spo2("60", event.Unconfirmed)},
		"implausible and doubted":           {item: `"mdc":150456,"v":60,"u":"%","q":"motion"`, want: spo2("60", event.LowQuality)},
		"impossible":                        {item: `"mdc":150456,"v":104,"u":"%"`, reason: Impossible},
		"impossible though test":            {item: `"mdc":150456,"v":104,"u":"%","q":"test"`, reason: Impossible},
		"beyond all numbers":                {item: `"mdc":150456,"v":1e300,"u":"%"`, reason: Impossible},
		"a fraction that says so":           {item: `"mdc":150456,"v":0.97,"u":"{fraction}"`, want: spo2("97", "")},
		"a fraction that claims percent":    {item: `"mdc":150456,"v":0.97,"u":"%"`, reason: Impossible},
		"a fraction without a unit":         {item: `"mdc":150456,"v":0.97`, reason: UnitReason},
		"fahrenheit":                        {item: `"mdc":150364,"v":98.6,"u":"[degF]"`, want: event.Reading{Quantity: event.TemperatureCel, Value: dec("37")}},
		"fahrenheit without a unit":         {item: `"mdc":150364,"v":98.6`, reason: UnitReason},
		"fahrenheit that claims celsius":    {item: `"mdc":150364,"v":98.6,"u":"Cel"`, reason: Impossible},
		"a 32-bit float":                    {item: `"mdc":150364,"v":36.599998474121094,"u":"Cel"`, want: event.Reading{Quantity: event.TemperatureCel, Value: dec("36.599998")}},
		"glucose by mass":                   {item: `"mdc":160368,"v":180.156,"u":"mg/dL"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("10")}},
		"glucose by moles":                  {item: `"mdc":160368,"v":5.5,"u":"mmol/L"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("5.5")}},
		"glucose by mass that claims moles": {item: `"mdc":160368,"v":180,"u":"mmol/L"`, reason: Impossible},
		"peak flow in cL/s":                 {item: `"mdc":152584,"v":820,"u":"cL/s"`, want: event.Reading{Quantity: event.PeakFlowLPerMin, Value: dec("492")}},
		"ketone":                            {item: `"code":"ketone","v":0.6,"u":"mmol/L"`, want: event.Reading{Quantity: event.KetoneMmolPerL, Value: dec("0.6")}},
		"unit of another quantity":          {item: `"mdc":149530,"v":91,"u":"%"`, reason: UnitReason},
		"a unit that is a number":           {item: `"mdc":150456,"v":91,"u":1`, reason: UnitReason},
		"unit with an escape":               {item: `"mdc":150456,"v":91,"u":"\u0025"`, want: spo2("91", "")},
		"not a number":                      {item: `"mdc":150456,"v":8388607,"u":"%"`, reason: NotANumber},
		"not a number, without a unit":      {item: `"mdc":150456,"v":8388607`, reason: NotANumber},
		"not a number, short":               {item: `"mdc":149530,"v":2047,"u":"/min"`, reason: NotANumber},
		"128 pounds in ounces":              {item: `"mdc":188736,"v":2048,"u":"[oz_av]"`, want: event.Reading{Quantity: event.WeightKg, Value: dec("58.059823")}},
		"peak flow in mL/s":                 {item: `"mdc":152584,"v":2050,"u":"mL/s"`, want: event.Reading{Quantity: event.PeakFlowLPerMin, Value: dec("123")}},
		"not a number, in mg/dL":            {item: `"mdc":160368,"v":2047,"u":"mg/dL"`, reason: NotANumber},
		"20 mg/dL":                          {item: `"mdc":160368,"v":20,"u":"mg/dL"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("1.110149")}},
		"just below 20 mg/dL":               {item: `"mdc":160368,"v":19.9,"u":"mg/dL"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("1.104598"), Mark: event.Unconfirmed}},
		"600 mg/dL":                         {item: `"mdc":160368,"v":600,"u":"mg/dL"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("33.304469")}},
		"2200 mg/dL":                        {item: `"mdc":160368,"v":2200,"u":"mg/dL"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("122.116388"), Mark: event.Unconfirmed}},
		"a meter that says LO":              {item: `"mdc":160368,"v":"LO","u":"mg/dL"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("1.110148"), Mark: event.Unconfirmed}},
		"a meter that says HI":              {item: `"mdc":160368,"v":"HI","u":"mmol/L"`, want: event.Reading{Quantity: event.GlucoseMmolPerL, Value: dec("33.30447"), Mark: event.Unconfirmed}},
		"LO of what has no such code":       {item: `"mdc":150456,"v":"LO","u":"%"`, reason: ValueReason},
		"nothing":                           {item: `"mdc":150456,"v":null,"u":"%"`, reason: ValueReason},
		"text":                              {item: `"mdc":150456,"v":"91","u":"%"`, reason: ValueReason},
		"code that nobody knows":            {item: `"mdc":999999,"v":91,"u":"%"`, reason: UnknownCode},
		"name that is no code":              {item: `"code":"Mood","v":3`, reason: UnknownCode},
		"name that is nearly a quantity's":  {item: `"code":"suplemental_o2","v":true`, reason: UnknownCode},
		"another name of a quantity":        {item: `"code":"spo2","v":91,"u":"%"`, reason: UnknownCode},
		"a quantity by its own name":        {item: `"code":"spo2_percent","v":91,"u":"%"`, want: spo2("91", "")},
		"glucose of a sensor":               {item: `"mdc":160212,"v":180.156,"u":"mg/dL"`, want: event.Reading{Quantity: event.SensorGlucoseMmolPerL, Value: dec("10")}},
		"a sensor that says LO":             {item: `"code":"sensor_glucose_mmol_per_l","v":"LO"`, want: event.Reading{Quantity: event.SensorGlucoseMmolPerL, Value: dec("1.110148"), Mark: event.Unconfirmed}},
		"mean pressure in kPa":              {item: `"mdc":150023,"v":12,"u":"kPa"`, want: event.Reading{Quantity: event.MeanPressureMmHg, Value: dec("90.007389")}},
		"oxygen in mL/min":                  {item: `"code":"o2_flow_l_per_min","v":500,"u":"mL/min"`, want: event.Reading{Quantity: event.O2FlowLPerMin, Value: dec("0.5")}},
		"a fraction of oxygen":              {item: `"code":"fio2_percent","v":0.4,"u":"{fraction}"`, want: event.Reading{Quantity: event.FiO2Percent, Value: dec("40")}},
		"oxygen of 0.4 percent":             {item: `"code":"fio2_percent","v":0.4,"u":"%"`, reason: Impossible},
		"refill in seconds":                 {item: `"code":"capillary_refill_s","v":3.5,"u":"sec"`, want: event.Reading{Quantity: event.CapillaryRefillS, Value: dec("3.5")}},
		"distress as a word":                {item: `"code":"respiratory_distress","v":"severe"`, want: event.Reading{Quantity: event.RespiratoryDistress, Value: event.Int(3)}},
		"distress as a number":              {item: `"code":"respiratory_distress","v":1`, want: event.Reading{Quantity: event.RespiratoryDistress, Value: event.Int(1)}},
		"distress beyond severe":            {item: `"code":"respiratory_distress","v":4`, reason: ValueReason},
		"distress in between":               {item: `"code":"respiratory_distress","v":1.5`, reason: ValueReason},
		"distress with a unit":              {item: `"code":"respiratory_distress","v":1,"u":"/min"`, reason: UnitReason},
		"urine of a day":                    {item: `"code":"urine_ml_per_h","v":1.8,"u":"L/(24.h)"`, want: event.Reading{Quantity: event.UrineMlPerH, Value: dec("75")}},
		"no urine":                          {item: `"code":"urine_ml_per_h","v":0,"u":"mL/h"`, want: event.Reading{Quantity: event.UrineMlPerH}},
		"steps":                             {item: `"code":"steps_per_day","v":2047,"u":"{steps}/d"`, want: event.Reading{Quantity: event.StepsPerDay, Value: event.Int(2047)}},
		"steps of an hour":                  {item: `"code":"steps_per_day","v":2000,"u":"{steps}/h"`, reason: UnitReason},
		"pain without a unit":               {item: `"code":"pain_nrs","v":7`, want: event.Reading{Quantity: event.PainNRS, Value: event.Int(7)}},
		"pain in millimetres":               {item: `"code":"pain_nrs","v":70,"u":"mm"`, reason: UnitReason},
		"pain beyond the scale":             {item: `"code":"pain_nrs","v":11,"u":"{score}"`, reason: Impossible},
		"fluid taken up":                    {item: `"code":"ultrafiltration_ml_per_day","v":-0.3,"u":"L/d"`, want: event.Reading{Quantity: event.UltrafiltrationMlPerDay, Value: event.Int(-300)}},
		"no code":                           {item: `"v":91,"u":"%"`, reason: UnknownCode},
		"a code that is text":               {item: `"mdc":"150456","v":91,"u":"%"`, reason: UnknownCode},
		"two codes":                         {item: `"mdc":150456,"code":"acvpu","v":91,"u":"%"`, reason: UnknownCode},
		"alert":                             {item: `"code":"acvpu","v":"A"`, want: event.Reading{Quantity: event.ACVPU, Value: event.Alert}},
		"unresponsive":                      {item: `"code":"acvpu","v":"U"`, want: event.Reading{Quantity: event.ACVPU, Value: event.Unresponsive}},
		"consciousness in small letters":    {item: `"code":"acvpu","v":"a"`, reason: ValueReason},
		"consciousness as a number":         {item: `"code":"acvpu","v":0`, reason: ValueReason},
		"consciousness with a unit":         {item: `"code":"acvpu","v":"A","u":"%"`, reason: UnitReason},
		"on oxygen":                         {item: `"code":"supplemental_o2","v":true`, want: event.Reading{Quantity: event.SupplementalO2, Value: event.One}},
		"on air":                            {item: `"code":"supplemental_o2","v":false`, want: event.Reading{Quantity: event.SupplementalO2}},
		"oxygen as a number":                {item: `"code":"supplemental_o2","v":1`, reason: ValueReason},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"v":1,"msg_id":"m","obs":[{` + c.item + `}]}`
			rec, rej := accept(body)
			if c.reason != "" {
				checkRejected(t, rec, rej, body, c.reason)
				return
			}
			if rec == nil || len(rej) > 0 {
				t.Fatalf("rejected: %+v", rej)
			}
			if got := rec.Data.(*event.ObservationRecorded).Readings; len(got) != 1 || got[0] != c.want {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func checkRejected(t *testing.T, rec *event.Envelope, rej []event.Envelope, body, reason string) {
	t.Helper()
	if rec != nil || len(rej) != 1 {
		t.Fatalf("recorded %+v, rejected %+v; want one rejected as %s", rec, rej, reason)
	}
	r := rej[0].Data.(*event.ObservationRejected)
	if r.Reason != reason || r.Detail == "" || r.MsgID != "m" || r.Device != "d" || r.Tenant != "t" || r.ReceivedAt != now || string(r.Raw) != body {
		t.Fatalf("rejected as %+v, want %s with msg_id and bytes", r, reason)
	}
}

// One bad reading takes no good one with it, and each reason is told once.
func TestAcceptKeepsWhatIsGood(t *testing.T) {
	body := `{"v":1,"msg_id":"m","obs":[{"mdc":150456,"v":91,"u":"%"},{"mdc":149530,"v":8388607,"u":"/min"},{"mdc":999,"v":1,"u":"%"},{"mdc":998,"v":1},{"code":"acvpu","v":"C"}]}`
	rec, rej := accept(body)
	if rec == nil || len(rec.Data.(*event.ObservationRecorded).Readings) != 2 {
		t.Fatalf("recorded %+v", rec)
	}
	var reasons []string
	ids := map[string]bool{rec.ID: true}
	for _, e := range rej {
		r := e.Data.(*event.ObservationRejected)
		reasons = append(reasons, r.Reason)
		ids[e.ID] = true
		if string(r.Raw) != body {
			t.Errorf("bytes of %s are %q", r.Reason, r.Raw)
		}
		if r.Reason == UnknownCode && (!strings.Contains(r.Detail, "999") || !strings.Contains(r.Detail, "998")) {
			t.Errorf("unknown codes are not listed: %s", r.Detail)
		}
	}
	if !slices.Equal(reasons, []string{NotANumber, UnknownCode}) || len(ids) != 3 {
		t.Errorf("reasons %v, ids %v", reasons, ids)
	}
}

func TestAcceptOneQuantityTwice(t *testing.T) {
	body := `{"v":1,"msg_id":"m","obs":[{"mdc":150456,"v":91,"u":"%"},{"mdc":150456,"v":97,"u":"%"},{"mdc":149530,"v":80,"u":"/min"},{"mdc":149530,"v":80.0,"u":"1/min"}]}`
	rec, rej := accept(body)
	want := []event.Reading{{Quantity: event.PulsePerMin, Value: event.Int(80)}}
	if rec == nil || !slices.Equal(rec.Data.(*event.ObservationRecorded).Readings, want) {
		t.Fatalf("recorded %+v, want the pulse that was said twice alike", rec)
	}
	checkRejected(t, nil, rej, body, Duplicate)
}

func TestAcceptWhoMaySpeak(t *testing.T) {
	const good = `{"v":1,"msg_id":"m","obs":[{"mdc":150456,"v":91,"u":"%"}]}`
	revoked := binding
	revoked.Revoked = true
	for name, c := range map[string]struct {
		topic, body string
		b           Binding
		reason      string
	}{
		"another's device":  {"v1/t/e/obs", good, binding, ForeignTopic},
		"another's tenant":  {"v1/u/d/obs", good, binding, ForeignTopic},
		"its own commands":  {"v1/t/d/cmd", good, binding, ForeignTopic},
		"no topic at all":   {"x", good, binding, ForeignTopic},
		"without access":    {"v1/t/d/obs", good, revoked, Revoked},
		"another patient":   {"v1/t/d/obs", `{"v":1,"msg_id":"m","patient_ref":"P-0114","obs":[{"mdc":150456,"v":91,"u":"%"}]}`, binding, PatientMismatch},
		"nothing measured":  {"v1/t/d/obs", `{"v":1,"msg_id":"m","obs":[]}`, binding, Empty},
		"cut off":           {"v1/t/d/obs", `{"v":1,"obs":[{"mdc":150456}],"msg_id": "m"`, binding, Unreadable},
		"unreadable before": {"v1/t/d/obs", `{"v":1,,"msg_id":"m"}`, binding, Unreadable},
		"another version":   {"v1/t/d/obs", `{"msg_id":"m","v":9}`, binding, Version},
	} {
		t.Run(name, func(t *testing.T) {
			rec, rej := Accept(Raw{Topic: c.topic, Payload: []byte(c.body), Door: "g"}, c.b, now)
			checkRejected(t, rec, rej, c.body, c.reason)
		})
	}
	if rec, _ := accept(`{"v":1,"patient_ref":"P-0113","obs":[{"mdc":150456,"v":91,"u":"%"}]}`); rec == nil {
		t.Error("the bound patient's own name was refused")
	}
}

func TestAcceptKeepsTheBeginningOfWhatIsTooLarge(t *testing.T) {
	body := `{"v":1,"msg_id":"m","x":"` + strings.Repeat("x", 200<<10) + `"}`
	rec, rej := accept(body)
	if rec != nil || len(rej) != 1 {
		t.Fatalf("recorded %+v, rejected %d", rec, len(rej))
	}
	r := rej[0].Data.(*event.ObservationRejected)
	if r.Reason != TooLarge || r.MsgID != "m" || string(r.Raw) != body[:128<<10] || !strings.Contains(r.Detail, "SHA-256") {
		t.Errorf("rejected as %s, %s with %d bytes", r.Reason, r.Detail, len(r.Raw))
	}
	record, err := streams.ToRecord(streams.Rejected, 0, "d", rej[0])
	if err != nil || len(record.Value) > streams.MaxEventBytes {
		t.Errorf("as a record it has %d bytes, %v", len(record.Value), err)
	}
}

// The same upload has the same identity, whenever and wherever it comes in; another has another.
func TestING2_SameUploadSameIdentity(t *testing.T) {
	const body = `{"v":1,%"obs":[{"mdc":150456,"v":91,"u":"%"},{"mdc":1,"v":2}]}`
	ids := map[string]string{
		`"boot_id":6,"seq":417,"msg_id":"m",`: "d/6/417",
		`"boot_id":6,"seq":418,"msg_id":"m",`: "d/6/418",
		`"boot_id":0,"seq":0,`:                "d/0/0",
		`"msg_id":"m",`:                       "d/m",
		`"msg_id":"m","seq":417,`:             "d/m",
		``:                                    "",
	}
	for fields, want := range ids {
		payload := []byte(strings.Replace(body, "%", fields, 1))
		first, firstRej := Accept(Raw{Topic: "v1/t/d/obs", Payload: payload, Door: "gateway-1"}, binding, now)
		again, againRej := Accept(Raw{Topic: "v1/t/d/obs", Payload: payload, Door: "bridge"}, binding, now+hour)
		if first.ID != again.ID || firstRej[0].ID != againRej[0].ID || firstRej[0].ID == first.ID {
			t.Errorf("%s: %s and %s, %s and %s", fields, first.ID, again.ID, firstRej[0].ID, againRej[0].ID)
		}
		if want != "" && first.ID != want || want == "" && !strings.HasPrefix(first.ID, "d/#") {
			t.Errorf("%s: id %s, want %s", fields, first.ID, want)
		}
		o, p := *first.Data.(*event.ObservationRecorded), *again.Data.(*event.ObservationRecorded)
		if o.Sequenced != p.Sequenced || o.BootID != p.BootID || o.Seq != p.Seq || o.MsgID != p.MsgID || !o.Sequenced && o.MsgID == "" {
			t.Errorf("%s: identities %+v and %+v", fields, o, p)
		}
	}
}

// A msg_id that belongs to something else in the envelope is no id of the upload: two readings must not pass for one.
func TestING2_AnInnerMsgIDIsNoIdentity(t *testing.T) {
	first, _ := accept(`{"v":1,"meta":{"msg_id":"boot"},"obs":[{"mdc":150456,"v":97,"u":"%"}]}`)
	second, _ := accept(`{"v":1,"meta":{"msg_id":"boot"},"obs":[{"mdc":150456,"v":84,"u":"%"}]}`)
	if first == nil || second == nil || first.ID == second.ID || !strings.HasPrefix(second.ID, "d/#") {
		t.Errorf("recorded as %+v and %+v", first, second)
	}
	if _, rej := accept(`{"v":1,"meta":{"msg_id":"boot"},"obs":[]}`); len(rej) != 1 || rej[0].ID == "d/boot/"+Empty {
		t.Errorf("rejected as %+v", rej)
	}
}

func TestRejectKeepsWhatADoorCannotTake(t *testing.T) {
	e := Reject(Raw{Topic: "v1/t/stranger/obs", Payload: []byte(`{"v":1,"msg_id":"m","obs":[]}`), Door: "bridge"}, Binding{}, now, UnknownDevice, "nobody is bound to it")
	r := e.Data.(*event.ObservationRejected)
	if r.Device != "stranger" || r.Tenant != "t" || r.MsgID != "m" || r.Reason != UnknownDevice || e.ID != "stranger/m/unknown_device" {
		t.Errorf("got %+v with %+v", e, r)
	}
	if _, err := streams.ToRecord(streams.Rejected, 0, r.Device, e); err != nil {
		t.Error(err)
	}
}

// Total: whatever comes gives at least one event, every event can be written and read back, and no value that is
// believed lies outside what is possible.
func FuzzAccept(f *testing.F) {
	example, err := os.ReadFile("testdata/native.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example), "v1/t/d/obs")
	for _, s := range []string{`{"v":1,"obs":[{"code":"cough","v":"yes"},{"code":"cat_score","v":14,"u":"{score}"},{"code":"cough","v":false},{"code":"puls_per_min","v":1}]}`, `{"v":1,"obs":[{"code":"acvpu","v":"A"},{"mdc":150364,"v":98.6,"u":"[degF]"}]}`, `{"v":1,"msg_id":"\ufffd","clock":{"source":"tick"},"t_meas":5,"t_dev_now":9,"obs":[{"mdc":150456,"v":91,"u":"%"}]}`, ``, `{"msg_id":"m`} {
		f.Add(s, "v1/t/d/obs")
	}
	f.Fuzz(func(t *testing.T, payload, topic string) {
		rec, rej := Accept(Raw{Topic: topic, Payload: []byte(payload), Door: "g"}, binding, now)
		if rec == nil && len(rej) == 0 {
			t.Fatal("an upload was dropped")
		}
		if rec != nil {
			rej = append(rej, *rec)
			for _, r := range rec.Data.(*event.ObservationRecorded).Readings {
				if judge(r.Quantity, r.Value) == impossible {
					t.Fatalf("believed %+v", r)
				}
			}
			codes := map[string]bool{}
			for _, a := range rec.Data.(*event.ObservationRecorded).Answers {
				if codes[a.Code] || event.CheckAnswerCode(a.Code) != nil {
					t.Fatalf("took %+v for an answer, or twice", a)
				}
				codes[a.Code] = true
			}
		}
		for _, e := range rej {
			h, v, err := event.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			back, err := event.Decode(h, v)
			if err != nil {
				t.Fatal(err)
			}
			was, _ := json.Marshal(e.Data)
			is, _ := json.Marshal(back.Data)
			if !reflect.DeepEqual(was, is) {
				t.Fatalf("written %s, read %s", was, is)
			}
		}
	})
}

func BenchmarkAccept(b *testing.B) {
	body := []byte(`{"v":1,"boot_id":6,"seq":417,"t_meas":"2026-03-01T23:14:00Z","t_dev_now":"2026-03-01T23:59:00Z","clock":{"source":"utc","synced":true,"timeline":"current"},"obs":[{"mdc":150456,"v":91,"u":"%","q":"ok"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if rec, _ := Accept(Raw{Topic: "v1/t/d/obs", Payload: body, Door: "g"}, binding, now); rec == nil {
			b.Fatal("rejected")
		}
	}
}
