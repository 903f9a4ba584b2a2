package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/streams"
)

// Join becomes a member of group, which shares out the partitions of topic.
func (l *Log) Join(group, topic string) (streams.Membership, error) {
	m := &membership{
		log: l, group: group, topic: topic, mine: map[int32]bool{}, commits: map[int32]int64{},
		changed: make(chan struct{}), stop: make(chan struct{}), committed: make(chan struct{}),
	}
	cl, err := kgo.NewClient(l.joining(group, topic, m)...)
	if err != nil {
		return nil, fmt.Errorf("join group %s: %w", group, err)
	}
	m.cl = cl
	go m.commit()
	return m, nil
}

// membership never fetches: what it is assigned is paused at once.
//
// franz-go waits in assigned and revoked, and joins again only after revoked has returned: so a partition is given to
// others only after the Ack of an assignment without it.
type membership struct {
	log          *Log
	group, topic string
	cl           *kgo.Client

	mu      sync.Mutex
	mine    map[int32]bool
	told    []int32 // what the last assignment said
	version int     // counts what franz-go told us
	taken   int     // the last version at which something was taken away
	heard   int     // the version of the last assignment
	acked   int     // the version up to which everything that is no longer ours has stopped
	changed chan struct{}
	commits map[int32]int64
	closed  bool

	stop      chan struct{}
	committed chan struct{} // commit has ended
}

// change notes what franz-go says and answers its version. Everyone who waits looks again.
func (m *membership) change(fn func()) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.version++
	fn()
	close(m.changed)
	m.changed = make(chan struct{})
	return m.version
}

func (m *membership) assigned(_ context.Context, cl *kgo.Client, got map[string][]int32) {
	cl.PauseFetchPartitions(got)
	m.change(func() {
		for _, p := range got[m.topic] {
			m.mine[p] = true
		}
	})
}

// revoked is also told of what is lost: the coordinator has forgotten us and others may have it already. The Ack is
// awaited all the same, so that we do not join again while a part of us believes in what it had.
func (m *membership) revoked(ctx context.Context, _ *kgo.Client, gone map[string][]int32) {
	if len(gone[m.topic]) == 0 {
		return
	}
	version := m.change(func() {
		m.taken = m.version
		for _, p := range gone[m.topic] {
			delete(m.mine, p)
			delete(m.commits, p)
		}
	})
	for {
		m.mu.Lock()
		done, changed := m.acked >= version || m.closed, m.changed
		m.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// Next waits until what is ours differs from what it said last, or until something was taken away meanwhile.
func (m *membership) Next(ctx context.Context) (streams.Assignment, error) {
	for {
		if err := ctx.Err(); err != nil {
			return streams.Assignment{}, err
		}
		a, changed, err := m.take()
		if err != nil || a.Ack != nil {
			return a, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (m *membership) take() (streams.Assignment, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return streams.Assignment{}, nil, streams.ErrClosed
	}
	ours := slices.Sorted(maps.Keys(m.mine))
	if slices.Equal(ours, m.told) && m.taken <= m.heard {
		return streams.Assignment{}, m.changed, nil
	}
	m.told, m.heard = ours, m.version
	version := m.version
	return streams.Assignment{Partitions: slices.Clone(ours), Ack: func() { m.ack(version) }}, nil, nil
}

func (m *membership) ack(version int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acked = max(m.acked, version)
	close(m.changed)
	m.changed = make(chan struct{})
}

// Confirm sends a heartbeat of its own. ErrNotOurs is also the answer while partitions are shared out anew: ask again
// after a moment, if no assignment has taken it away by then.
func (m *membership) Confirm(ctx context.Context, partition int32) error {
	began := time.Now()
	notOurs := func(why string) error {
		return fmt.Errorf("group %s, partition %d: %s: %w", m.group, partition, why, streams.ErrNotOurs)
	}
	if err := m.holds(partition); err != nil {
		return err
	}
	member, generation := m.cl.GroupMetadata()
	ctx, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	switch err := m.heartbeat(ctx, member, generation); {
	case forgotten(err):
		return notOurs(err.Error())
	case err != nil:
		return fmt.Errorf("group %s, partition %d: heartbeat: %w", m.group, partition, closed(err))
	case time.Since(began) > confirmWithin:
		// We may have been stopped between the answer and its reading, while our session ran out.
		return notOurs("the answer to the heartbeat is too old")
	}
	if m2, g2 := m.cl.GroupMetadata(); m2 != member || g2 != generation {
		return notOurs("the group has moved on")
	}
	return m.holds(partition)
}

func (m *membership) holds(partition int32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return streams.ErrClosed
	case !m.mine[partition]:
		return fmt.Errorf("group %s, partition %d: %w", m.group, partition, streams.ErrNotOurs)
	}
	return nil
}

func (m *membership) heartbeat(ctx context.Context, member string, generation int32) error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = m.group, member, generation
	resp, err := req.RequestWith(ctx, m.cl)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

// forgotten tells whether the coordinator said that we are not, or not for now, who we believe to be.
func forgotten(err error) bool {
	return slices.ContainsFunc([]error{
		kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.FencedInstanceID,
		kerr.FencedMemberEpoch, kerr.GroupIDNotFound, kerr.MemberIDRequired,
	}, func(is error) bool { return errors.Is(err, is) })
}

// Commit notes how far partition is folded; it goes to the cluster every few seconds.
func (m *membership) Commit(partition int32, next int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mine[partition] {
		m.commits[partition] = next
	}
}

// commitEvery is for displays alone; on the embedded broker each partition costs a sync of the disk.
const commitEvery = 5 * time.Second

func (m *membership) commit() {
	defer close(m.committed)
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.stop:
			m.commitNow()
			return
		case <-tick.C:
			m.commitNow()
		}
	}
}

func (m *membership) commitNow() {
	m.mu.Lock()
	offsets := make(map[int32]kgo.EpochOffset, len(m.commits))
	for p, next := range m.commits {
		offsets[p] = kgo.EpochOffset{Epoch: -1, Offset: next}
	}
	clear(m.commits)
	m.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	m.cl.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{m.topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
			if err != nil {
				m.log.o.Logger.Debug("commit for lag displays", slog.String("group", m.group), slog.Any("err", err))
			}
		})
}

// Close leaves the group, so that others get what was ours at once. Everything that was ours must have stopped.
func (m *membership) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	close(m.changed)
	m.changed = make(chan struct{})
	m.mu.Unlock()
	close(m.stop)
	<-m.committed
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	err := m.cl.LeaveGroupContext(ctx)
	m.cl.Close()
	if err != nil {
		return fmt.Errorf("leave group %s (the others get its partitions after %s): %w", m.group, sessionTimeout, err)
	}
	return nil
}
