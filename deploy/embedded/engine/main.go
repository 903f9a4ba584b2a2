package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Exit codes of the child.
const (
	exitStopped = 0
	exitFault   = 1
	exitUsage   = 2
)

// stopWithin is how long statements that run may take to end when the child is told to stop.
const stopWithin = 5 * time.Second

// keyVariable hands the child the key that its callers must know; a command line would show it to everybody.
const keyVariable = "TOCSIN_ENGINE_KEY"

// database is made at start and named in the DSN; ClickHouse's own `default` is, in this engine, half a folder of files.
const database = "tocsin"

// flags of `tocsin clickhouse`.
type flags struct {
	path, listen, lib, addrFile string
	followStdin                 bool
	memory                      int64
}

// Main is `tocsin clickhouse`: the engine over one folder, behind ClickHouse's HTTP protocol, until it is told to stop
// or, with --follow-stdin, until its standard input ends because the parent has died. When it is ready it writes
// "listens on ADDR" to stdout and ADDR to the file of --addr-file.
func Main(args []string, stdout, stderr io.Writer) int {
	f, err := parseFlags(args, stderr)
	if err != nil {
		return exitUsage
	}
	if err := serve(f, stdout); err != nil {
		fmt.Fprintf(stderr, "tocsin clickhouse: %v\n", err)
		return exitFault
	}
	return exitStopped
}

func parseFlags(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("tocsin clickhouse", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.path, "path", "", "folder of the data (made when it is not there)")
	set.StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback address to listen on, or fd:N for a socket that was handed over")
	set.StringVar(&f.lib, "lib", "", "libchdb.so (default: engine/libchdb.so beside this program)")
	set.StringVar(&f.addrFile, "addr-file", "", "file that receives the address once the engine is ready")
	set.BoolVar(&f.followStdin, "follow-stdin", false, "stop when standard input says something, end at once when it ends, and heed no signal")
	set.Int64Var(&f.memory, "memory", 0, "most bytes of memory the engine may take (default: a third of the machine's, 1 to 8 GiB)")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if f.path == "" {
		err := errors.New("--path is missing: the folder of the data")
		fmt.Fprintf(stderr, "tocsin clickhouse: %v\n", err)
		return f, err
	}
	if f.memory == 0 {
		f.memory = defaultMemory()
	}
	return f, nil
}

// followParent calls stop when the parent says anything, and ends this process when the pipe from the parent ends. Then nothing is
// tidied up: the engine is made to be killed, and an orphan that lingers would hold the folder against the next start.
func followParent(in io.Reader, stop func()) {
	if _, err := in.Read(make([]byte, 1)); err == nil {
		stop()
		_, _ = io.Copy(io.Discard, in)
	}
	os.Exit(exitFault)
}

func serve(f flags, stdout io.Writer) error {
	told, stop := toldToStop(f)
	defer stop()
	path, folder, err := takeFolder(f)
	if err != nil {
		return err
	}
	defer folder.Close() // after all else: a lock that nobody holds on to goes with the next collection of garbage
	s, base, err := start(f, path)
	if err != nil {
		return err
	}
	defer base.close()
	l, err := listen(f.listen)
	if err != nil {
		return err
	}
	if err := announce(l.Addr().String(), f.addrFile, stdout); err != nil {
		return errors.Join(err, l.Close())
	}
	web := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-told.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving %s: %w", l.Addr(), err)
	}
	return nil
}

// toldToStop answers a context that ends when this process is to stop. A child is stopped by its parent alone: Ctrl-C, and SIGTERM
// from systemd and timeout, reach the whole tree, and whoever writes history still needs the engine then.
func toldToStop(f flags) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !f.followStdin {
		return signal.NotifyContext(context.Background(), signals...)
	}
	signal.Ignore(signals...)
	ctx, stop := context.WithCancel(context.Background())
	go followParent(os.Stdin, stop)
	return ctx, stop
}

// takeFolder answers the folder's whole name and the lock on it, which the caller holds for as long as the engine is up.
func takeFolder(f flags) (path string, folder *os.File, err error) {
	if path, err = filepath.Abs(f.path); err != nil {
		return "", nil, fmt.Errorf("folder %s: %w", f.path, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", nil, fmt.Errorf("folder of the engine: %w", err)
	}
	folder, err = lock(path, lockWait)
	return path, folder, err
}

// start loads the library and opens the session that keeps the engine up.
func start(f flags, path string) (*server, *conn, error) {
	lib, err := Find(f.lib)
	if err != nil {
		return nil, nil, err
	}
	if err := writeConfig(path, f.memory); err != nil {
		return nil, nil, err
	}
	s := &server{path: path, key: os.Getenv(keyVariable), slots: make(chan struct{}, sessions)}
	if s.lib, err = load(lib); err != nil {
		return nil, nil, err
	}
	base, err := s.lib.open(arguments(path)...)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := errors.Join(s.identify(base), base.exec("CREATE DATABASE IF NOT EXISTS "+database)); err != nil {
		base.close()
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, base, nil
}

// listen opens the address, or takes over a socket that the parent opened: then the address outlives this process.
func listen(address string) (net.Listener, error) {
	if fd, ok := strings.CutPrefix(address, "fd:"); ok {
		n, err := strconv.Atoi(fd)
		if err != nil {
			return nil, fmt.Errorf("--listen %s: fd: wants a number", address)
		}
		f := os.NewFile(uintptr(n), "listener")
		l, err := net.FileListener(f)
		return l, errors.Join(err, f.Close())
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen %s: the embedded engine serves this machine alone; use 127.0.0.1", address)
	}
	return net.Listen("tcp", address)
}

func announce(addr, file string, stdout io.Writer) error {
	if file != "" {
		if err := writeWhole(file, []byte(addr+"\n")); err != nil {
			return fmt.Errorf("write the address: %w", err)
		}
	}
	_, err := fmt.Fprintf(stdout, "listens on %s\n", addr)
	return err
}

// writeWhole writes a file that is either there with all its bytes or not at all.
func writeWhole(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
