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
run 5 ./rules/condition -bench Budget5 -count 1
run 6 ./rules/window -bench Budget6 -count 1
run 12 ./deploy -bench Budget12 -count 3
run 7 ./ingest/format -bench . -count 5
go test -count=1 -v -run Budget9 ./deploy/bench 2>&1 | tee "$out/9" >&2 || true
go test -count=1 -run '^$' -bench Budget1a -benchtime 300000x -cpuprofile "$out/cpu" -o "$out/bin" ./deploy/bench >/dev/null 2>&1 || true
TOCSIN_BENCH_PROFILE=$out/path go test -count=1 -run '^$' -bench Budget1b -benchtime 1x ./deploy/bench >/dev/null 2>&1 || true
top() { # binary, profile: where the time goes, our own names first
	go tool pprof -top -cum "$1" "$2" 2>/dev/null | grep -E 'flat|tocsin|gcBgMark|mallocgc|mochi|kgo|kfake|Syscall' | sed -E 's/\[go\.shape.*//' | awk '!seen[$6]++' | head -"$3"
}
{
	cat deploy/bench/HEAD.md
	echo
	echo "Written by \`make bench\` on $(date -u +%F), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(go version | cut -d' ' -f3), load $(cut -d' ' -f1 /proc/loadavg) at the end."
	for b in 1a 1b 2 4 5 6 7 9 12; do
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
	top "$out/bin" "$out/cpu" 24
	echo '```'
	echo
	echo "## Where the time of budget 1 (b) goes"
	echo
	echo '```'
	top bin/tocsin "$out/path" 40
	echo '```'
} >deploy/bench/RESULTS.md
cat deploy/bench/RESULTS.md
