package streams

import (
	"context"
	"fmt"
	"slices"
)

// memoryGroup shares out the partitions of one topic as a cooperative group does: what moves is taken from one member
// first, and given to the next only after the first has said that it stopped.
type memoryGroup struct {
	topic     string
	members   []*memoryMember // in the order in which they came
	target    []*memoryMember // whose each partition shall be
	holder    []*memoryMember // whose it is; nil while it is on its way
	committed []int64
}

type memoryMember struct {
	log   *Memory
	name  string
	group *memoryGroup

	// Guarded by the log's lock.
	told   []int32 // what the last assignment said
	lost   bool    // the coordinator has forgotten us, and we have not heard of it yet
	out    bool    // it has forgotten us, and we have not joined again
	closed bool
	wake   chan struct{}
}

// Join becomes a member of group. All members of a group share the same topic.
func (m *Memory) Join(group, topic string) (Membership, error) {
	if _, err := m.partition(topic, 0); err != nil {
		return nil, fmt.Errorf("join group %s: %w", group, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.topics[topic])
	g := m.groups[group]
	if g == nil {
		g = &memoryGroup{topic: topic, target: make([]*memoryMember, n), holder: make([]*memoryMember, n), committed: make([]int64, n)}
		m.groups[group] = g
	}
	if g.topic != topic {
		return nil, fmt.Errorf("join group %s: it shares out %s, not %s", group, g.topic, topic)
	}
	me := &memoryMember{log: m, name: group, group: g}
	g.members = append(g.members, me)
	g.rebalance()
	return me, nil
}

// Committed answers what was last committed for a partition of group's topic.
func (m *Memory) Committed(group string, partition int32) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[group]
	if g == nil || partition < 0 || int(partition) >= len(g.committed) {
		return 0
	}
	return g.committed[partition]
}

// Expire makes the coordinator forget a member that Join answered, as when its session runs out while it is paused: its
// partitions go to others at once. It hears of it at its next Next, with an empty assignment, and joins again with that one's Ack.
func (m *Memory) Expire(member Membership) {
	me, ok := member.(*memoryMember)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !me.closed && !me.out {
		me.lost, me.out = true, true
		me.group.leave(me)
	}
}

// leave takes a member out without waiting for it.
func (g *memoryGroup) leave(me *memoryMember) {
	g.members = slices.DeleteFunc(g.members, func(x *memoryMember) bool { return x == me })
	for p := range g.holder {
		if g.holder[p] == me {
			g.holder[p] = nil
		}
	}
	me.changed()
	g.rebalance()
}

// rebalance decides anew whose each partition shall be: as evenly as can be, and as few moves as can be.
func (g *memoryGroup) rebalance() {
	quota := g.quotas()
	for p, who := range g.target {
		if quota[who] > 0 {
			quota[who]--
		} else {
			g.target[p] = nil
		}
	}
	for p, who := range g.target {
		if who == nil {
			g.target[p] = g.next(quota)
		}
	}
	g.give()
	for _, x := range g.members {
		x.changed()
	}
}

// quotas answers how many partitions each member may have. Those who have more than the even share keep one of the rest.
func (g *memoryGroup) quotas() map[*memoryMember]int {
	quota := map[*memoryMember]int{}
	if len(g.members) == 0 {
		return quota
	}
	even, rest := len(g.target)/len(g.members), len(g.target)%len(g.members)
	has := map[*memoryMember]int{}
	for _, who := range g.target {
		has[who]++
	}
	byNeed := slices.Clone(g.members)
	slices.SortStableFunc(byNeed, func(a, b *memoryMember) int { return has[b] - has[a] })
	for i, x := range byNeed {
		quota[x] = even
		if i < rest {
			quota[x]++
		}
	}
	return quota
}

func (g *memoryGroup) next(quota map[*memoryMember]int) *memoryMember {
	for _, x := range g.members {
		if quota[x] > 0 {
			quota[x]--
			return x
		}
	}
	return nil
}

// give hands over what nobody holds.
func (g *memoryGroup) give() {
	for p := range g.holder {
		if g.holder[p] == nil {
			g.holder[p] = g.target[p]
		}
	}
}

func (me *memoryMember) changed() {
	if me.wake != nil {
		close(me.wake)
		me.wake = nil
	}
}

// ours is what we hold and shall keep.
func (me *memoryMember) ours() []int32 {
	ours := []int32{}
	for p, who := range me.group.holder {
		if who == me && me.group.target[p] == me {
			ours = append(ours, int32(p))
		}
	}
	return ours
}

func (me *memoryMember) Next(ctx context.Context) (Assignment, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Assignment{}, err
		}
		a, wake, err := me.take()
		if err != nil || a.Ack != nil {
			return a, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
		}
	}
}

func (me *memoryMember) take() (Assignment, <-chan struct{}, error) {
	me.log.mu.Lock()
	defer me.log.mu.Unlock()
	if me.closed {
		return Assignment{}, nil, ErrClosed
	}
	ours := me.ours()
	if lost := me.lost; lost || !slices.Equal(ours, me.told) {
		me.told, me.lost = ours, false
		return Assignment{Partitions: slices.Clone(ours), Ack: func() { me.ack(ours, lost) }}, nil, nil
	}
	if me.wake == nil {
		me.wake = make(chan struct{})
	}
	return Assignment{}, me.wake, nil
}

// ack lets go of everything that we hold, shall not keep, and were told of.
func (me *memoryMember) ack(kept []int32, lost bool) {
	me.log.mu.Lock()
	defer me.log.mu.Unlock()
	g := me.group
	if me.closed {
		return
	}
	if lost && me.out && !me.lost {
		me.out = false
		g.members = append(g.members, me)
		g.rebalance()
		return
	}
	for p, who := range g.holder {
		if who == me && g.target[p] != me && !slices.Contains(kept, int32(p)) {
			g.holder[p] = nil
		}
	}
	g.give()
	for _, x := range g.members {
		x.changed()
	}
}

func (me *memoryMember) Confirm(ctx context.Context, partition int32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	me.log.mu.Lock()
	defer me.log.mu.Unlock()
	if me.closed {
		return ErrClosed
	}
	if me.out || !slices.Contains(me.ours(), partition) {
		return fmt.Errorf("group %s, partition %d: %w", me.name, partition, ErrNotOurs)
	}
	return nil
}

func (me *memoryMember) Commit(partition int32, next int64) {
	me.log.mu.Lock()
	defer me.log.mu.Unlock()
	if slices.Contains(me.ours(), partition) {
		me.group.committed[partition] = next
	}
}

func (me *memoryMember) Close() error {
	me.log.mu.Lock()
	defer me.log.mu.Unlock()
	if me.closed {
		return nil
	}
	me.closed = true
	if me.out {
		me.changed()
		return nil
	}
	me.group.leave(me)
	return nil
}
