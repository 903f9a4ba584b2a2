#!/usr/bin/env bash
# Runs every fuzzer of the repository for FUZZTIME (10s) each, FUZZERS (2) at a time with one worker each; they are found, so
# none can be forgotten.
#
# Go 1.26 may end a fuzzer that found nothing with "context deadline exceeded" when its time runs out on
# a busy machine (go.dev/issue/75804). That one message, without a failing input, is tried once more.
set -euo pipefail
cd "$(dirname "$0")/../.."

fuzz() { # package folder, fuzzer
	go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "${FUZZTIME:-10s}" -parallel 1 2>&1
}

# try fuzzes and tells what came of it in one piece, since another tells meanwhile.
try() { # package folder, fuzzer
	local log ok
	log=$(fuzz "$@") && ok=yes || ok=no
	if [ $ok = no ] && grep -q 'context deadline exceeded' <<<"$log" && ! grep -q -e 'Failing input' -e 'panic:' <<<"$log"; then
		log=$(fuzz "$@") && ok=yes || ok=no
	fi
	! grep -q "no fuzz tests to fuzz" <<<"$log" || ok=no
	if [ $ok = yes ]; then
		printf 'fuzz %-40s %s\n' "$2" "$(grep -o 'execs: [0-9]*' <<<"$log" | tail -1) in $1"
	else
		printf '%s\nfuzz %s in %s FAILED\n' "$log" "$2" "$1"
		return 1
	fi
}
export -f fuzz try

found=$(grep -rn --include='*_test.go' --exclude-dir=node_modules --exclude-dir=.cache '^func Fuzz[A-Z0-9_]' . |
	sed -E 's|^\./(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*|./\1 \2|' | sort)
if xargs -P "${FUZZERS:-2}" -L 1 bash -c 'try "$@"' try <<<"$found"; then
	echo "fuzzers: all $(wc -l <<<"$found") passed"
else
	echo "fuzzers: some of $(wc -l <<<"$found") FAILED"
	exit 1
fi
