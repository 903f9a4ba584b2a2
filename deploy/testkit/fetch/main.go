// Command fetch brings Apache Kafka's jars into .cache/kafka, as `make kafka` and .ci/run want them
// before the tests that need them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"tocsin/deploy/testkit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if _, err := testkit.FetchKafka(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fetch Apache Kafka:", err)
		os.Exit(1) //nolint:gocritic // the deferred stop only gives a signal back
	}
}
