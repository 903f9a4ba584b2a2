// Command fetch brings what tests need and Maven has: Apache Kafka's jars into .cache/kafka, or with the word keycloak Keycloak into
// .cache/keycloak, as `make kafka`, `make keycloak` and .ci/run want them before the tests that need them.
package main

import (
	"context"
	"fmt"
	"os"

	"tocsin/deploy/testkit"
)

func main() {
	name, fetch := "Apache Kafka", testkit.FetchKafka
	if len(os.Args) > 1 && os.Args[1] == "keycloak" {
		name, fetch = "Keycloak", testkit.FetchKeycloak
	}
	if _, err := fetch(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "fetch %s: %v\n", name, err)
		os.Exit(1)
	}
}
