#!/usr/bin/env bash
# Runs the benchmarks behind the budgets and writes what they gave to RESULTS.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
run() { # name, package, further arguments
	local name=$1 pkg=$2
	shift 2
	echo "== $name: go test $pkg $*" >&2
	go test -count=1 -run '^$' "$@" "$pkg" 2>&1 | tee "$out/$name" >&2 || echo "failed: see above" >>"$out/$name"
}
run 1a ./deploy/bench -bench Budget1a -benchtime 300000x -count 5
run 1b ./deploy/bench -bench Budget1b -benchtime 1x -count 3
run 2 ./deploy/bench -bench Budget2 -benchtime 1x -count 3
run 4 ./rules -bench . -count 5
run 7 ./ingest/format -bench . -count 5
go test -count=1 -v -run Budget9 ./deploy/bench 2>&1 | tee "$out/9" >&2 || true
go test -count=1 -run '^$' -bench Budget1a -benchtime 300000x -cpuprofile "$out/cpu" -o "$out/bin" ./deploy/bench >/dev/null 2>&1 || true
{
	cat deploy/bench/HEAD.md
	echo
	echo "Written by \`make bench\` on $(date -u +%F), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(go version | cut -d' ' -f3), load $(cut -d' ' -f1 /proc/loadavg) at the end."
	for b in 1a 1b 2 4 7 9; do
		echo
		echo "## Budget $b"
		echo
		echo '```'
		grep -E '^Benchmark|budget|FAIL|failed' "$out/$b" | sed 's/^ *//' || echo "no result"
		echo '```'
	done
	echo
	echo "## Where the time of budget 1 (a) goes"
	echo
	echo '```'
	go tool pprof -top -cum "$out/bin" "$out/cpu" 2>/dev/null | grep -E 'flat|tocsin|gcBgMark|mallocgc' | sed -E 's/\[go\.shape.*//' | awk '!seen[$6]++' | head -24
	echo '```'
} >deploy/bench/RESULTS.md
cat deploy/bench/RESULTS.md
