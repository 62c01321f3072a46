# Millrace. `make` alone lists the targets.
SHELL := /bin/bash
BIN := bin/millrace
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 10m
SEEDS ?= 1000

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the one static binary into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o $(BIN) ./cmd/millrace

.PHONY: test
test: lint ## vet, staticcheck, gofmt, and all tests
	go test -timeout 10m ./...

.PHONY: race
race: ## all tests under the race detector
	go test -race -timeout 20m ./...

.PHONY: lint
lint: ## vet, staticcheck, gofmt
	@test -z "$$(gofmt -l .)" || { echo "gofmt these files:"; gofmt -l .; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

.PHONY: rewrite
rewrite: ## write the expected output of all text tests anew; then read the diff
	go test $$(grep -rl 'flag.Bool("rewrite"' --include='*_test.go' . | xargs -n 1 dirname | sort -u) -rewrite

.PHONY: fuzz
fuzz: ## fuzz the frame reader, the parser and the binder, FUZZTIME (10m) each
	go test ./pgwire -run '^$$' -fuzz FuzzFrames -fuzztime $(FUZZTIME)
	go test ./sql/parse -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME)
	GOMEMLIMIT=200MiB go test ./planner -run '^$$' -fuzz FuzzStatement -fuzztime $(FUZZTIME) \
		-fuzzminimizetime 2s

.PHONY: nightly
nightly: ## the long tests: SEEDS (1000) of the simulation and of the random queries, kills, fuzzing
	MILLRACE_SEEDS=$(SEEDS) go test ./log/replica -run Simulation -timeout 60m -count 1
	MILLRACE_ORACLE=$(SEEDS) go test ./exec -run Oracle -timeout 60m -count 1
	MILLRACE_KILLS=50 go test ./cmd/millrace -run Kill -timeout 30m -count 1 -v
	$(MAKE) differential
	$(MAKE) fuzz

.PHONY: differential
differential: ## compare 200,000 generated expressions with PostgreSQL 15; SEED (random) begins them
	MILLRACE_DIFFERENTIAL=200000 MILLRACE_SEED=$${SEED:-$$RANDOM} \
		go test ./sql/expr -run 'TestDifferential$$' -timeout 20m -count 1 -v

.PHONY: bench
bench: build ## run the benchmarks, append a line to docs/bench/history.ndjson
	go run ./cmd/internal/benchall -binary $(BIN) -history docs/bench/history.ndjson

.PHONY: quickstart
quickstart: build ## the whole product on 300,000 real flights, in one go
	go run ./cmd/internal/quickstart -binary $(BIN)

.PHONY: docs
docs: ## generate the reference pages, run the SQL of all pages and write what it gives
	go test ./catalog/system -run TestDocument -rewrite
	go test ./cmd/millrace -run TestCommandReference -rewrite
	go test ./cmd/internal/docgen -rewrite

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
