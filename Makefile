# The commands of this repository; `make help` lists them. The modules they run
# in are those of go.work; the programs they use lie in internal/tools.

SHELL         := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps campaign campaign-long demo lab test race standalone oldest lint tidy fuzz soak bench bench-check bench-scale bench-go release

export GOWORK := $(CURDIR)/go.work

FUZZTIME ?= 30s
CAMPAIGN ?= 170s
SOAK     ?= 200
BACKENDS ?= $(shell echo $$((($(SOAK) + 9) / 10)))
BENCH    ?= .
BENCHARGS ?=
DEMOARGS ?=
LONG     ?= 1h
LABARGS  ?=
RELEASE  ?=
TAG      ?=

CAMPAIGNSEED ?= 0x$(shell git rev-parse --short=12 HEAD)

EACH     := go run ./internal/tools/each
ALONE    := env GOWORK=off
PACKAGES  = $(shell go list -m -f '{{.Path}}/...')

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install redis-server and Chromium with the system's package manager where they are missing and that is allowed
	@internal/tools/deps

demo: ## show stale reads of four caches over a real database (DEMOARGS='-duration 2s …')
	go run ./examples/demo $(DEMOARGS)

lab: ## watch caching strategies go stale, or not, on a web page (LABARGS='-redis new …')
	go run ./examples/lab $(LABARGS)

test: deps race standalone ## test every module: in the workspace with -race, then each on its own

race: ## test every module in the workspace with -race
	go test -race -count=1 -timeout 20m $(PACKAGES)

standalone: ## test every module on its own (GOWORK=off), without -race and the long tests
	$(EACH) $(ALONE) go test -short -count=1 ./...

oldest: ## test the modules that claim Go 1.25 with that very toolchain
	$(EACH) -go 1.25.0 $(ALONE) GOTOOLCHAIN=go1.25.0 go test -short -count=1 ./...

lint: ## check formatting, vet, staticcheck, the go.mod files, the rules of the modules, comments and examples
	@files=$$(gofmt -l .) && test -z "$$files" || { echo "not formatted, run gofmt -w on:"; echo "$$files"; exit 1; }
	go vet $(PACKAGES)
	$$($(ALONE) go -C internal/tools tool -n staticcheck) $(PACKAGES)
	$(EACH) -p 4 $(ALONE) go mod tidy -diff
	go run ./internal/tools/modcheck
	go run ./internal/tools/doccheck

tidy: ## bring every go.mod and go.sum up to date
	$(EACH) $(ALONE) go mod tidy

fuzz: ## run every fuzz target for a while (FUZZTIME=30s each)
	go run ./internal/tools/fuzz -time $(FUZZTIME)

soak: deps ## pass the conformance suites SOAK=200 times, BACKENDS=20 times on each backend, on a busy machine
	internal/tools/soak $(SOAK) $(BACKENDS)

bench: ## compare with the raw storage and with other caches, and write docs/benchmarks.md (with BENCHARGS='-only near', only show)
	go run ./bench $(or $(BENCHARGS),-docs docs)

bench-check: ## fail when a path costs more than its budget in bench/budgets.json (BENCHARGS=-short)
	go run ./bench -check $(BENCHARGS)

bench-scale: ## measure how cost grows with keys, sizes, goroutines and invalidations, and write docs/benchmarks.md
	go run ./bench -scale -docs docs

bench-go: ## run the Go benchmarks that match (BENCH=<pattern>)
	$(EACH) go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

release: ## rehearse releases (RELEASE='core@v0.1.0 …'); with TAG=1, keep their tags
	go run ./internal/tools/release $(if $(TAG),-tag) $(RELEASE)

campaign: deps ## break assemblies of processes for about 4 minutes (CAMPAIGNSEED=, by default of the commit)
	internal/campaign/start -campaign.for $(CAMPAIGN) -campaign.seed $(CAMPAIGNSEED) -campaign.patient

campaign-long: deps ## the same for LONG=1h by random seeds, without allowing for a busy machine
	internal/campaign/start -campaign.for $(LONG)
