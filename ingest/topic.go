package ingest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Topic is an MQTT topic of a device: v1/{tenant}/{device}/obs for what it measured and …/receipt for what became of advice; …/cmd,
// …/advice and …/limits for what it is sent.
type Topic struct {
	Tenant string
	Device string
	Leaf   Leaf
}

// Leaf is the last part of a topic.
type Leaf string

// The leaves.
const (
	Observations Leaf = "obs"
	Commands     Leaf = "cmd"
	Advice       Leaf = "advice"  // what the patient is to do
	Limits       Leaf = "limits"  // beyond which the app gives that advice by itself
	Receipts     Leaf = "receipt" // that the app has it, and that somebody saw it
)

var leaves = []Leaf{Observations, Commands, Advice, Limits, Receipts}

// maxLevel is how many bytes a tenant's or a device's id may have.
const maxLevel = 128

// String writes the topic.
func (t Topic) String() string { return "v1/" + t.Tenant + "/" + t.Device + "/" + string(t.Leaf) }

// ParseTopic reads a topic of just this form; what it reads, String writes again.
func ParseTopic(s string) (Topic, error) {
	rest, ok := strings.CutPrefix(s, "v1/")
	tenant, rest, ok1 := strings.Cut(rest, "/")
	device, leaf, ok2 := strings.Cut(rest, "/")
	t := Topic{Tenant: tenant, Device: device, Leaf: Leaf(leaf)}
	if !ok || !ok1 || !ok2 || !slices.Contains(leaves, t.Leaf) {
		return Topic{}, fmt.Errorf("topic %.200q: want v1/{tenant}/{device}/obs, …/receipt, …/cmd, …/advice or …/limits", s)
	}
	for _, level := range [...]string{tenant, device} {
		if err := CheckLevel(level); err != nil {
			return Topic{}, fmt.Errorf("topic %.200q: %w", s, err)
		}
	}
	return t, nil
}

// CheckLevel tells whether s can stand as tenant or device in a topic: 1 to 128 bytes of UTF-8 without a slash, a
// wildcard, a control character, or a dollar sign in front.
func CheckLevel(s string) error {
	if s == "" || len(s) > maxLevel || !utf8.ValidString(s) || s[0] == '$' {
		return fmt.Errorf("id %.40q: want 1 to %d bytes of text that do not begin with '$'", s, maxLevel)
	}
	for _, r := range s {
		if r == '/' || r == '+' || r == '#' || r < ' ' || r >= 0x7f && r <= 0x9f {
			return fmt.Errorf("id %.40q has %q in it: no slash, wildcard or control character can stand in a topic", s, r)
		}
	}
	return nil
}
