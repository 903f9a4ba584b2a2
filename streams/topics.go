package streams

import (
	"strconv"
	"strings"

	"tocsin/streams/event"
)

// The topics. Two pairs carry everything: what came in, in one order; what followed, by one writer.
const (
	Inputs          = "inputs"
	Decisions       = "decisions"
	Checkpoints     = "checkpoints"
	HistoryRanges   = "history-ranges"
	DirectoryInputs = "directory-inputs"
	Directory       = "directory"
	// DirectoryCheckpoints holds the registrar's rounds ("checkpoints: N, and 1 for the directory").
	DirectoryCheckpoints = "directory-checkpoints"
	Rejected             = "rejected"
	// Audit holds who looked at what, in chains of hashes (package trail). It is never trimmed.
	Audit = "audit"
	// Outbox holds what is handed to machines of others, and how far each has got.
	Outbox = "outbox"
)

// Limits on what may lie in the log, in bytes. What is larger becomes a rejected reading or a technical event.
const (
	MaxInputBytes = 64 << 10
	MaxEventBytes = 256 << 10
)

// Topic declares one topic: this is the one place that says which exist, how they are keyed and kept.
type Topic struct {
	Name   string
	PerKey bool   // N partitions, fixed when the log is created; else one
	Extra  int32  // partitions beyond that: history-ranges has one more, for the directory pair
	Key    string // what its records are keyed by
	Holds  string
}

// Count answers how many partitions the topic has in a log of n.
func (t Topic) Count(n int32) int32 {
	if !t.PerKey {
		return 1
	}
	return n + t.Extra
}

// Topics is every topic of a log.
var Topics = []Topic{
	{Name: Inputs, PerKey: true, Key: "{tenant}/{patient}", Holds: "everything that reaches a patient, in one order"},
	{Name: Decisions, PerKey: true, Key: "{tenant}/{patient}", Holds: "what followed, in steps"},
	{Name: Checkpoints, PerKey: true, Key: "{tenant}/{patient}", Holds: "states per patient, in whole rounds"},
	{Name: HistoryRanges, PerKey: true, Extra: 1, Key: "{topic}/{partition}", Holds: "which range of a pair's partition goes into history next; the last partition is for the directory pair"},
	{Name: Outbox, PerKey: true, Key: "outbox/{partition}", Holds: "what is handed to machine subscribers of a partition of decisions, and how far each has got"},
	{Name: Rejected, PerKey: true, Key: "device", Holds: "what could not be read or believed, with its bytes"},
	{Name: DirectoryInputs, Key: "{kind}/{id}", Holds: "what was asked of the registrar"},
	{Name: Directory, Key: "{kind}/{id}", Holds: "facts that concern many, in steps"},
	{Name: Audit, Key: "{chain}", Holds: "who looked at what and who did what, in signed chains"},
	{Name: DirectoryCheckpoints, Key: "{kind}/{id}", Holds: "the registrar's states, in whole rounds"},
}

// TopicConfig is what every topic is created with. Time never removes a record: Tocsin trims by itself, and only what
// is kept elsewhere. Compaction is used nowhere.
func TopicConfig(replicas int) map[string]string {
	c := map[string]string{
		"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete", "segment.bytes": "8388608",
		"max.message.bytes": "1048576", "message.timestamp.type": "CreateTime",
	}
	if replicas >= 3 {
		c["min.insync.replicas"] = "2"
	}
	return c
}

// Pair is an input topic with its decision topic and its checkpoints.
type Pair struct{ Inputs, Decisions, Checkpoints, Group string }

// The two pairs.
var (
	PatientPair   = Pair{Inputs, Decisions, Checkpoints, "tocsin-monitor"}
	DirectoryPair = Pair{DirectoryInputs, Directory, DirectoryCheckpoints, "tocsin-registrar"}
)

// PatientKey is the key of everything that concerns one patient.
func PatientKey(tenant, patient string) string { return tenant + "/" + patient }

// SplitPatientKey takes a key apart. Tenants have no slash; a patient's id may have one.
func SplitPatientKey(key string) (tenant, patient string) {
	tenant, patient, _ = strings.Cut(key, "/")
	return tenant, patient
}

// PartitionKey is the made-up patient that carries the warnings which concern a whole partition.
func PartitionKey(partition int32) string {
	return SystemTenant + "/partition-" + strconv.Itoa(int(partition))
}

// SystemTenant owns what belongs to no hospital. No import may use it.
const SystemTenant = event.SystemTenant

// PartitionOf answers the partition of a key out of n: murmur2 as in Kafka's own client, so that every tool puts a
// key where we do.
func PartitionOf(key string, n int32) int32 {
	return int32(murmur2(key)&0x7fffffff) % n
}

func murmur2(s string) uint32 {
	const m, seed = 0x5bd1e995, 0x9747b28c
	h := uint32(seed) ^ uint32(len(s))
	for ; len(s) >= 4; s = s[4:] {
		k := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
		k *= m
		k ^= k >> 24
		k *= m
		h = h*m ^ k
	}
	switch len(s) {
	case 3:
		h ^= uint32(s[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(s[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(s[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
