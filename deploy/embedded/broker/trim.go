package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// trims remembers what was trimmed, since kfake forgets it in a crash.
type trims struct {
	path string

	mu     sync.Mutex
	before map[string]map[int32]int64 // topic, partition: the first offset that is left
}

func readTrims(path string) (*trims, error) {
	t := &trims{path: path, before: map[string]map[int32]int64{}}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return t, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(b, &t.before); err != nil {
		return nil, fmt.Errorf("%s: %w (remove it: the log then begins where its oldest file does)", path, err)
	}
	return t, nil
}

// raise remembers a trim and tells whether it is a new one.
func (t *trims) raise(topic string, partition int32, before int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before <= t.before[topic][partition] {
		return false
	}
	if t.before[topic] == nil {
		t.before[topic] = map[int32]int64{}
	}
	t.before[topic][partition] = before
	return true
}

// write puts it on disk as a whole or not at all.
func (t *trims) write() error {
	t.mu.Lock()
	b, err := json.Marshal(t.before)
	t.mu.Unlock()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(t.path), ".trimmed-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), t.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// trim sees each DeleteRecords before kfake does. It never lets a partition become empty: with its last file gone,
// kfake would give offsets again from 0 after the next start, and every stored position would lie beyond the log.
func (b *Broker) trim(r kmsg.Request) (kmsg.Response, error, bool) {
	b.cluster.KeepControl()
	req, ok := r.(*kmsg.DeleteRecordsRequest)
	if !ok {
		return nil, nil, false
	}
	raised := false
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			info := b.cluster.PartitionInfo(t.Topic, p.Partition)
			if info == nil {
				continue // kfake says that there is none
			}
			p.Offset = atMost(p.Offset, info.LogStartOffset, info.HighWatermark)
			if p.Offset <= info.HighWatermark {
				raised = b.trims.raise(t.Topic, p.Partition, p.Offset) || raised
			}
		}
	}
	if raised {
		if err := b.trims.write(); err != nil {
			// The records go all the same; after a crash some of them are back until the next trim.
			b.o.Logger.Warn("trimmed offsets are not remembered over a crash", slog.Any("err", err))
		}
	}
	return nil, nil, false
}

// atMost leaves the last record where it is. -1 asks for all.
func atMost(asked, first, next int64) int64 {
	if asked == -1 || asked == next {
		return max(next-1, first)
	}
	return asked
}

// trimAgain trims what was trimmed before a crash. A partition that is shorter than that has lost records, which
// readers find out and say.
func (b *Broker) trimAgain() error {
	b.trims.mu.Lock()
	defer b.trims.mu.Unlock()
	for topic, all := range b.trims.before {
		for partition, before := range all {
			info := b.cluster.PartitionInfo(topic, partition)
			if info == nil || before <= info.LogStartOffset || before > info.HighWatermark {
				continue
			}
			if err := b.cluster.DeleteRecords(topic, partition, before); err != nil {
				return fmt.Errorf("trim %s/%d before %d again: %w", topic, partition, before, err)
			}
		}
	}
	return nil
}
