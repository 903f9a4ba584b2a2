package engine

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
)

// Bounds on what one request may bring. An insert of the history is some megabytes.
const (
	maxStatement = 64 << 20 // bytes of SQL, VALUES among it
	maxInsert    = 1 << 30  // bytes of data, which lie in memory until they are stored
)

// request is one statement with all that the URL says about it.
type request struct {
	sql      string
	data     *os.File // of an INSERT, or nil
	params   []param
	settings []param
	database string
	format   string // default_format
	revision uint64 // client_protocol_version
	pack     compress.Method
	packed   bool // the answer goes out in ClickHouse's compressed frames
	whole    bool // wait_end_of_query: nothing goes out before the end
}

// close lets go of the memory in which an INSERT's data lie.
func (q *request) close() {
	if q.data != nil {
		_ = q.data.Close() // a memory file: there is nothing to be lost
	}
}

// notSettings are the parameters of the URL that are the protocol's own (src/Server/HTTPHandler.cpp).
var notSettings = []string{"query", "database", "default_format", "client_protocol_version", "compress", "decompress",
	"user", "password", "quota_key", "query_id", "stacktrace", "buffer_size", "wait_end_of_query", "role"}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// readRequest takes the statement from URL and body, as ClickHouse does: one text, the URL's part first. The data of an
// INSERT goes to a memory file; what cannot be served is refused, by name, rather than half done.
func readRequest(r *http.Request, tmp string) (*request, error) {
	v := r.URL.Query()
	q := &request{database: v.Get("database"), format: "TabSeparated", whole: isOn(v.Get("wait_end_of_query"))}
	if f := v.Get("default_format"); f != "" {
		q.format = f
	}
	if s := v.Get("client_protocol_version"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return nil, fault(codeBadArguments, "BAD_ARGUMENTS", "client_protocol_version %q is no number", s)
		}
		q.revision = n
	}
	if v.Has("session_id") || strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, fault(codeNotImplemented, "NOT_IMPLEMENTED", "The embedded engine has neither sessions nor external tables")
	}
	if err := q.readSettings(r.Method, v); err != nil {
		return nil, err
	}
	body, err := bodyOf(r, v)
	if err != nil {
		return nil, err
	}
	if err := q.readStatement(v.Get("query"), body, tmp); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func isOn(s string) bool { return s == "1" || strings.EqualFold(s, "true") }

// readSettings sorts the URL's parameters. Every one that is not the protocol's own is a setting and has to reach the
// engine: without insert_deduplication_token a repeated insert would be stored twice.
func (q *request) readSettings(method string, v url.Values) error {
	q.packed, q.pack = isOn(v.Get("compress")), compress.LZ4
	if strings.EqualFold(v.Get("network_compression_method"), "ZSTD") {
		q.pack = compress.ZSTD
	}
	for name, values := range v {
		value := values[len(values)-1]
		switch {
		case strings.HasPrefix(name, "param_"):
			q.params = append(q.params, param{strings.TrimPrefix(name, "param_"), value})
		case slices.Contains(notSettings, name):
		case !settingName.MatchString(name):
			return fault(codeUnknownSetting, "UNKNOWN_SETTING", "Setting %q has no name that a setting can have", name)
		default:
			q.settings = append(q.settings, param{name, value})
		}
	}
	if method == http.MethodGet && !v.Has("readonly") {
		q.settings = append(q.settings, param{"readonly", "2"})
	}
	slices.SortFunc(q.settings, func(a, b param) int { return strings.Compare(a.name, b.name) })
	return nil
}

// bodyOf unpacks the body as the headers and the URL say.
func bodyOf(r *http.Request, v url.Values) (io.Reader, error) {
	var body io.Reader = r.Body
	switch enc := r.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, fault(codeBadArguments, "BAD_ARGUMENTS", "The body is no gzip: %v", err)
		}
		body = z
	default:
		return nil, fault(codeNotImplemented, "NOT_IMPLEMENTED", "The embedded engine does not unpack Content-Encoding %q; use gzip or compress=lz4", enc)
	}
	if isOn(v.Get("decompress")) {
		body = unframed{compress.NewReader(body)}
	}
	return body, nil
}

func (q *request) readStatement(head string, body io.Reader, tmp string) error {
	if n, ok := asInsertion(head); ok {
		return q.takeData(n, io.MultiReader(strings.NewReader(head[n.data:]), body), tmp)
	}
	b, err := io.ReadAll(io.LimitReader(body, maxStatement+1))
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	text := string(b)
	if head != "" && text != "" {
		text = head + "\n" + text
	} else {
		text = head + text
	}
	if n, ok := asInsertion(text); ok && len(b) <= maxStatement {
		return q.takeData(n, strings.NewReader(text[n.data:]), tmp)
	}
	if len(b) > maxStatement {
		return fault(codeTooLarge, "TOO_MANY_BYTES", "A statement of over %d bytes; give the INSERT in the URL and the data in the body", maxStatement)
	}
	if strings.TrimSpace(text) == "" {
		return fault(62, "SYNTAX_ERROR", "Empty query")
	}
	q.sql = text
	return nil
}

// takeData puts the data of an INSERT where the engine reads it as a file: in its own text binary data would end at
// the first end of line.
func (q *request) takeData(n insertion, data io.Reader, tmp string) error {
	f, path, err := newMemfile(tmp)
	if err != nil {
		return err
	}
	q.data = f
	size, err := io.Copy(f, io.LimitReader(data, maxInsert+1))
	if err != nil {
		return fmt.Errorf("read the data of the insert: %w", err)
	}
	if size > maxInsert {
		return fault(codeTooLarge, "TOO_MANY_BYTES", "An insert of over %d bytes; send it in parts", maxInsert)
	}
	q.sql = n.from(path)
	return nil
}
