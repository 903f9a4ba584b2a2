# make run      set up everything and start Tocsin with a simulated ward
# make test     every test, on real servers where they can be had
# make check    format, vet, linters, ten seconds of each fuzzer
# The rest: build bench chaos sim conformance evaluate kafka keycloak engine screens fuzz schemathesis

SHELL := /bin/bash
GO    ?= go
TOOLS := .cache/tools

# The race detector is too slow for whole worlds and kills, whose parts are raced in their own packages, and finds nothing
# in the rules, which run in one goroutine each: who runs them side by side is raced.
NORACE ?= ./deploy/chaos/... ./deploy/bench/...
BESIDE ?= ./deploy/sim/... ./rules ./rules/pack

KILLS ?= 100
SEED  ?= 1

.PHONY: run build binary engine screens kafka keycloak test check lint lint-screens fuzz bench chaos sim conformance evaluate schemathesis

run: build
	@bin/tocsin up --demo $(ARGS)

# Leaves bin/tocsin and everything it needs under bin/; works from any folder. Built without -trimpath, so
# that what the tests compile is not compiled a second time.
build: engine screens binary

binary:
	@$(GO) build -o bin/tocsin .

# Without the engine everything but history runs, so its absence is told and does not stop the build.
engine:
	@deploy/embedded/engine/fetch.sh bin/engine || \
		{ echo "no ClickHouse engine here: history needs a ClickHouse server (see README, history) or stays off"; \
		  [ "$$TOCSIN_REQUIRE" != 1 ]; }

WEB     := desk/web
SCREENS := $(shell [ -d $(WEB) ] && find $(WEB) \( -name node_modules -o -path $(WEB)/dist -o -path $(WEB)/e2e \
	-o -name test-results -o -name playwright-report \) -prune -o -type f -print)

screens: $(if $(wildcard $(WEB)/package.json),$(WEB)/dist/index.html)

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed to build the screens: install Node.js 20"; exit 1; }
	@cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# The placeholder is part of the repository and Vite empties its output folder.
$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(SCREENS)
	@keep=$$(cat $(WEB)/dist/placeholder.html) && npm --prefix $(WEB) run build --silent && \
		mkdir -p $(WEB)/dist && printf '%s\n' "$$keep" > $(WEB)/dist/placeholder.html
	@touch $@

kafka:
	@$(GO) run ./deploy/testkit/fetch

keycloak:
	@$(GO) run ./deploy/testkit/fetch keycloak

test: build
	@NORACE="$(NORACE)" BESIDE="$(BESIDE)" deploy/testkit/test.sh

check: lint lint-screens fuzz

lint: $(TOOLS)/staticcheck-v0.8.1 $(TOOLS)/golangci-lint-v2.15.0
	@bad=$$(find . -name '*.go' -not -path '*/node_modules/*' -not -path './.cache/*' -exec gofmt -l {} +); [ -z "$$bad" ] || { echo "not formatted (run gofmt -w):"; echo "$$bad"; exit 1; }
	$(GO) vet ./...
	$(TOOLS)/staticcheck-v0.8.1 ./...
	$(TOOLS)/golangci-lint-v2.15.0 run ./...

lint-screens: $(if $(wildcard $(WEB)/package.json),$(WEB)/node_modules/.package-lock.json)
	@if [ -f $(WEB)/package.json ]; then npm --prefix $(WEB) run --silent check; fi

# A tool's version stands in its name, so a raised pin is fetched and nothing else is.
$(TOOLS)/staticcheck-v%:
	@mkdir -p $(TOOLS) && GOBIN=$(CURDIR)/$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@v$* && mv $(TOOLS)/staticcheck $@

$(TOOLS)/golangci-lint-v%:
	@mkdir -p $(TOOLS) && GOBIN=$(CURDIR)/$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$* && mv $(TOOLS)/golangci-lint $@

fuzz:
	@deploy/testkit/fuzz.sh

bench: build
	@deploy/bench/run.sh

chaos: build
	$(GO) test -count=1 -timeout 0 -v ./deploy/chaos -run Kill -kills=$(KILLS)

sim:
	$(GO) test -count=1 -timeout 0 -v ./deploy/sim -seed=$(SEED)

# A failing row is told by the table, so the table is written also when a test has failed.
conformance: build
	-@LOOKS=1 NORACE="$(NORACE)" BESIDE="$(BESIDE)" deploy/testkit/test.sh
	@$(GO) run ./deploy/conformance

# The whole API, asked by deploy/apitest: `make schemathesis` draws the same cases each time; with EXAMPLES=200 DRAW=7 others and more.
EXAMPLES ?= 5
DRAW     ?= 0

schemathesis: engine binary .cache/schemathesis/bin/schemathesis
	@$(GO) run ./deploy/apitest -examples $(EXAMPLES) -seed $(DRAW)

.cache/schemathesis/bin/schemathesis: deploy/apitest/requirements.txt
	@python3 -m venv --clear .cache/schemathesis && \
		.cache/schemathesis/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

# On recorded patients, which are no part of the repository: see rules/EVALUATION.md.
evaluate:
	@deploy/study/evaluate.sh
