package streams

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"

	"tocsin/streams/event"
)

// checkpointFormat is the version of a patient's state in a round. When it changes, the states of older rounds are
// lifted, or the round is left unread and the log folded from an older one or from its beginning. Format 1, before scores
// counted by parts, and format 2, before warnings knew tenant, group and planned windows, are left unread.
const checkpointFormat = 3

// round is a replica as it stood after one step, ready to be written while the owner goes on: states are never altered
// once a step is confirmed, so a copy of the map is a copy of everything.
type round[S, F any] struct {
	pair      Pair
	partition int32
	at        Position
	heads     heads[F]
	patients  map[string]*Patient[S]
}

// freeze takes a round of r as it stands.
func (r *Replica[S, F]) freeze() round[S, F] {
	return round[S, F]{r.pair, r.partition, r.at, r.heads, maps.Clone(r.patients)}
}

// Checkpoint appends a whole round of r as it stands.
func (r *Replica[S, F]) Checkpoint(ctx context.Context, w Writer, now event.Time) error {
	return r.freeze().write(ctx, w, now)
}

// write appends the round: a beginning, one record a subject in the order of keys, an end with count and checksum.
// It counts only once its end is in the log.
func (c round[S, F]) write(ctx context.Context, w Writer, now event.Time) error {
	name := fmt.Sprintf("%d.%s.%d", c.partition, c.at.Life, c.at.Number)
	common, err := json.Marshal(c.heads.Common)
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", name, err)
	}
	out := roundWriter{w: w, topic: c.pair.Checkpoints, partition: c.partition, name: name, now: now}
	begin, err := out.appendWait(ctx, PartitionKey(c.partition), "begin", &event.CheckpointBegan{
		Round: name, Life: c.at.Life, Number: c.at.Number, Offset: c.at.Offset, Input: c.heads.Input, Clock: c.heads.Clock,
		Effect: c.heads.Effect, Format: checkpointFormat, Common: common})
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", name, err)
	}
	sum := sha256.New()
	for i, key := range slices.Sorted(maps.Keys(c.patients)) {
		state, err := json.Marshal(c.patients[key])
		if err != nil {
			return fmt.Errorf("checkpoint %s of %s: %w", name, key, err)
		}
		sumState(sum, key, state)
		if err := out.append(key, fmt.Sprint(i), &event.CheckpointState{Round: name, Format: checkpointFormat, State: state}); err != nil {
			return fmt.Errorf("checkpoint %s of %s: %w", name, key, err)
		}
	}
	_, err = out.appendWait(ctx, PartitionKey(c.partition), "end", &event.CheckpointCompleted{
		Round: name, Begin: begin, Count: len(c.patients), Sum: hex.EncodeToString(sum.Sum(nil))})
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", name, err)
	}
	return nil
}

func sumState(h hash.Hash, key string, state []byte) {
	_, _ = fmt.Fprintf(h, "%d:%s%d:", len(key), key, len(state)) // a hash never fails
	_, _ = h.Write(state)
}

type roundWriter struct {
	w         Writer
	topic     string
	partition int32
	name      string
	now       event.Time
}

func (o *roundWriter) record(key, part string, data event.Event) (Record, error) {
	return ToRecord(o.topic, o.partition, key, event.Envelope{
		ID: o.topic + "." + o.name + "." + part, Source: "owner", Subject: key, At: o.now, Data: data})
}

func (o *roundWriter) append(key, part string, data event.Event) error {
	r, err := o.record(key, part, data)
	if err == nil {
		o.w.Append(r, nil) // a failure makes the writer fail every later append, the end's too
	}
	return err
}

func (o *roundWriter) appendWait(ctx context.Context, key, part string, data event.Event) (int64, error) {
	r, err := o.record(key, part, data)
	if err != nil {
		return -1, err
	}
	return AppendWait(ctx, o.w, r)
}

// AppendWait appends one record and waits until the log has acknowledged it.
func AppendWait(ctx context.Context, w Writer, r Record) (int64, error) {
	type answer struct {
		offset int64
		err    error
	}
	settled := make(chan answer, 1)
	w.Append(r, func(offset int64, err error) { settled <- answer{offset, err} })
	select {
	case a := <-settled:
		return a.offset, a.err
	case <-ctx.Done():
		return -1, ctx.Err()
	}
}

// Restore answers a replica from the newest complete round whose step holds, or an empty one. The recorded rest is
// applied by whoever reads on from its position.
func Restore[S, F any](ctx context.Context, log Log, pair Pair, partition int32, parts Parts[S, F]) (*Replica[S, F], error) {
	return restore(ctx, log, pair, partition, parts, event.Never)
}

// restore is Restore as of a moment: of the rounds only those count whose step was written by then.
func restore[S, F any](ctx context.Context, log Log, pair Pair, partition int32, parts Parts[S, F], until event.Time) (*Replica[S, F], error) {
	first, end, err := log.Bounds(ctx, pair.Checkpoints, partition)
	if err == nil && until != event.Never {
		end, err = WrittenAfter(ctx, log, pair.Checkpoints, partition, first, end, until)
	}
	if err != nil {
		return nil, fmt.Errorf("restore %s/%d: %w", pair.Checkpoints, partition, err)
	}
	// Rounds are looked for from the end, as older ones are only there until they are trimmed.
	for span := int64(1024); ; span *= 8 {
		from := max(first, end-span)
		best, err := bestRound[S, F](ctx, log, pair, partition, from, end, until)
		if err != nil {
			return nil, err
		}
		if best != nil {
			best.parts = parts
			return best, nil
		}
		if from == first {
			return NewReplica(parts, pair, partition), nil
		}
	}
}

// bestRound reads the checkpoints from an offset on and answers the round with the highest step that counts.
func bestRound[S, F any](ctx context.Context, log Log, pair Pair, partition int32, from, end int64, until event.Time) (best *Replica[S, F], err error) {
	open := map[string]*openRound[S, F]{}
	err = Each(ctx, log, pair.Checkpoints, partition, from, end, func(r Record) error {
		done := readRound(open, r)
		if done == nil || best != nil && done.at.Number <= best.at.Number {
			return nil
		}
		stands, err := stepStands(ctx, log, pair, partition, done.at, until)
		if stands {
			done.pair, done.partition = pair, partition
			best = done
		}
		return err
	})
	return best, err
}

type openRound[S, F any] struct {
	replica *Replica[S, F]
	sum     hash.Hash
	bad     bool
}

// readRound takes one record of a round and answers the round when it is complete and whole. A round that cannot be
// read does not count: the log is the truth, and the round before it serves.
func readRound[S, F any](open map[string]*openRound[S, F], r Record) *Replica[S, F] {
	e, err := event.Decode(r.Headers, r.Value)
	if err != nil {
		return nil
	}
	switch d := e.Data.(type) {
	case *event.CheckpointBegan:
		o := &openRound[S, F]{sum: sha256.New(), replica: &Replica[S, F]{at: Position{d.Life, d.Number, d.Offset}, patients: map[string]*Patient[S]{}}}
		o.replica.heads = heads[F]{Effect: d.Effect, Clock: d.Clock, Input: d.Input}
		o.bad = d.Format != checkpointFormat || json.Unmarshal(d.Common, &o.replica.heads.Common) != nil
		open[d.Round] = o // a round that is written twice counts from its newest beginning
	case *event.CheckpointState:
		if o := open[d.Round]; o != nil {
			o.state(e.Subject, d)
		}
	case *event.CheckpointCompleted:
		o := open[d.Round]
		if o == nil {
			return nil
		}
		delete(open, d.Round)
		if !o.bad && len(o.replica.patients) == d.Count && hex.EncodeToString(o.sum.Sum(nil)) == d.Sum {
			return o.replica
		}
	}
	return nil
}

func (o *openRound[S, F]) state(key string, d *event.CheckpointState) {
	p := new(Patient[S])
	if d.Format != checkpointFormat || json.Unmarshal(d.State, p) != nil {
		o.bad = true
		return
	}
	sumState(o.sum, key, d.State)
	o.replica.patients[key] = p
}

// stepStands tells whether the step that a round names stands at its offset, or is trimmed. Otherwise the round was
// made from another log, or from records that the log has lost since. It has to have been written by until; of one that is
// trimmed nobody can say when that was.
func stepStands(ctx context.Context, log Log, pair Pair, partition int32, at Position, until event.Time) (bool, error) {
	first, next, err := log.Bounds(ctx, pair.Decisions, partition)
	if err != nil {
		return false, fmt.Errorf("restore %s/%d: %w", pair.Decisions, partition, err)
	}
	if at.Offset < first {
		return until == event.Never, nil
	}
	if at.Offset >= next {
		return false, nil
	}
	r, err := RecordAt(ctx, log, pair.Decisions, partition, at.Offset)
	if err != nil {
		return false, fmt.Errorf("restore %s/%d: %w", pair.Decisions, partition, err)
	}
	e, err := event.Decode(r.Headers, r.Value)
	if err != nil {
		return false, nil //nolint:nilerr // what stands there is not the step: the round does not count
	}
	c, ok := e.Data.(*event.StepClosed)
	return ok && e.Life == at.Life && c.Number == at.Number && event.Time(r.AppendMs) <= until, nil
}
