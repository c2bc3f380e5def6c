# The commands of this repository; `make help` lists them. The modules they run
# in are those of go.work; the programs they use lie in internal/tools.

SHELL         := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps campaign campaign-long demo lab test verify race oldest lint tidy fuzz soak mutants bench bench-check bench-scale bench-go release

export GOWORK := $(CURDIR)/go.work

FUZZTIME ?= 30s
CAMPAIGN ?= 170s
SOAK     ?= 200
BACKENDS ?= $(shell echo $$((($(SOAK) + 9) / 10)))
BUSY     ?= $(shell getconf _NPROCESSORS_ONLN)
MUTANTS  ?= 330
BENCH    ?= .
BENCHARGS ?=
DEMOARGS ?=
LONG     ?= 1h
LABARGS  ?=
RELEASE  ?=
TAG      ?=

COMMIT        = 0x$(shell git rev-parse --short=12 HEAD)
CAMPAIGNSEED ?= $(COMMIT)
MUTANTSEED   ?= $(COMMIT)

PACKAGES = $$(go list -m -f '{{.Path}}/...')
TOOL     = "$$(GOWORK=off go -C internal/tools tool -n $(1))"

# $(call each,command) runs a command in the folder of every module, also after
# it has failed in one, and $(call each,command,template) of those modules for
# which the template of `go list -m` gives the folder.
each = @failed=; dirs=$$(go list -m -f '$(or $(2),{{.Dir}})') && [ -n "$$dirs" ] || exit 1; \
	for dir in $$dirs; do echo "== $${dir\#$(CURDIR)/}: $(1)"; (cd "$$dir" && $(1)) || failed+=" $${dir\#$(CURDIR)/}"; done; \
	[ -z "$$failed" ] || { echo "failed in$$failed" >&2; exit 1; }

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install redis-server, Chromium and Prometheus with the system's package manager where they are missing and that is allowed
	@internal/tools/deps

demo: ## show stale reads of four caches over a real database (DEMOARGS='-duration 2s …')
	go run ./examples/demo $(DEMOARGS)

lab: ## watch caching strategies go stale, or not, on a web page (LABARGS='-redis new …')
	go run ./examples/lab $(LABARGS)

test: deps ## test every module on its own, with -race where goroutines meet, without the long tests
	internal/tools/alone -short

verify: FUZZTIME  = 1s
verify: SOAK      = 1
verify: BACKENDS  = 1
verify: BUSY      = 0
verify: MUTANTS   = 25
verify: CAMPAIGN  = 45s
verify: BENCHARGS = -short
verify: test demo lint race oldest soak fuzz mutants bench-check campaign ## everything: the above and below, in forms that take half an hour

race: deps ## test everything in the workspace with -race, the long tests included
	go test -race -count=1 -timeout 20m $(PACKAGES)

oldest: ## test the modules that claim Go 1.25 with that very toolchain
	$(call each,GOWORK=off GOTOOLCHAIN=go1.25.0 go test -short -count=1 ./...,{{if eq .GoVersion "1.25.0"}}{{.Dir}}{{end}})

lint: ## check formatting, vet, cascachevet, staticcheck, revive, the go.mod files, the rules of the modules, comments and examples
	@files=$$(gofmt -l .) && test -z "$$files" || { echo "not formatted, run gofmt -w on:"; echo "$$files"; exit 1; }
	go vet $(PACKAGES)
	go vet -vettool=$(call TOOL,cascachevet) $(PACKAGES)
	$(call TOOL,staticcheck) $(PACKAGES)
	$(call TOOL,revive) -config revive.toml ./...
	$(call each,GOWORK=off go mod tidy -diff)
	go run ./internal/tools/modcheck
	go run ./internal/tools/doccheck

tidy: ## bring every go.mod and go.sum up to date
	$(call each,GOWORK=off go mod tidy)

fuzz: ## run every fuzz target for a while (FUZZTIME=30s each)
	go run ./internal/tools/fuzz -time $(FUZZTIME)

soak: deps ## pass the conformance suites SOAK=200 times, BACKENDS=20 times on each backend, beside BUSY processes that only compute
	@trap 'kill $$(jobs -p) 2>/dev/null' EXIT; for ((i = 0; i < $(BUSY); i++)); do while :; do :; done & done; \
	soak() { echo "soak: $$*"; go test -race -timeout 0 -p $$(($$(getconf _NPROCESSORS_ONLN) + 1)) "$$@"; }; \
	soak -count=$(SOAK) -run 'Pass(es)?$$' ./conformance && \
	soak -count=$(BACKENDS) -run '^TestConformance' $$(git ls-files '*/conformance_test.go' | sed 's|^|./|; s|/[^/]*$$||')

mutants: ## change core and wire in MUTANTS=330 places, one at a time: their tests must notice 70 of 100 (MUTANTSEED=, by default of the commit)
	go run ./internal/tools/mutate -n $(MUTANTS) -seed $(MUTANTSEED) -least 70 core wire

bench: ## compare with the raw storage and with other caches, and write docs/benchmarks.md (with BENCHARGS='-only near', only show)
	go run ./bench $(or $(BENCHARGS),-docs docs)

bench-check: ## fail when a path costs more than its budget in bench/budgets.json (BENCHARGS=-short)
	go run ./bench -check $(BENCHARGS)

bench-scale: ## measure how cost grows with keys, sizes, goroutines and invalidations, and write docs/benchmarks.md
	go run ./bench -scale -docs docs

bench-go: ## run the Go benchmarks that match (BENCH=<pattern>)
	$(call each,go test -run '^$$' -bench '$(BENCH)' -benchmem ./...)

release: ## rehearse releases (RELEASE='core@v0.1.0 …'); with TAG=1, keep their tags
	go run ./internal/tools/release $(if $(TAG),-tag) $(RELEASE)

campaign: deps ## break assemblies of processes for about 4 minutes (CAMPAIGNSEED=, by default of the commit)
	internal/campaign/start -campaign.for $(CAMPAIGN) -campaign.seed $(CAMPAIGNSEED) -campaign.patient

campaign-long: deps ## the same for LONG=1h by random seeds, without allowing for a busy machine
	internal/campaign/start -campaign.for $(LONG)
