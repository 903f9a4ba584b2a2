package kafka_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/streams"
)

// We choose the partition ourselves; franz-go's own choice, which is that of Kafka's Java client, is the same.
func TestAKeyLiesWhereKafkaPutsIt(t *testing.T) {
	for _, n := range []int32{1, 4, 64} {
		theirs := kgo.StickyKeyPartitioner(nil).ForTopic(streams.Inputs)
		for i := range 3000 {
			key := fmt.Sprintf("hospital-%d/P-%04d/中", i%7, i)[:10+i%12]
			if got, want := streams.PartitionOf(key, n), theirs.Partition(&kgo.Record{Key: []byte(key)}, int(n)); int(got) != want {
				t.Fatalf("key %q of %d partitions: %d, Kafka says %d", key, n, got, want)
			}
		}
	}
}
