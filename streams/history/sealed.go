package history

import (
	"encoding/json"

	"tocsin/streams"
	"tocsin/streams/event"
)

// kept answers a record as history keeps it: that a person was sealed, by whom and when, but not what was sealed. It would lie there
// in backups and copies for analysis, and nobody reads it from there.
func kept(r streams.Record) streams.Record {
	switch typeOf(r) {
	case "person.requested", "person.set":
	default:
		return r
	}
	e, err := event.Decode(r.Headers, r.Value)
	r.Value = nil // of what cannot be read
	if s, ok := e.Data.(interface{ Unsealed() event.Event }); ok && err == nil {
		if b, err := json.Marshal(s.Unsealed()); err == nil {
			r.Value = b
		}
	}
	return r
}

// typeOf answers the type that a record's headers name.
func typeOf(r streams.Record) string {
	for _, h := range r.Headers {
		if h.Key == "ce_type" {
			return string(h.Value)
		}
	}
	return ""
}
