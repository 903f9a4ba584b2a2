package streams_test

import (
	"testing"

	"tocsin/streams"
	"tocsin/streams/logtest"
)

func TestMemoryIsALog(t *testing.T) {
	logtest.Run(t, func(*testing.T) (streams.Log, int32) { return streams.NewMemory(4), 4 })
}
