package trail

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Line is one line of the heads file: that a chain had come so far. The log does not hold it, so whoever cuts off the log's
// end contradicts it. It proves itself: Signature is that of the record which Number names.
type Line struct {
	At        event.Time `json:"at"`
	Chain     string     `json:"chain"`
	Number    int64      `json:"number"`
	Sum       string     `json:"sum"`
	Signature string     `json:"signature"`
	Key       string     `json:"key"` // public
}

// writeLine appends one line and waits for the disk.
func writeLine(path string, l Line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// back is how many records the search for the last holding record takes at a time.
const back = 1000

// others answers the chains that have grown since a record held them, and the offset up to which was read. It goes back from
// the end to the last record that holds others (there is one a day at least), takes what that one had read as held, and reads
// on from there. A chain is named by the highest number that was read.
func others(ctx context.Context, log streams.Log) (heads []event.ChainHead, through int64, err error) {
	first, end, err := log.Bounds(ctx, streams.Audit, 0)
	if err != nil {
		return nil, 0, err
	}
	from := first
	for upper := end; upper > first; upper -= back {
		held, found, err := lastHeld(ctx, log, max(first, upper-back), upper)
		if err != nil {
			return nil, 0, err
		}
		if found {
			from = min(max(held, first), end)
			break
		}
	}
	newest := map[string]event.ChainHead{}
	err = streams.Each(ctx, log, streams.Audit, 0, from, end, func(r streams.Record) error {
		if h, _, ok := headOf(r); ok && h.Number > newest[h.Chain].Number {
			newest[h.Chain] = h
		}
		return nil
	})
	heads = make([]event.ChainHead, 0, len(newest))
	for _, h := range newest {
		heads = append(heads, h)
	}
	slices.SortFunc(heads, func(a, b event.ChainHead) int { return strings.Compare(a.Chain, b.Chain) })
	return heads, end, err
}

// lastHeld answers up to where the last record between two offsets that holds others had read.
func lastHeld(ctx context.Context, log streams.Log, from, to int64) (through int64, found bool, err error) {
	err = streams.Each(ctx, log, streams.Audit, 0, from, to, func(r streams.Record) error {
		_, data, ok := headOf(r)
		switch d := data.(type) {
		case *event.AuditOpened:
			through, found = d.Through, ok
		case *event.AuditHead:
			if d.Why == whyDay {
				through, found = d.Through, ok
			}
		}
		return nil
	})
	return through, found, err
}
