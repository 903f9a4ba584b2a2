package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "freeze the types and versions that have no file yet")

// frozen is a record as it lies in testdata: one for each type and version, readable for ever.
type frozen struct {
	Headers map[string]string `json:"headers"`
	Value   json.RawMessage   `json:"value"`
}

func frozenPath(t Type, version int) string {
	return filepath.Join("testdata", fmt.Sprintf("%s.v%d.json", t, version))
}

// Every type and version that was ever written has its frozen record, which this program reads, and a record of today's
// version is written as it was frozen.
func TestFrozenRecordsStayReadable(t *testing.T) {
	for _, typ := range slices.Sorted(maps.Keys(schemas)) {
		for version := 1; version <= schemas[typ].version; version++ {
			t.Run(fmt.Sprintf("%s.v%d", typ, version), func(t *testing.T) {
				path := frozenPath(typ, version)
				if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && *update && version == schemas[typ].version {
					freeze(t, path, typ)
				}
				thaw(t, path, version == schemas[typ].version)
			})
		}
	}
	files, err := filepath.Glob("testdata/*.v*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := readFrozen(f); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func thaw(t *testing.T, path string, newest bool) {
	e, err := readFrozen(path)
	if err != nil {
		t.Fatalf("%v (a new type or version needs its frozen record: go test ./streams/event -run Frozen -update)", err)
	}
	if !newest {
		return
	}
	again, value, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(again, value)
	if err != nil || !reflect.DeepEqual(e, back) {
		t.Errorf("the round trip changed it: %+v, %+v, %v", e, back, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if now := marshalFrozen(t, again, value); string(now) != string(b) {
		t.Errorf("today it is written as\n%s\nand was frozen as\n%s\nA changed shape needs a new version with a lift.", now, b)
	}
}

func readFrozen(path string) (Envelope, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Envelope{}, err
	}
	var f frozen
	if err := json.Unmarshal(b, &f); err != nil {
		return Envelope{}, err
	}
	var headers []Header
	for _, k := range slices.Sorted(maps.Keys(f.Headers)) {
		headers = append(headers, Header{k, []byte(f.Headers[k])})
	}
	var value bytes.Buffer // the file is indented for people, the log is not
	if err := json.Compact(&value, f.Value); err != nil {
		return Envelope{}, err
	}
	return Decode(headers, value.Bytes())
}

func freeze(t *testing.T, path string, typ Type) {
	data := schemas[typ].empty()
	fill(reflect.ValueOf(data).Elem(), 0)
	e := Envelope{ID: "id-1", Source: "gateway/g1", Subject: "t1/P-0113", At: sampleTime, Cause: "id-0", Life: "life-1", Step: 7, Index: 2, After: 41,
		Effect: Effect{Offset: 5, Number: 1}, Data: data}
	h, v, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, marshalFrozen(t, h, v), 0o644); err != nil {
		t.Fatal(err)
	}
}

func marshalFrozen(t *testing.T, h []Header, v []byte) []byte {
	f := frozen{Headers: map[string]string{}, Value: v}
	for _, x := range h {
		f.Headers[x.Key] = string(x.Value)
	}
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

const sampleTime = Time(1_772_406_840_123)

// fill gives every field a value that is not its zero, so that a field which is forgotten on the way is seen.
func fill(v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *Time:
		*x = sampleTime
		return
	case *Decimal:
		*x = 91_500_000
		return
	case *Quantity:
		*x = SpO2Percent
		return
	case *Severity:
		*x = High
		return
	case *json.RawMessage:
		*x = json.RawMessage(`{"a":1}`)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[[]byte]() {
			v.SetBytes([]byte{0, 1, 254})
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	case reflect.Map:
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(k, depth+1)
		fill(e, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(k, e)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), depth+1)
			}
		}
	default:
		panic(fmt.Sprintf("no sample for a %s", v.Type()))
	}
}

func TestWhatIsNewerIsNotReadSilently(t *testing.T) {
	h, v, err := Encode(Envelope{ID: "1", Subject: "t/p", At: sampleTime, Data: &SignalReturned{Quantity: PulsePerMin}})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]Header){
		"version": func(h []Header) { setHeader(h, headerVersion, "99") },
		"type":    func(h []Header) { setHeader(h, headerType, "of.tomorrow") },
	} {
		changed := slices.Clone(h)
		change(changed)
		if _, err := Decode(changed, v); !errors.Is(err, ErrNewer) {
			t.Errorf("a newer %s: %v", name, err)
		}
	}
	if _, err := Decode(h, []byte("{")); !errors.Is(err, ErrUnreadable) {
		t.Errorf("broken JSON: %v", err)
	}
}

func setHeader(h []Header, key, value string) {
	for i := range h {
		if h[i].Key == key {
			h[i].Value = []byte(value)
		}
	}
}

// FuzzDecode: refusing is fine; panicking, or changing on the round trip, is not.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var fr frozen
		if err := json.Unmarshal(b, &fr); err == nil {
			f.Add(fr.Headers[headerType], fr.Headers[headerVersion], fr.Headers[headerTime], []byte(fr.Value))
		}
	}
	f.Fuzz(func(t *testing.T, typ, version, at string, value []byte) {
		h := []Header{{headerSpec, specValue}, {headerID, []byte("i")}, {headerSubject, []byte("s")}, {headerType, []byte(typ)}, {headerVersion, []byte(version)}, {headerTime, []byte(at)}}
		e, err := Decode(h, value)
		if err != nil {
			return
		}
		again, v, err := Encode(e)
		if err != nil {
			return // such as a time outside the years that can be written
		}
		back, err := Decode(again, v)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		_, v2, err := Encode(back)
		if err != nil || string(v) != string(v2) {
			t.Fatalf("the round trip changed\n%s\nto\n%s, %v", v, v2, err)
		}
	})
}
