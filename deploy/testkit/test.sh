#!/usr/bin/env bash
# Runs every test: the Go tests with the race detector, those that it cannot watch without, then the
# browser's. The last line says which of Apache Kafka, Mosquitto, Keycloak and the browser could not be had.
#
# NORACE and BESIDE (Go packages, from the Makefile) are run without the race detector: BESIDE, whose time is
# virtual, meanwhile, since the longest package of the others leaves a core idle; NORACE, whose deadlines are
# real, afterwards. TOCSIN_REQUIRE=1 makes a missing part a failure; LOOKS=1 looks at every page of the mock desk too.
set -uo pipefail
cd "$(dirname "$0")/../.."

missing=.cache/missing
results=$PWD/.cache/results # what each test came to, for make conformance
rm -rf "$missing" "$results"
mkdir -p "$missing" "$results"
failed=0

stage() { # name, command...
	local name=$1 began=$SECONDS
	shift
	echo "== $name"
	local status=0
	"$@" || status=$?
	[ $status = 0 ] || failed=1
	echo "== $name took $((SECONDS - began)) s"
	return $status
}

# told runs Go tests, shows what fails and keeps what each came to.
told() { # name, arguments of go test...
	local name=$1
	shift
	go test -json "$@" | .cache/conformance tell "$results/$name.go.json"
}

# playwright runs an npm script and keeps what each of its tests came to.
playwright() { # script
	PLAYWRIGHT_JSON_OUTPUT_NAME=$results/${1#*:}.browser.json npm --prefix desk/web run --silent "$1" -- --reporter=list,json
}

go_tests() {
	local all plain= beside= raced other
	go build -o .cache/conformance ./deploy/conformance || return 1
	all=$(go list ./...) || return 1
	[ -z "${NORACE:-}" ] || plain=$(go list $NORACE)
	[ -z "${BESIDE:-}" ] || beside=$(go list $BESIDE)
	raced=$(grep -vxF -f <(printf '%s\n' none $plain $beside) <<<"$all")
	if [ -n "$beside" ]; then
		stage "go test beside it (without the race detector)" told beside -p 1 -count=1 -timeout 30m $beside >.cache/beside.log 2>&1 &
		other=$!
	fi
	if [ "$(go env CGO_ENABLED)" = 1 ] && command -v gcc >/dev/null; then
		stage "go test -race" told raced -race -count=1 -timeout 30m $raced
	else
		echo "no C compiler: the race detector is off"
		stage "go test" told raced -count=1 -timeout 20m $raced
	fi
	[ -z "$beside" ] || meanwhile "$other"
	[ -z "$plain" ] || stage "go test (without the race detector)" told plain -count=1 -timeout 20m $plain
}

# meanwhile waits for what runs beside, and shows what it said.
meanwhile() { # process
	wait "$1" || failed=1
	cat .cache/beside.log
}

find_browser() {
	local b
	for b in "${TOCSIN_CHROMIUM:-}" chromium chromium-browser google-chrome; do
		[ -n "$b" ] && command -v "$b" && return
	done
	return 1
}

# has tells whether the screens have an npm script of that name.
has() { grep -q "\"$1\":" desk/web/package.json 2>/dev/null; }

screen_tests() {
	has test || return 0
	stage "screens' own tests" npm --prefix desk/web run --silent test
}

mock_suite() { [ -n "${LOOKS:-}" ] && echo e2e:mock || echo e2e:acts; }

browser_tests() { # what on, npm script
	has "$2" || return 0
	if browser=$(find_browser); then
		export TOCSIN_CHROMIUM=$browser
		stage "browser tests $1" playwright "$2"
	else
		echo "apt-get install chromium fonts-noto-cjk" >"$missing/browser"
		[ "${TOCSIN_REQUIRE:-}" != 1 ] || failed=1
	fi
}

closing_line() {
	local part without=
	for part in "Apache Kafka" Mosquitto Keycloak browser kcat "ClickHouse engine"; do
		[ -f "$missing/$part" ] && without+="${without:+; }$part ($(head -1 "$missing/$part"))"
	done
	if [ -n "$without" ]; then
		echo "tests ran without: $without"
	else
		echo "tests ran with Apache Kafka, Mosquitto, Keycloak and a browser; nothing was missing"
	fi
}

go_tests || failed=1
screen_tests
browser_tests "on a mock desk" "$(mock_suite)"
browser_tests "on a real desk" e2e
[ $failed = 0 ] && echo "all tests passed" || echo "TESTS FAILED"
closing_line
exit $failed
