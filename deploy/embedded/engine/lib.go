package engine

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is libchdb's C interface, as far as we use it. The engine keeps its state in globals, so a process loads it
// once, over one folder; connections are sessions on it, run side by side, and cost 0.3 ms each.
type library struct {
	setSignalHandlers func(on bool)
	connect           func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn         func(conn unsafe.Pointer)
	query             func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr,
		names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer
	stream func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr,
		names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer
	fetch       func(conn, stream unsafe.Pointer) unsafe.Pointer
	cancel      func(conn, stream unsafe.Pointer)
	free        func(result unsafe.Pointer)
	buffer      func(result unsafe.Pointer) unsafe.Pointer
	length      func(result unsafe.Pointer) uintptr
	fault       func(result unsafe.Pointer) string
	rowsWritten func(result unsafe.Pointer) uint64
	rowsRead    func(result unsafe.Pointer) uint64
}

// load opens the library and binds every function at once, so that a file of another version is refused here, by
// name, and not in the middle of a query.
func load(path string) (lib *library, err error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load engine %s: %w", path, err)
	}
	defer func() {
		if r := recover(); r != nil {
			lib, err = nil, fmt.Errorf("load engine %s: another version than the pinned one? %v", path, r)
		}
	}()
	lib = new(library)
	for name, fn := range map[string]any{
		"chdb_set_signal_handlers_enabled": &lib.setSignalHandlers,
		"chdb_connect":                     &lib.connect,
		"chdb_close_conn":                  &lib.closeConn,
		"chdb_query_with_params_n":         &lib.query,
		"chdb_stream_query_with_params_n":  &lib.stream,
		"chdb_stream_fetch_result":         &lib.fetch,
		"chdb_stream_cancel_query":         &lib.cancel,
		"chdb_destroy_query_result":        &lib.free,
		"chdb_result_buffer":               &lib.buffer,
		"chdb_result_length":               &lib.length,
		"chdb_result_error":                &lib.fault,
		"chdb_result_rows_written":         &lib.rowsWritten,
		"chdb_result_rows_read":            &lib.rowsRead,
	} {
		purego.RegisterLibFunc(fn, handle, name)
	}
	lib.setSignalHandlers(false) // before anything else: they would replace the ones of Go's runtime
	return lib, nil
}

// conn is one session of the engine: settings, current database and temporary tables live and die with it. It runs one
// statement at a time.
type conn struct {
	lib *library
	p   unsafe.Pointer
}

// open begins a session; args are those of clickhouse-local, such as --path=DIR.
func (l *library) open(args ...string) (*conn, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, len(args))
	for i, a := range args {
		argv[i] = pinned(&pin, append([]byte(a), 0))
	}
	pin.Pin(&argv[0])
	p := l.connect(int32(len(argv)), unsafe.Pointer(&argv[0]))
	if p == nil {
		return nil, errors.New("the engine opened no session; its folder may belong to a newer version or be damaged")
	}
	return &conn{lib: l, p: p}, nil
}

func (c *conn) close() { c.lib.closeConn(c.p) }

// handle is the session itself; what connect gives points to it.
func (c *conn) handle() unsafe.Pointer { return *(*unsafe.Pointer)(c.p) }

// param is a value for a {name:Type} placeholder, in the engine's escaped text form.
type param struct{ name, value string }

// run executes one statement and gives its whole result in the format named, unless the statement names its own.
func (c *conn) run(sql, format string, params []param) (*result, error) {
	return c.call(c.lib.query, sql, format, params)
}

// exec runs a statement whose result nobody reads.
func (c *conn) exec(sql string) error {
	r, err := c.run(sql, "Null", nil)
	if err != nil {
		return err
	}
	r.free()
	return nil
}

// stream begins a SELECT whose result is fetched piece by piece; each piece is whole blocks or whole rows. The engine
// refuses anything but a SELECT here before it does any of it (errNoStream).
func (c *conn) stream(sql, format string, params []param) (*result, error) {
	return c.call(c.lib.stream, sql, format, params)
}

// fetch gives the next piece of a stream; an empty one is the end.
func (c *conn) fetch(stream *result) (*result, error) {
	return c.checked(c.lib.fetch(c.handle(), stream.p))
}

// cancel ends a stream that was not read to its end.
func (c *conn) cancel(stream *result) { c.lib.cancel(c.handle(), stream.p) }

type entry = func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer

func (c *conn) call(fn entry, sql, format string, params []param) (*result, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	n := len(params)
	names, values := make([]unsafe.Pointer, n), make([]unsafe.Pointer, n)
	nameLens, valueLens := make([]uintptr, n), make([]uintptr, n)
	for i, p := range params {
		names[i], nameLens[i] = pinned(&pin, []byte(p.name)), uintptr(len(p.name))
		values[i], valueLens[i] = pinned(&pin, []byte(p.value)), uintptr(len(p.value))
	}
	s, f := []byte(sql), []byte(format)
	return c.checked(fn(c.handle(), pinned(&pin, s), uintptr(len(s)), pinned(&pin, f), uintptr(len(f)),
		first(&pin, names), first(&pin, nameLens), first(&pin, values), first(&pin, valueLens), uintptr(n)))
}

// pinned answers b's address and keeps it there until unpinned; an empty b still has one.
func pinned(pin *runtime.Pinner, b []byte) unsafe.Pointer {
	if cap(b) == 0 {
		b = make([]byte, 1)
	}
	p := unsafe.SliceData(b)
	pin.Pin(p)
	return unsafe.Pointer(p)
}

func first[T any](pin *runtime.Pinner, s []T) unsafe.Pointer {
	if len(s) == 0 {
		return nil
	}
	pin.Pin(&s[0])
	return unsafe.Pointer(&s[0])
}

// result is memory of the engine; free gives it back, and bytes is gone then.
type result struct {
	lib *library
	p   unsafe.Pointer
}

func (c *conn) checked(p unsafe.Pointer) (*result, error) {
	if p == nil {
		return nil, &exception{text: "Code: 49. DB::Exception: the engine gave no result at all. (LOGICAL_ERROR)"}
	}
	r := &result{lib: c.lib, p: p}
	if text := c.lib.fault(p); text != "" {
		r.free()
		return nil, &exception{text: text}
	}
	return r, nil
}

func (r *result) bytes() []byte {
	n := r.lib.length(r.p)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.lib.buffer(r.p)), n)
}

func (r *result) free() { r.lib.free(r.p) }
