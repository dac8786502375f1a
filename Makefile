# Every command sets up what it needs (scripts/setup.sh) and skips what is there.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help run watch check test e2e build package package-check chaos bench conformance fmt

ENV := . scripts/env.sh
# What all debug builds share, so that dependencies are built once.
LOCAL := --no-default-features --features local,test-clock
# The parts of the benchmark; those but the page's need no browser.
ONLY := ingest durable delta memory backlog engine zerobus sql page
RATIOS = $(filter-out page,$(ONLY))
NEXTEST := cargo nextest run $(LOCAL) --no-fail-fast

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: build ## Build and start the page with the local lakehouse inside
	@$(ENV)
	exec "$$CARGO_TARGET_DIR/debug/direct-write"

build: ## Build the server and the page
	@scripts/setup.sh run
	$(ENV)
	cargo leptos build

watch: ## Rebuild and reload the page as files change
	@scripts/setup.sh run
	$(ENV)
	cargo leptos watch

check: ## Format, lints for each feature set alone, unit tests
	@scripts/setup.sh check
	$(ENV)
	cargo fmt --check
	cargo clippy --no-default-features --features ssr,test-clock --lib --bins -- -D warnings
	cargo clippy --no-default-features --features hydrate --lib --target wasm32-unknown-unknown -- -D warnings
	cargo clippy $(LOCAL) --all-targets -- -D warnings
	$(NEXTEST) --lib --bins

test: ## Everything: unit tests, integration tests over real sockets, Playwright in Chromium
	@scripts/setup.sh test
	$(ENV)
	$(NEXTEST)
	cargo leptos build
	scripts/e2e.sh

e2e: ## Only the Playwright tests in Chromium
	@scripts/setup.sh test
	$(ENV)
	cargo leptos build
	scripts/e2e.sh

package: ## Build dist/app, the folder that Databricks Apps runs, and check it
	@scripts/setup.sh package
	scripts/package.sh

package-check: package ## Start the package as Databricks Apps does and follow the README's tutorial
	@scripts/setup.sh test
	$(ENV)
	DIRECT_WRITE_PACKAGE="$$PWD/dist/app" $(NEXTEST) --test promises --run-ignored only -E 'test(/^rehearsal::/)'

chaos: ## Kill the lakehouse 200 times at random moments, and at every named step
	@scripts/setup.sh test
	$(ENV)
	DIRECT_WRITE_KILLS=200 $(NEXTEST) --no-capture -E 'test(/^crash::/)'

bench: ## Ratios against named peers, in one run; ONLY=ingest|durable|delta|memory|backlog|engine|zerobus|sql|page for a part
	@scripts/setup.sh bench
	$(ENV)
	$(if $(RATIOS),cargo bench --no-default-features --features local --bench ratios -- $(RATIOS))
	$(if $(filter page,$(ONLY)),scripts/bench-page.sh)

conformance: ## Every Zerobus client against every case, as a table
	@scripts/setup.sh test
	$(ENV)
	$(NEXTEST) --no-capture -E 'test(/^conformance::/)'

fmt: ## Format the sources
	@$(ENV)
	cargo fmt
