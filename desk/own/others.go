package own

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"tocsin/streams/event"
)

// taken tells whether a reading was taken out as somebody else's.
func (g *gathering) taken(at event.Time, what string, value event.Decimal) bool {
	for _, d := range g.others {
		if d.MeasuredAt != at {
			continue
		}
		for _, r := range d.Readings {
			if r.Quantity.String() == what && r.Value == value {
				return true
			}
		}
	}
	return false
}

// withoutOthers takes out of a line everything that says what such a reading was: each object that names its moment and its quantity, and
// of an upload and of the disowning itself the reading. With them go all words of the line, which may repeat the number. What is left
// says that something was left out.
func (g *gathering) withoutOthers(l *Line) (changed bool, err error) {
	if len(g.others) == 0 {
		return false, nil
	}
	d := json.NewDecoder(bytes.NewReader(l.Data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return false, fmt.Errorf("%s/%d at %d: %w", l.Topic, l.Partition, l.Offset, err)
	}
	at := ""
	if top, is := v.(map[string]any); is {
		at, _ = top["measured_at"].(string)
	}
	if v, changed = g.cleaned(v, at); !changed {
		return false, nil
	}
	l.Data, err = json.Marshal(wordless(v))
	return true, err
}

// wordless answers v without its words.
func wordless(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, inner := range x {
			if _, is := inner.(string); is && (k == "zh" || k == "en") {
				delete(x, k)
				continue
			}
			x[k] = wordless(inner)
		}
	case []any:
		for i, inner := range x {
			x[i] = wordless(inner)
		}
	}
	return v
}

// cleaned answers v without such readings. at is the moment of the object around v.
func (g *gathering) cleaned(v any, at string) (any, bool) {
	switch x := v.(type) {
	case map[string]any:
		if own, is := x["measured_at"].(string); is {
			at = own
		}
		reading, _ := x["reading"].(string)
		if quantity, is := x["quantity"].(string); is && (g.names(at, quantity) || g.namesUpload(reading, quantity)) {
			return map[string]any{"left_out": "a reading that was not the patient's"}, true
		}
		if _, is := x["quantity"]; !is && reading != "" && g.namesAny(reading) { // an input of a condition, which names no quantity
			return map[string]any{"left_out": "a reading that was not the patient's"}, true
		}
		changed := false
		for k, inner := range x {
			if next, did := g.cleaned(inner, at); did {
				x[k], changed = next, true
			}
		}
		return x, changed
	case []any:
		changed := false
		for i, inner := range x {
			if next, did := g.cleaned(inner, at); did {
				x[i], changed = next, true
			}
		}
		return x, changed
	}
	return v, false
}

// namesUpload tells whether a quantity of an upload was taken out, by the upload's id.
func (g *gathering) namesUpload(upload, quantity string) bool {
	at, known := g.uploads[upload]
	return known && g.names(at.String(), quantity)
}

// namesAny tells whether something of an upload was taken out.
func (g *gathering) namesAny(upload string) bool {
	at, known := g.uploads[upload]
	return known && slices.ContainsFunc(g.others, func(d event.Disowned) bool { return d.MeasuredAt == at })
}

// names tells whether a quantity at a moment was taken out. All of that quantity at that moment are meant: what stands for it elsewhere may
// have been rounded.
func (g *gathering) names(at, quantity string) bool {
	for _, d := range g.others {
		if d.MeasuredAt.String() != at {
			continue
		}
		for _, r := range d.Readings {
			if r.Quantity.String() == quantity {
				return true
			}
		}
	}
	return false
}
