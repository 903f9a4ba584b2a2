package engine

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sessions is how many statements run side by side; more wait. The engine itself spreads each over the cores.
const sessions = 16

// server speaks ClickHouse's HTTP protocol for one engine. Each request gets a session of its own (0.3 ms), so that no
// setting, database or temporary table of one reaches another.
type server struct {
	lib     *library
	path    string // of the engine's data
	key     string // what callers must know, or nothing
	slots   chan struct{}
	version string
	zone    string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/ping":
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n") // who asked and left needs no answer
	case r.URL.Path != "/":
		http.Error(w, "There is no handle "+r.URL.Path+"\nUse / or /ping.", http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		http.Error(w, "use GET or POST", http.StatusMethodNotAllowed)
	default:
		s.answer(w, r)
	}
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	a := &answer{w: w, version: s.version, tag: strings.ToLower(rand.Text()[:16])}
	h := w.Header()
	h.Set("X-ClickHouse-Server-Display-Name", "tocsin")
	h.Set("X-ClickHouse-Timezone", s.zone)
	h.Set("X-ClickHouse-Exception-Tag", a.tag)
	h.Set("X-ClickHouse-Query-Id", queryID(r))
	if !s.allows(r) {
		a.fail(fault(codeUnauthorized, "AUTHENTICATION_FAILED", "Authentication failed: the key of the embedded engine is in run.json of its tree"))
		return
	}
	q, err := readRequest(r, s.path)
	if err != nil {
		a.fail(err)
		return
	}
	defer q.close()
	a.request = q
	if err := s.run(r.Context(), q, a); err != nil {
		a.fail(err)
	}
}

func queryID(r *http.Request) string {
	if id := r.URL.Query().Get("query_id"); id != "" {
		return id
	}
	return strings.ToLower(rand.Text())
}

// allows compares the key in constant time, from wherever a ClickHouse client may put a password.
func (s *server) allows(r *http.Request) bool {
	if s.key == "" {
		return true
	}
	key := r.Header.Get("X-ClickHouse-Key")
	if _, password, ok := r.BasicAuth(); ok {
		key = password
	}
	if p := r.URL.Query().Get("password"); p != "" {
		key = p
	}
	return subtle.ConstantTimeCompare([]byte(key), []byte(s.key)) == 1
}

// run gives the statement a session and writes what comes back.
func (s *server) run(ctx context.Context, q *request, a *answer) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	mark := "request " + rand.Text()
	c, err := s.session(q, mark)
	if err != nil {
		return err
	}
	defer c.close()
	release := s.killWith(ctx, mark)
	defer release()

	shape := asQuery(q.sql)
	a.format = q.format
	if shape.format != "" {
		a.format = shape.format
	}
	if shape.selects && !q.whole && streams(a.format) {
		err := s.stream(ctx, c, q, a)
		if !errNoStream(err) {
			return err
		}
	}
	r, err := c.run(q.sql, q.format, q.params)
	if err != nil {
		return err
	}
	defer r.free()
	a.counted(s.lib.rowsRead(r.p), s.lib.rowsWritten(r.p))
	a.end()
	return a.write(r.bytes())
}

// streams says whether a format is a plain row of blocks or lines: the engine makes each piece of a stream a document of
// its own, so one with a head or a foot (JSON, CSVWithNames) has to come whole.
func streams(format string) bool {
	switch strings.ToLower(format) {
	case "native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "rowbinary":
		return true
	default:
		return false
	}
}

// stream hands on a SELECT piece by piece. The first piece comes before the first byte goes out, so that most faults
// still have their status.
func (s *server) stream(ctx context.Context, c *conn, q *request, a *answer) error {
	rows, err := c.stream(q.sql, q.format, q.params)
	if err != nil {
		return err
	}
	defer rows.free()
	for {
		piece, err := c.fetch(rows)
		if err != nil {
			return err
		}
		b := piece.bytes()
		if len(b) == 0 {
			piece.free()
			a.end()
			return nil
		}
		err = a.write(b)
		piece.free()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			c.cancel(rows)
			return err
		}
	}
}

// session opens one with the URL's database and settings. Faults in a setting are the engine's own. The mark is where
// KILL QUERY finds the statement, unless the caller wants a comment of its own.
func (s *server) session(q *request, mark string) (*conn, error) {
	c, err := s.lib.open(arguments(s.path)...)
	if err != nil {
		return nil, err
	}
	if err := prepare(c, q, mark); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func prepare(c *conn, q *request, mark string) error {
	if q.database != "" {
		if err := c.exec("USE " + quoteName(q.database)); err != nil {
			return err
		}
	}
	set := "SET implicit_select = 0, log_comment = " + quote(mark)
	for _, p := range q.settings {
		set += ", " + p.name + " = " + quote(p.value)
	}
	return c.exec(set)
}

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func quoteName(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}

// answer is what goes back. Nothing is sent before the first bytes of a result, so a fault before that has ClickHouse's
// status and headers; one after that stands in the body, framed with the response's tag.
type answer struct {
	w       http.ResponseWriter
	request *request
	format  string
	version string
	tag     string
	began   bool
}

func (a *answer) counted(read, written uint64) {
	a.w.Header().Set("X-ClickHouse-Summary", `{"read_rows":"`+strconv.FormatUint(read, 10)+`","written_rows":"`+strconv.FormatUint(written, 10)+`"}`)
}

// write sends a piece of a result, in the client's revision and compression.
func (a *answer) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	out := a.body()
	if strings.EqualFold(a.format, "Native") {
		if err := atRevision(out, b, a.request.revision); err != nil {
			return err
		}
	} else if _, err := out.Write(b); err != nil {
		return err
	}
	if f, ok := a.w.(http.Flusher); ok && !a.request.whole {
		f.Flush()
	}
	return nil
}

// body is where bytes of the result go; asking for it sets the headers, which the first write sends.
func (a *answer) body() io.Writer {
	if !a.began {
		a.w.Header().Set("X-ClickHouse-Format", a.format)
		a.w.Header().Set("Content-Type", contentType(a.format))
	}
	out := io.Writer(writerFunc(func(b []byte) (int, error) {
		a.began = true
		return a.w.Write(b)
	}))
	if a.request.packed {
		return framed{out, a.request.pack}
	}
	return out
}

// end sets what an answer without a single byte still says of itself; net/http sends it when the handler returns.
func (a *answer) end() {
	if !a.began {
		a.w.Header().Set("X-ClickHouse-Format", a.format)
	}
}

// fail tells the client of a fault in ClickHouse's way.
func (a *answer) fail(err error) {
	e := asException(err)
	text := strings.TrimSpace(e.text) + " (version " + a.version + ")"
	if !a.began {
		h := a.w.Header()
		h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code()))
		h.Set("Content-Type", "text/plain; charset=UTF-8")
		a.w.WriteHeader(e.status())
		_, _ = io.WriteString(a.w, text+"\n") // a client that has gone needs no answer
		return
	}
	_, werr := fmt.Fprintf(a.body(), "\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", a.tag, text, len(text), a.tag)
	if werr != nil {
		panic(http.ErrAbortHandler) // cut the connection: an answer that ends in order would pass for a whole one
	}
}

func contentType(format string) string {
	switch strings.ToLower(format) {
	case "json", "jsoncompact", "jsoneachrow":
		return "application/json; charset=UTF-8"
	case "csv", "csvwithnames":
		return "text/csv; charset=UTF-8; header=absent"
	case "tabseparated", "tsv":
		return "text/tab-separated-values; charset=UTF-8"
	default:
		return "application/octet-stream"
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// identify asks the engine once what it is.
func (s *server) identify(c *conn) error {
	r, err := c.run("SELECT version(), timezone()", "TabSeparated", nil)
	if err != nil {
		return err
	}
	defer r.free()
	s.version, s.zone, _ = strings.Cut(strings.TrimSpace(string(r.bytes())), "\t")
	return nil
}

// killWith ends the statement marked with mark when its caller has gone. It answers how to take that back.
func (s *server) killWith(ctx context.Context, mark string) (release func()) {
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		for { // the statement may not have begun yet
			s.kill(mark)
			select {
			case <-over:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
	return func() {
		stop()
		close(over)
	}
}

// kill is tried again by its caller for as long as the statement runs, so a fault here is no news.
func (s *server) kill(mark string) {
	c, err := s.lib.open(arguments(s.path)...)
	if err != nil {
		return
	}
	defer c.close()
	_ = c.exec("KILL QUERY WHERE Settings['log_comment'] = " + quote(mark) + " ASYNC")
}
