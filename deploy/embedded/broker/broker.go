// Package broker is the embedded log: a broker that speaks Kafka's protocol in our own process, with its records on
// disk and synced before they are acknowledged. It is for one machine, tests and trials: no replicas.
//
// It is franz-go's kfake. What kfake does not do, and what becomes of it here:
//   - It forgets in a crash what DeleteRecords trimmed: remembered in trimmed.json and trimmed again at start.
//   - It counts offsets from 0 again when a partition that was trimmed empty is opened: the last record always stays.
//   - It keeps producers' sequences of the last orderly stop, and after a crash refuses whoever went on since: the file
//     is removed once it is read. Sequences are thus forgotten in a crash, and a batch that was sent again may lie in
//     the log twice; identities and the rule of reading pass over it.
//   - It deletes what is older than a week unless told otherwise: every topic is made with retention.ms=-1.
//   - It syncs twice for each batch, one after the other on one goroutine, and does not tell a writer that a sync failed:
//     a gate before its answers syncs instead, and lets nothing out after a failure.
//   - It ends the process over a request that it does not know: the gate closes the connection.
//   - It has no LogAppendTime. Nothing mends that here.
//   - After a crash it reads the whole log into memory at once before it listens, and lets it go again: another reason
//     to keep the embedded log below 1 GB.
package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/streams/kafka"
)

// Options say where the broker keeps its records and where it listens.
type Options struct {
	Dir        string // a folder of its own; made when it is not there
	Addr       string // host:port to listen on; 127.0.0.1 and a free port when empty
	Advertise  string // host:port that clients are told, when it is not Addr's: needed when Addr listens everywhere
	Partitions int32  // of a log that is made now, and as the folder must have it; 4 when 0
	Logger     *slog.Logger

	sync func(path string) error // replaced in tests
}

// Broker runs until Stop.
type Broker struct {
	o       Options
	watcher *watcher
	disk    *rounds
	lock    *os.File
	cluster *kfake.Cluster
	trims   *trims
	stop    sync.Once
	stopped error
}

// Start opens the folder, listens, and answers when every topic is there.
func Start(o Options) (*Broker, error) {
	o.Partitions = cmp.Or(o.Partitions, 4)
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.sync == nil {
		o.sync = syncPath
	}
	if o.Dir == "" {
		return nil, errors.New("start the embedded log: no folder given")
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("start the embedded log: %w", err)
	}
	b := &Broker{o: o, lock: lock}
	if err := b.open(); err != nil {
		return nil, fmt.Errorf("start the embedded log in %s: %w", o.Dir, errors.Join(err, b.close()))
	}
	return b, nil
}

func (b *Broker) open() error {
	var err error
	if b.trims, err = readTrims(filepath.Join(b.o.Dir, "trimmed.json")); err != nil {
		return err
	}
	if b.cluster, err = kfake.NewCluster(b.durable(
		kfake.NumBrokers(1),
		kfake.ClusterID("tocsin-embedded"),
		kfake.DataDir(b.data()),
		kfake.ListenFn(b.listen),
		kfake.WithLogger(logger{b.o.Logger}),
		// Retention is switched off at every topic; this is the second lock on the same door.
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1", "log.retention.bytes": "-1"}),
	)...); err != nil {
		return err
	}
	if err := b.forgetSequences(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := kafka.Ensure(ctx, []string{b.Addr()}, kafka.Security{}, b.o.Partitions, 1); err != nil {
		return err
	}
	b.cluster.ControlKey(int16(kmsg.DeleteRecords), b.trim)
	return b.trimAgain()
}

// durable makes sure that what is acknowledged is on disk: by the gate where the system can tell us what was written,
// else by kfake's own sync of each batch.
func (b *Broker) durable(opts ...kfake.Opt) []kfake.Opt {
	partitions := filepath.Join(b.data(), "partitions")
	err := os.MkdirAll(partitions, 0o755)
	if err == nil {
		b.watcher, err = watch(partitions)
	}
	if err != nil {
		b.o.Logger.Info("the embedded log syncs each batch by itself", slog.Any("err", err))
		return append(opts, kfake.SyncWrites())
	}
	b.disk = &rounds{changes: b.watcher.changes, sync: b.o.sync, failed: func(err error) {
		b.o.Logger.Error("the embedded log cannot write: look at the disk, then restart", slog.Any("err", err))
	}}
	return opts
}

// Err is the fault of the disk after which the broker acknowledges nothing more; nil while there is none.
func (b *Broker) Err() error {
	if b.disk == nil {
		return nil
	}
	return b.disk.failure()
}

func (b *Broker) data() string { return filepath.Join(b.o.Dir, "log") }

// forgetSequences removes what an orderly stop left of the producers' sequences: it is in memory now. A crash would
// leave the file as it is, and at the next start old sequences would refuse the records of producers that have gone on
// since. Without the file they are taken, some of them twice, which the rule of reading and identities pass over.
func (b *Broker) forgetSequences() error {
	err := os.Remove(filepath.Join(b.data(), "seq_windows.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// listen listens on Addr whatever kfake asks for, and tells the address that clients can reach.
func (b *Broker) listen(network, _ string) (net.Listener, error) {
	ln, err := net.Listen(network, b.o.Addr)
	if err != nil {
		return nil, err
	}
	if b.disk != nil {
		ln = gate{ln, b.disk}
	}
	tcp, ok := ln.Addr().(*net.TCPAddr)
	switch {
	case b.o.Advertise != "":
		return elsewhere{ln, named(b.o.Advertise)}, nil
	case ok && tcp.IP.IsUnspecified():
		err := fmt.Errorf("%s listens everywhere: say with Advertise under which host:port clients reach it", b.o.Addr)
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

type elsewhere struct {
	net.Listener
	addr net.Addr
}

func (l elsewhere) Addr() net.Addr { return l.addr }

type named string

func (named) Network() string  { return "tcp" }
func (n named) String() string { return string(n) }

// Addr is the host:port that clients connect to.
func (b *Broker) Addr() string { return b.cluster.ListenAddrs()[0] }

// Stop ends the broker in order: everything is on disk, with the groups and sequences that a crash forgets. When ctx
// ends first the broker is left to end by itself, and the folder stays locked until it has.
func (b *Broker) Stop(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		b.stop.Do(func() { b.stopped = b.close() })
		ended <- b.stopped
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("stop the embedded log in %s: %w", b.o.Dir, ctx.Err())
	}
}

func (b *Broker) close() error {
	var err error
	if b.cluster != nil {
		b.cluster.Close()
	}
	if b.disk != nil {
		err = errors.Join(b.disk.settle(), b.watcher.close())
	}
	return errors.Join(err, b.lock.Close())
}

// Size is how many bytes the folder holds.
func (b *Broker) Size() (int64, error) {
	var sum int64
	err := filepath.WalkDir(b.o.Dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // trimmed while we looked
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("size of the embedded log: %w", err)
	}
	return sum, nil
}

// logger hands kfake's lines to slog.
type logger struct{ to *slog.Logger }

func (g logger) Logf(level kfake.LogLevel, format string, args ...any) {
	at := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		at = slog.LevelError
	case kfake.LogLevelWarn:
		at = slog.LevelWarn
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
	if g.to.Enabled(context.Background(), at) {
		g.to.Log(context.Background(), at, "embedded log", slog.String("what", fmt.Sprintf(format, args...)))
	}
}
