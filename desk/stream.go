package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/streams"
)

const (
	writeWithin  = 10 * time.Second       // a screen that takes longer to read is let go; it comes back and resumes
	rowsEvery    = 500 * time.Millisecond // rows of a board are sent at most this often
	statusEvery  = 2 * time.Second
	resumeWithin = 3 * time.Second // for a vector that this server has not reached yet
	resumeLook   = 20 * time.Millisecond
	retryMs      = 1000
)

// stream sends one screen what changes. It reads the ward at its own pace: a screen that is slow gets the newest state of
// what changed meanwhile, and never holds up anybody else.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if !s.ward.caughtUp() {
		writeProblem(w, starting())
		return
	}
	if err := s.seeing(r.Context(), Entry{Action: "desk.watch", Object: r.URL.Query().Get("group")}); err != nil {
		writeProblem(w, asRefusal(err))
		return
	}
	out := &screen{s: s, ward: s.wardOf(r.Context()), w: w, rc: http.NewResponseController(w), group: r.URL.Query().Get("group"),
		id: identityOf(r.Context()), session: s.sessions.Token(r.Context())}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if out.ward == s.ward { // nobody sits before the watchdog's
		s.screens.Add(1)
		s.metrics.streams.Inc()
		defer func() { s.screens.Add(-1); s.metrics.streams.Dec() }()
	}

	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	if err := out.begin(r.Context(), last); err == nil {
		out.follow(r.Context())
	}
}

// screen is one open stream.
type screen struct {
	s       *Server
	ward    *ward
	w       http.ResponseWriter
	rc      *http.ResponseController
	group   string
	id      identity
	session string
	seq     uint64 // warnings have been sent up to here
	rows    uint64 // and rows
	at      vector // everything up to here has been sent
	buf     bytes.Buffer

	tag    string            // what may be seen, when it was last looked at
	opened []string          // the emergencies that lasted then
	shown  map[string]string // what was sent since the last snapshot, warnings by id and rows by rowOf: whose it is
}

// begin brings a screen up to date: what has changed since its vector, or everything.
func (o *screen) begin(ctx context.Context, last string) error {
	fmt.Fprintf(&o.buf, "retry: %d\n\n", retryMs)
	o.tag, o.opened, o.shown = o.s.tag(o.id), o.s.openNow(o.id), map[string]string{}
	last, tag, _ := strings.Cut(last, tagMark)
	if v, err := parseVector(last, len(o.ward.at)); err == nil && tag == o.tag {
		if ws, rows, seq, at, ok := o.resume(ctx, v); ok {
			o.seq, o.rows, o.at = seq, seq, v
			o.put("status", o.s.status())
			o.send(ws, rows, at)
			return o.flush()
		}
	}
	o.snapshot()
	return o.flush()
}

// tagMark stands between a vector and the tag of what may be seen.
const tagMark = "~"

// snapshot sends everything anew.
func (o *screen) snapshot() {
	ws, rows, seq, at := o.ward.snapshot(o.group)
	o.seq, o.rows, o.at = seq, seq, at
	clear(o.shown)
	ws, rows = o.visible(ws, rows)
	list := o.s.allNamed(warningsOf(ws))
	for i := range list {
		list[i] = o.told(list[i])
	}
	o.put("snapshot", Snapshot{Locked: o.id.Locked, Warnings: list, Rows: o.s.allRowsNamed(rowsOf(rows)), Status: o.s.status()})
}

// rowOf is the id of a patient's row.
func rowOf(key string) string { return "row/" + key }

// visible leaves what this screen may see, and remembers whose that is. A locked one sees no board.
func (o *screen) visible(ws []shown, rows []person) ([]shown, []person) {
	if o.id.Locked {
		rows = nil
	}
	if everywhere(o.id.Scope) {
		return ws, rows // and nothing to remember: when that changes, everything is sent anew
	}
	sees := o.s.sees(o.id)
	ws = slices.DeleteFunc(ws, func(w shown) bool { return !sees(w.key) })
	rows = slices.DeleteFunc(rows, func(p person) bool { return !sees(p.key) })
	for i := range ws {
		o.shown[ws[i].w.Alert] = ws[i].key
	}
	for i := range rows {
		o.shown[rowOf(rows[i].key)] = rows[i].key
	}
	return ws, rows
}

// rights looks whether who listens may see others than before. The end of an emergency ends the stream: the page comes back
// and gets everything anew. Else everything is sent anew when it concerns what is on the screen, or should be.
func (o *screen) rights(ctx context.Context) (goOn bool) {
	id, ok := o.s.still(ctx, o.id, o.session)
	if !ok {
		return false
	}
	tag, opened := o.s.tag(id), o.s.openNow(id)
	for _, e := range o.opened {
		if !slices.Contains(opened, e) {
			return false
		}
	}
	turned := id.Locked != o.id.Locked
	o.id, o.opened = id, opened
	if tag == o.tag && !turned {
		return true
	}
	was := o.tag
	o.tag = tag
	if was == "" || tag == "" || turned {
		o.snapshot()
		return true
	}
	sees := o.s.sees(id)
	ws, rows, _, _ := o.ward.snapshot(o.group)
	news := slices.ContainsFunc(ws, func(w shown) bool { return sees(w.key) && o.shown[w.w.Alert] == "" }) ||
		slices.ContainsFunc(rows, func(p person) bool { return sees(p.key) && o.shown[rowOf(p.key)] == "" })
	for _, key := range o.shown {
		news = news || !sees(key)
	}
	if news {
		o.snapshot()
	}
	return true
}

// resume waits a little for this server to reach v: the one that sent it may have been ahead.
func (o *screen) resume(ctx context.Context, v vector) (ws []shown, rows []person, seq uint64, at vector, ok bool) {
	late := time.After(resumeWithin)
	again := time.NewTicker(resumeLook)
	defer again.Stop()
	for !o.ward.reached(v) {
		select {
		case <-again.C:
		case <-late:
			return nil, nil, 0, nil, false
		case <-ctx.Done():
			return nil, nil, 0, nil, false
		}
	}
	return o.ward.resume(v, o.group)
}

// follow sends changes until the screen goes, may no longer read, or the server stops.
func (o *screen) follow(ctx context.Context) {
	rows, status := time.NewTicker(rowsEvery), time.NewTicker(statusEvery)
	defer rows.Stop()
	defer status.Stop()
	for {
		moved := o.s.kept.moves() // before it is looked whether this session has
		if o.s.isLocked(ctx, o.id, o.session) != o.id.Locked && !o.rights(ctx) {
			return
		}
		ws, _, seq, at, next := o.ward.changes(o.seq, "")
		if o.group != "" {
			at = nil // rows follow at their own pace: only then has everything been sent
		}
		o.seq = seq
		o.send(ws, nil, at)
		if o.flush() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-o.s.stopping:
			return
		case <-next:
		case <-moved:
		case <-rows.C:
			o.sync()
		case <-status.C:
			if !o.rights(ctx) {
				return
			}
			o.sync()
			o.put("status", o.s.status())
		}
	}
}

// sync sends the rows of the board that have changed as well, so that everything up to one vector has been sent.
func (o *screen) sync() {
	if o.group == "" {
		return
	}
	ws, rows, seq, at, _ := o.ward.changes(min(o.seq, o.rows), o.group)
	ws = slices.DeleteFunc(ws, func(w shown) bool { return w.seq <= o.seq })
	o.seq, o.rows = seq, seq
	o.send(ws, rows, at)
}

// send sends changes, each with the vector up to which everything has been sent before it; the last with at, when that
// is all there is up to at. What was sent and comes again after a break does no harm.
func (o *screen) send(ws []shown, rows []person, at vector) {
	ws, rows = o.visible(ws, rows)
	left := len(ws) + len(rows)
	next := func() {
		if left--; left == 0 && at != nil {
			o.at = at
		}
	}
	for i := range ws {
		next()
		o.put("warning", o.told(o.s.named(ws[i].warning())))
	}
	for i := range rows {
		next()
		o.put("patient", o.s.namedRow(rows[i].row()))
	}
	if at != nil {
		o.at = at
	}
}

func (o *screen) put(name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		o.s.o.Logger.Error("a change could not be sent to screens", streams.KeyEvent, name, streams.KeyErr, err)
		return
	}
	id := o.at.String()
	if o.tag != "" {
		id += tagMark + o.tag
	}
	fmt.Fprintf(&o.buf, "event: %s\nid: %s\ndata: %s\n\n", name, id, b)
}

// flush sends what has been put.
func (o *screen) flush() error {
	if o.buf.Len() == 0 {
		return nil
	}
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeWithin)) // a recorder in a test has none
	_, err := o.w.Write(o.buf.Bytes())
	if o.buf.Reset(); o.buf.Cap() > 1<<20 {
		o.buf = bytes.Buffer{}
	}
	if err != nil {
		return err
	}
	return o.rc.Flush()
}

func starting() *Problem {
	return refuse(http.StatusServiceUnavailable, "starting", "正在启动，请稍候", "the desk is still reading the log; try again in a moment")
}
