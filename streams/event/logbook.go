package event

import "encoding/json"

// The records by which the log keeps its own order. They stand in `decisions` and the topics beside it.

// OwnerOpened begins a life: whatever an earlier owner of the partition writes after it is void for every reader.
type OwnerOpened struct {
	Life    string `json:"life"`
	Owner   string `json:"owner"` // which process, for people
	Version string `json:"version"`
}

// StepClosed closes a step: it holds when its life is that of the newest owner.open before it, Number follows the last
// one that held, and all its events stand between that open and this record.
type StepClosed struct {
	Number int64 `json:"number"`
	Count  int   `json:"count"`  // events in the step
	Inputs Span  `json:"inputs"` // offsets of `inputs` that this step settles
	Clock  Time  `json:"clock"`  // the partition's clock at its end
	Runs   []Run `json:"runs,omitempty"`
	// Repeats is how many inputs were passed over whole because they had been folded before.
	Repeats int `json:"repeats,omitempty"`
}

// Span is [From, Next).
type Span struct {
	From int64 `json:"from"`
	Next int64 `json:"next"`
}

// Run is a stretch of what the step did, in order: inputs folded one after the other, or (From == Next) one look at
// what was due. NowMs has one entry for each: the first as milliseconds since 1970, the others as the difference to the one before.
type Run struct {
	From  int64   `json:"from"`
	Next  int64   `json:"next"`
	NowMs []int64 `json:"now_ms"`
}

// CheckpointBegan begins a round of states. Every state is as at that step.
type CheckpointBegan struct {
	Round  string          `json:"round"`
	Life   string          `json:"life"`
	Number int64           `json:"number"`
	Offset int64           `json:"offset"` // of the closing record in decisions
	Input  int64           `json:"input"`  // next input
	Clock  Time            `json:"clock"`
	Effect Effect          `json:"effect"` // last directory pair folded
	Format int             `json:"format"`
	Common json.RawMessage `json:"common"` // facts that concern everyone
}

// CheckpointState is one patient's state.
type CheckpointState struct {
	Round  string          `json:"round"`
	Format int             `json:"format"`
	State  json.RawMessage `json:"state"`
}

// CheckpointCompleted ends a round; only then does it count.
type CheckpointCompleted struct {
	Round string `json:"round"`
	Begin int64  `json:"begin"` // offset of its CheckpointBegan
	Count int    `json:"count"`
	Sum   string `json:"sum"` // SHA-256 over the states in their order, hex
}

// HistoryRange says which offsets of a topic's partition go into ClickHouse next, as one block under one token.
type HistoryRange struct {
	Topic string `json:"topic"`
	From  int64  `json:"from"`
	Next  int64  `json:"next"`
	Token string `json:"token"`
	// Where reading stands at Next, for a topic with steps.
	Life   string `json:"life,omitempty"`
	Number int64  `json:"number,omitempty"`
}

func (*OwnerOpened) Type() Type         { return "owner.open" }
func (*StepClosed) Type() Type          { return "owner.step" }
func (*CheckpointBegan) Type() Type     { return "checkpoint.began" }
func (*CheckpointState) Type() Type     { return "checkpoint.state" }
func (*CheckpointCompleted) Type() Type { return "checkpoint.completed" }
func (*HistoryRange) Type() Type        { return "history.range" }
