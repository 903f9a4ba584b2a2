// Command fetch brings Apache Kafka's jars into .cache/kafka, as `make kafka` and .ci/run want them
// before the tests that need them.
package main

import (
	"context"
	"fmt"
	"os"

	"tocsin/deploy/testkit"
)

func main() {
	if _, err := testkit.FetchKafka(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "fetch Apache Kafka:", err)
		os.Exit(1)
	}
}
