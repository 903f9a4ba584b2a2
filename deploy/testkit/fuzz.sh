#!/usr/bin/env bash
# Runs every fuzzer of the repository for FUZZTIME (10s) each; they are found, so none can be forgotten.
#
# Go 1.26 may end a fuzzer that found nothing with "context deadline exceeded" when its time runs out on
# a busy machine (go.dev/issue/75804). That one message, without a failing input, is tried once more.
set -euo pipefail
cd "$(dirname "$0")/../.."

fuzz() { # package folder, fuzzer
	go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "${FUZZTIME:-10s}" -parallel "${FUZZWORKERS:-2}" 2>&1
}

passed=0
failed=0
while IFS=: read -r file _ line; do
	name=${line#func }
	name=${name%%(*}
	pkg=./$(dirname "${file#./}")
	log=$(fuzz "$pkg" "$name") && ok=yes || ok=no
	if [ $ok = no ] && grep -q 'context deadline exceeded' <<<"$log" && ! grep -q -e 'Failing input' -e 'panic:' <<<"$log"; then
		log=$(fuzz "$pkg" "$name") && ok=yes || ok=no
	fi
	if [ $ok = yes ]; then
		passed=$((passed + 1))
		printf 'fuzz %-40s %s\n' "$name" "$(grep -o 'execs: [0-9]*' <<<"$log" | tail -1) in $pkg"
	else
		failed=$((failed + 1))
		printf '%s\nfuzz %s in %s FAILED\n' "$log" "$name" "$pkg"
	fi
done < <(grep -rn --include='*_test.go' --exclude-dir=node_modules --exclude-dir=.cache '^func Fuzz[A-Z0-9_]' . | sort)
echo "fuzzers: $passed passed, $failed failed"
[ $failed = 0 ]
