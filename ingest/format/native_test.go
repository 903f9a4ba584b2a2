package format

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"tocsin/streams/event"
)

func example(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/native.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNativeReadsTheExample(t *testing.T) {
	var u Upload
	if err := u.Native(example(t)); err != nil {
		t.Fatal(err)
	}
	if string(u.MsgID) != "74E8FFFEFF051C00/6/000417" || u.Boot != 6 || u.Seq != 417 || !u.HasBoot || !u.HasSeq || string(u.PatientRef) != "P000123" {
		t.Fatalf("identity read as %+v", u)
	}
	for name, m := range map[string]Moment{"2026-03-02T07:14:00+08:00": u.Measured, "2026-03-02T07:19:00+08:00": u.DeviceNow, "2026-03-02T07:20:00+08:00": u.Gateway} {
		want, err := event.ParseTime(name)
		if err != nil || m.Ms != want || m.Form != Offset || m.ZoneMin != 480 {
			t.Errorf("%s read as %+v", name, m)
		}
	}
	if u.Clock != (Clock{Source: Local, Current: true}) {
		t.Errorf("clock read as %+v", u.Clock)
	}
	if len(u.Items) != 2 || u.Items[0].MDC != 150456 || u.Items[0].Number != event.Int(91) || string(u.Items[0].Unit) != "%" || string(u.Items[1].Unit) != "/min" {
		t.Errorf("readings read as %+v", u.Items)
	}
}

// Nothing of an envelope is guessed: what two readers could read in two ways is refused, and the fault says where.
func TestNativeRefuses(t *testing.T) {
	const obs = `"obs":[{"mdc":150456,"v":91,"u":"%"}]`
	for name, c := range map[string]struct{ in, reason, says string }{
		"nothing":             {``, Unreadable, "the end"},
		"no object":           {`[]`, Unreadable, "'{'"},
		"cut off":             {`{"v":1,"obs":[{"mdc":150456`, Unreadable, "the end"},
		"two envelopes":       {`{"v":1,` + obs + `}{}`, Unreadable, "follows"},
		"no version":          {`{` + obs + `}`, Version, "missing"},
		"another version":     {`{"v":2,` + obs + `}`, Version, "2"},
		"version as text":     {`{"v":"1",` + obs + `}`, Unreadable, "number"},
		"no readings":         {`{"v":1}`, Unreadable, `"obs"`},
		"field twice":         {`{"v":1,"seq":1,"seq":2,` + obs + `}`, Unreadable, `"seq" stands twice`},
		"value twice":         {`{"v":1,"obs":[{"mdc":150456,"v":91,"v":97,"u":"%"}]}`, Unreadable, `"v" of a reading stands twice`},
		"clock field twice":   {`{"v":1,"clock":{"synced":true,"synced":false},` + obs + `}`, Unreadable, "clock.synced stands twice"},
		"seq with a fraction": {`{"v":1,"seq":4.5,` + obs + `}`, Unreadable, "seq is 4.5"},
		"seq below zero":      {`{"v":1,"seq":-1,` + obs + `}`, Unreadable, "seq"},
		"seq beyond 2^53":     {`{"v":1,"seq":9007199254740992,` + obs + `}`, Unreadable, "seq"},
		"seq as text":         {`{"v":1,"seq":"417",` + obs + `}`, Unreadable, "seq"},
		"msg_id too long":     {`{"v":1,"msg_id":"` + strings.Repeat("m", 129) + `",` + obs + `}`, Unreadable, "msg_id"},
		"bare NaN":            {`{"v":1,"obs":[{"mdc":150456,"v":NaN,"u":"%"}]}`, Unreadable, "number"},
		"leading zero":        {`{"v":1,"obs":[{"mdc":150456,"v":091,"u":"%"}]}`, Unreadable, "number"},
		"trailing comma":      {`{"v":1,` + obs + `,}`, Unreadable, "comma"},
		"not UTF-8":           {"{\"v\":1,\"msg_id\":\"\xff\"," + obs + "}", Unreadable, "UTF-8"},
		"lone surrogate":      {`{"v":1,"msg_id":"\ud800",` + obs + `}`, Unreadable, "surrogate"},
		"control character":   {"{\"v\":1,\"msg_id\":\"a\nb\"," + obs + "}", Unreadable, "control"},
		"deep":                {`{"v":1,"x":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `,` + obs + `}`, Unreadable, "deeper"},
		"day that is none":    {`{"v":1,"t_meas":"2026-02-29T07:14:00Z",` + obs + `}`, BadTime, "t_meas is 2026-02-29"},
		"hour 24":             {`{"v":1,"t_meas":"2026-02-28T24:00:00Z",` + obs + `}`, BadTime, "RFC 3339"},
		"time without reason": {`{"v":1,"t_meas":1772406900,` + obs + `}`, BadTime, `"source":"tick"`},
		"unknown clock":       {`{"v":1,"clock":{"source":"sundial"},` + obs + `}`, BadTime, "sundial"},
		"too many readings":   {`{"v":1,"obs":[` + strings.Repeat(`{},`, 64) + `{}]}`, Unreadable, "more than 64"},
	} {
		t.Run(name, func(t *testing.T) {
			var u Upload
			f := u.Native([]byte(c.in))
			if f == nil || f.Reason != c.reason || !strings.Contains(f.Detail, c.says) {
				t.Fatalf("got %v, want %s that says %q", f, c.reason, c.says)
			}
		})
	}
}

func TestNativeReadsValues(t *testing.T) {
	for in, want := range map[string]Item{
		`91`:                 {Kind: Number, Number: event.Int(91)},
		`-0.5`:               {Kind: Number, Number: -500_000},
		`38.05`:              {Kind: Number, Number: 38_050_000},
		`3.805e1`:            {Kind: Number, Number: 38_050_000},
		`36.599998474121094`: {Kind: Number, Number: 36_599_998},
		`0.0000005`:          {Kind: Number, Number: 1},
		`8388607`:            {Kind: Number, Number: event.Int(8388607)},
		`1e300`:              {Kind: Huge, Text: []byte("1e300")},
		`true`:               {Kind: Bool, Bool: true},
		`"A"`:                {Kind: Text, Text: []byte("A")},
		`"\u0041\n"`:         {Kind: Text, Text: []byte("A\n")},
		`"\ud83d\ude00"`:     {Kind: Text, Text: []byte("😀")},
		`null`:               {},
		`{"a":[1,{}]}`:       {Kind: Other},
	} {
		var u Upload
		if err := u.Native([]byte(`{"v":1,"obs":[{"v":` + in + `}]}`)); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got := u.Items[0]
		if got.Kind != want.Kind || got.Kind == Number && got.Number != want.Number || got.Bool != want.Bool || string(got.Text) != string(want.Text) {
			t.Errorf("%s: got %+v, want %+v", in, got, want)
		}
	}
}

func TestNativeReadsNothingWhereNothingStands(t *testing.T) {
	var u Upload
	in := `{"v":1,"msg_id":null,"boot_id":null,"seq":null,"patient_ref":null,"t_meas":null,"clock":null,"obs":[{"mdc":null,"code":null,"v":null,"u":null,"q":null},{"mdc":"150456","code":7,"u":1,"q":{}}],"more":{"a":1}}`
	if err := u.Native([]byte(in)); err != nil {
		t.Fatal(err)
	}
	if len(u.MsgID) > 0 || u.HasBoot || u.HasSeq || len(u.PatientRef) > 0 || u.Measured.Form != Absent || u.Clock != (Clock{Current: true}) {
		t.Errorf("null was read as something: %+v", u)
	}
	if a := u.Items[0]; a.BadCode || a.BadUnit || a.BadQuality || a.HasUnit || a.Kind != NoValue {
		t.Errorf("null in a reading was read as something: %+v", a)
	}
	if b := u.Items[1]; !b.BadCode || !b.BadUnit || !b.BadQuality {
		t.Errorf("wrong kinds were not marked: %+v", b)
	}
}

func TestMomentEqualsStandard(t *testing.T) {
	for _, s := range []string{
		"2026-03-02T07:14:00+08:00", "2026-03-02T07:14:00Z", "2024-02-29T23:59:59.999999999-11:30", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z",
		"1970-01-01T00:00:00+00:00", "2000-02-29T12:00:00.1Z", "9999-12-31T23:59:59Z", "2100-03-01T00:00:00Z",
	} {
		want, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := parseMoment([]byte(s)); !ok || m.Ms != event.TimeOf(want) {
			t.Errorf("%s: got %v, %v, want %v", s, m.Ms, ok, event.TimeOf(want))
		}
	}
	for _, s := range []string{"", "2026-03-02", "2026-03-02 07:14:00Z", "2026-03-02T07:14:00z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-02T07:14:00+08", "2026-03-02T07:14:00+0800", "2026-03-02T07:14:00.Z", "2026-03-02T07:60:00Z", "0000-01-01T00:00:00Z", "2026-03-02T07:14:00+24:00"} {
		if m, ok := parseMoment([]byte(s)); ok {
			t.Errorf("%q was read as %+v", s, m)
		}
	}
}

// Whatever comes: no panic, and what is taken as an envelope is JSON to the standard library as well.
func FuzzNative(f *testing.F) {
	f.Add(example(f))
	for _, s := range []string{`{"v":1,"obs":[]}`, `{"v":1,"obs":[{"code":"acvpu","v":"A"},{"code":"supplemental_o2","v":true}]}`, `{"v":1,"clock":{"source":"tick"},"t_meas":5,"t_dev_now":9,"obs":[{}]}`, `{"v":1,"msg_id":"\u00e4\"\\","obs":[{"v":-1.5e-3}]}`, "{\"v\":1,\"obs\":[\x00]}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var u Upload
		if err := u.Native(b); err == nil && !json.Valid(b) {
			t.Fatalf("read what is no JSON: %q", b)
		}
	})
}

// reading197 is the size that the budget names.
const reading197 = `{"v":1,"boot_id":6,"seq":417,"t_meas":"2026-03-02T07:14:00Z","t_dev_now":"2026-03-02T07:19:00Z","clock":{"source":"utc","synced":true,"timeline":"current"},"obs":[{"mdc":150456,"v":91,"u":"%","q":"ok"}]}`

func BenchmarkBudget7Native(b *testing.B) {
	for name, in := range map[string][]byte{"reading": []byte(reading197), "example": example(b)} {
		b.Run(name, func(b *testing.B) {
			var u Upload
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if err := u.Native(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestBudget7NativeAllocatesNothing(t *testing.T) {
	in := example(t)
	var u Upload
	if n := testing.AllocsPerRun(100, func() {
		if err := u.Native(in); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations to read an envelope, want none", n)
	}
}

// wire is what a decoder by reflection needs to know, for comparison.
type wire struct {
	V          int    `json:"v"`
	MsgID      string `json:"msg_id"`
	BootID     int64  `json:"boot_id"`
	Seq        int64  `json:"seq"`
	PatientRef string `json:"patient_ref"`
	TMeas      string `json:"t_meas"`
	TDevNow    string `json:"t_dev_now"`
	TGw        string `json:"t_gw"`
	Clock      struct {
		Source   string `json:"source"`
		Synced   bool   `json:"synced"`
		Timeline string `json:"timeline"`
	} `json:"clock"`
	Obs []struct {
		MDC int64           `json:"mdc"`
		V   json.RawMessage `json:"v"`
		U   string          `json:"u"`
		Q   string          `json:"q"`
	} `json:"obs"`
}

func BenchmarkPeerEncodingJSON(b *testing.B) {
	for name, in := range map[string][]byte{"reading": []byte(reading197), "example": example(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var w wire
				if err := json.Unmarshal(in, &w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
