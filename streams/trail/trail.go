// Package trail is the audit log: who looked at whose data, who did what, who was refused. Each desk process writes a chain
// of its own into the topic `audit`: every record names the sum of the one before it, carries its own and is signed. A new
// chain begins by naming the heads of all others, and once a day each chain does so again, so that chains hold each other;
// heads also go to a file outside the log, by which a log that was cut off is found. What judges all this is the witness
// (tocsin audit verify), with another client and code of its own.
//
// It is not called audit: alerts/audit is the second look at warnings, and `tocsin audit` both of them.
package trail

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

var (
	// ErrWaiting: the entry is not in the log yet. It is kept and written as soon as the log takes it.
	ErrWaiting = errors.New("the audit log does not answer: the entry waits to be written")
	// ErrFull: so many entries wait that this one was not kept. What it is about must not be shown.
	ErrFull = errors.New("the audit log cannot be written, and no further entry can wait: nothing was kept")
)

const (
	mostWaiting = 10_000           // entries of some 300 bytes
	markEvery   = 5 * time.Minute  // a line in the heads file, when the chain has grown
	day         = 24 * time.Hour   // a head in the log
	lastWords   = 2 * time.Second  // for what waits when the process stops
	readWithin  = 30 * time.Second // for the heads of the other chains
	whyDay      = "day"
	whyStop     = "stop"
)

// Options is what a Writer needs. Log, Process and Key are required.
type Options struct {
	Log     streams.Log
	Process string // name of this process, for people
	Key     ed25519.PrivateKey
	Heads   string // file to which heads are appended; empty: none
	Most    int    // entries that may wait; 0: 10,000
	Now     func() time.Time
	Logger  *slog.Logger
}

// Writer writes the chain of one process. Run does the writing; after an error of the log it begins a new chain, since nobody
// can say whether the last records of the old one are there, and what was not confirmed is written again into the new one,
// under the same ce_id.
type Writer struct {
	o       Options
	life    string // ids of entries begin with it
	mu      sync.Mutex
	entries int64
	waiting []*entry // not in the log yet, oldest first
	sent    int      // of them handed over in this chain
	since   time.Time
	ended   bool
	wake    chan struct{}
}

type entry struct {
	env  event.Envelope
	kept chan struct{} // closed when the log has it
}

// New makes a writer. Nothing is written before Run.
func New(o Options) (*Writer, error) {
	if o.Log == nil || o.Process == "" || len(o.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("trail: Log, Process and Key are required")
	}
	if o.Most <= 0 {
		o.Most = mostWaiting
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Writer{o: o, life: directory.NewID(), wake: make(chan struct{}, 1)}, nil
}

// Note writes an entry and waits until the log has it. When ctx ends first the error wraps ErrWaiting; ErrFull means that
// nothing was kept.
func (w *Writer) Note(ctx context.Context, n event.AuditNoted) error {
	e, err := w.take(n)
	if err != nil {
		return err
	}
	select {
	case <-e.kept:
		return nil
	case <-ctx.Done():
		return ErrWaiting
	}
}

// Post writes an entry without waiting for the log. The error is ErrFull.
func (w *Writer) Post(n event.AuditNoted) error {
	_, err := w.take(n)
	return err
}

func (w *Writer) take(n event.AuditNoted) (*entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || len(w.waiting) >= w.o.Most {
		return nil, ErrFull
	}
	w.entries++
	now := w.o.Now()
	subject := "desk"
	if n.Patient != "" {
		subject = streams.PatientKey(n.Tenant, n.Patient)
	}
	e := &entry{kept: make(chan struct{}), env: event.Envelope{ID: fmt.Sprintf("%s/%d", w.life, w.entries), Subject: subject, At: event.TimeOf(now), Data: &n}}
	if len(w.waiting) == 0 {
		w.since = now
	}
	w.waiting = append(w.waiting, e)
	w.awake()
	return e, nil
}

func (w *Writer) awake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Waiting answers how many entries the log does not have yet, how many may wait, and since when one has.
func (w *Writer) Waiting() (entries, most int, since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return 0, w.o.Most, time.Time{}
	}
	return len(w.waiting), w.o.Most, w.since
}

// Run writes until ctx ends, over errors of the log; then what waits is written, for lastWords at most, and the chain ends
// with its head.
func (w *Writer) Run(ctx context.Context) error {
	err := streams.KeepOn(ctx, w.chain, func(err error, again time.Duration) {
		w.o.Logger.Warn("the audit log cannot be written; entries wait, and it is tried again", "wait", again, streams.KeyErr, err)
	})
	w.mu.Lock()
	left := len(w.waiting)
	w.ended = true
	w.mu.Unlock()
	if left > 0 {
		w.o.Logger.Error("entries of the audit log were lost, since the log did not take them before the end", "entries", left)
	}
	return err
}

// next answers the oldest entry that was not handed over yet.
func (w *Writer) next() *entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent == len(w.waiting) {
		return nil
	}
	w.sent++
	return w.waiting[w.sent-1]
}

// settled hears that the log has the oldest entry: acknowledgements come in the order of the appends.
func (w *Writer) settled() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.waiting[0].kept)
	w.waiting = w.waiting[1:]
	w.sent--
	w.since = w.o.Now()
}

// unsent takes back what was handed over and not acknowledged: the next chain writes it.
func (w *Writer) unsent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = 0
	w.awake()
}
