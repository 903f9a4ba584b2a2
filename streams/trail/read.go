package trail

import (
	"context"
	"fmt"

	"tocsin/streams"
	"tocsin/streams/event"
)

// Query asks who looked at what. Empty fields ask for all.
type Query struct {
	From, To event.Time // when it happened: from From until, not with, To; To 0: until now
	Account  string
	Tenant   string
	Patient  string // with Tenant
	After    int64  // go on from here: Page.Next of the page before; 0: the first page
	Most     int    // entries of one page; 0: 500
}

// Entry is one entry of the audit log with its place.
type Entry struct {
	Offset int64
	ID     string
	At     event.Time
	event.AuditNoted
}

// Page is a part of the answer, in the order of the log. With More there may be further entries: ask again with After: Next.
type Page struct {
	Entries []Entry
	Next    int64
	More    bool
}

const (
	pageMost  = 500
	pageReads = 250_000 // records of one page: a second or two
	// longestWait is how much later than it happened an entry may have been written: it waits in a process, not longer than
	// that lives.
	longestWait = event.Time(7 * 24 * 3600 * 1000)
	clocksApart = event.Time(5 * 60 * 1000) // of the processes' hosts
)

// Read answers a page of what q asks for, from the log itself: the place where to begin is looked for by halves, then every
// record is read. There is no index: an audit log is written all day and asked a few times a year. Entries that were written
// into two chains, since the first was cut short, are told once a page.
func Read(ctx context.Context, log streams.Log, q Query) (page Page, err error) {
	first, end, err := log.Bounds(ctx, streams.Audit, 0)
	if err != nil {
		return page, err
	}
	from := max(q.After, first)
	if q.After == 0 && q.From > 0 {
		if from, err = streams.WrittenAfter(ctx, log, streams.Audit, 0, first, end, q.From-clocksApart-1); err != nil {
			return page, fmt.Errorf("look for where the audit log was at %s: %w", q.From.Std().Format("2006-01-02 15:04"), err)
		}
	}
	if q.Most <= 0 {
		q.Most = pageMost
	}
	told := map[string]bool{}
	page = Page{Entries: []Entry{}, Next: from}
	err = streams.Each(ctx, log, streams.Audit, 0, from, end, func(r streams.Record) error {
		if page.More = len(page.Entries) >= q.Most || r.Offset-from >= pageReads; page.More {
			return streams.ErrEnough
		}
		if q.To > 0 && event.Time(r.AppendMs) > q.To+longestWait {
			return streams.ErrEnough
		}
		page.Next = r.Offset + 1
		if e, ok := entryOf(r); ok && q.asksFor(e) && !told[e.ID] {
			told[e.ID] = true
			page.Entries = append(page.Entries, e)
		}
		return nil
	})
	return page, err
}

func (q Query) asksFor(e Entry) bool {
	return e.At >= q.From && (q.To == 0 || e.At < q.To) &&
		(q.Account == "" || e.Account == q.Account) && (q.Tenant == "" || e.Tenant == q.Tenant) && (q.Patient == "" || e.Patient == q.Patient)
}

// entryOf reads an entry; what cannot be read is for verify to tell.
func entryOf(r streams.Record) (Entry, bool) {
	e, err := event.Decode(r.Headers, r.Value)
	if err != nil {
		return Entry{}, false
	}
	n, ok := e.Data.(*event.AuditNoted)
	if !ok {
		return Entry{}, false
	}
	return Entry{Offset: r.Offset, ID: e.ID, At: e.At, AuditNoted: *n}, true
}
