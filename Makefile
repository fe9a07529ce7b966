# Two commands matter: `make up` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
PROFILE ?= dev
PREFIX ?= /usr/local
ROUNDS ?= 200
DESTDIR ?=

# One target directory for the two native workspaces and the module, so that
# spaces-hub ends up beside spacesd, where the daemon looks for it.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PATH := $(PATH):$(HOME)/.cargo/bin

BIN := $(CARGO_TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# Measured as it is installed: what the linker has just written lies in memory in
# smaller pieces than a copy, and starts more slowly.
BENCH_BIN := $(CARGO_TARGET_DIR)/release/installed
# The engine's crates ask for a newer compiler than they need.
HUB_CARGO := cd spaces-hub && cargo
HUB_FLAGS := --ignore-rust-version

.PHONY: help up down build test test-rust test-hub test-repeat faults soak fuzz lint bench scale bench-docs bench-build install uninstall ci setup setup-test clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the system packages that the build needs
	@scripts/setup

setup-test:
	@scripts/setup --test

build: setup ## build spacesd, spacesctl and spaces-hub
	cargo build --locked --profile $(PROFILE) -p spacesd -p spacesctl
	$(HUB_CARGO) build --locked $(HUB_FLAGS) --profile $(PROFILE)

up: build ## build what is missing, start hub and daemon, post and read a first message
	@$(BIN)/spacesctl up
	@$(BIN)/spacesctl post '#agent-logs' "Spaces is up on $$(hostname)" --wait sent
	@$(BIN)/spacesctl read '#agent-logs' --limit 3
	@echo "Try: $(BIN)/spacesctl status"

down: ## stop the daemon and its hub; nothing is deleted
	@$(BIN)/spacesctl down

test: setup-test ## every test: units, the hub, end to end
	cargo build --locked -p spacesd -p spacesctl
	$(HUB_CARGO) build --locked $(HUB_FLAGS)
	cargo test --locked --workspace
	$(HUB_CARGO) test --locked $(HUB_FLAGS)
	tests/systemd/run $(CARGO_TARGET_DIR)/debug

test-repeat: setup-test ## every test N (10) times, then one at a time and eight at once
	scripts/test-repeat $(or $(N),10)

faults: setup-test ## 200 (ROUNDS) rounds of faults under two machines that write; SEED=n repeats one
	cargo build --locked -p spacesd -p spacesctl
	$(HUB_CARGO) build --locked $(HUB_FLAGS)
	SPACES_FAULT_ROUNDS=$(ROUNDS) SPACES_FAULT_SEED=$(SEED) cargo test --locked -p spaces-tests --test faults no_write -- --nocapture

soak: setup-test ## an hour (SOAK_MINUTES) of load and faults: memory, files, threads and disk stay flat
	cargo build --locked -p spacesd -p spacesctl
	$(HUB_CARGO) build --locked $(HUB_FLAGS)
	SOAK_DIR=$${SOAK_DIR:-$(CARGO_TARGET_DIR)/soak} cargo test --locked -p spaces-tests --test soak -- --include-ignored --nocapture

fuzz: setup ## coverage-guided fuzzing, FUZZ_SECONDS (600) for each target
	scripts/fuzz

lint: setup-test ## format, clippy, shell scripts, service files
	scripts/lint

# A bench works in the home, as a daemon does. Where much was deleted, as in /tmp
# after the tests, ext4 searches long for a free inode.
bench scale: export TMPDIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/spaces-bench

bench: bench-build ## measure against references in the same run; writes bench/results.json
	mkdir -p "$$TMPDIR"
	$(BENCH_BIN)/spaces-bench

scale: bench-build ## measure how costs grow with size; writes bench/growth.json
	mkdir -p "$$TMPDIR"
	$(BENCH_BIN)/spaces-bench scale

bench-docs: bench-build ## put the last figures of both into README.md and docs/
	$(BENCH_BIN)/spaces-bench docs

bench-build:
	@scripts/setup --bench
	cargo build --locked --release -p spacesd -p spacesctl -p spaces-bench
	$(HUB_CARGO) build --locked $(HUB_FLAGS) --release
	install -d $(BENCH_BIN)
	install -m 755 $(CARGO_TARGET_DIR)/release/{spacesd,spacesctl,spaces-hub,spaces-bench,bare,one-shot} $(BENCH_BIN)/

install: setup ## release build into PREFIX (default /usr/local)
	cargo build --locked --release -p spacesd -p spacesctl
	$(HUB_CARGO) build --locked $(HUB_FLAGS) --release
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(CARGO_TARGET_DIR)/release/{spacesd,spacesctl,spaces-hub} $(DESTDIR)$(PREFIX)/bin/
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	$(CARGO_TARGET_DIR)/release/spacesctl man $(DESTDIR)$(PREFIX)/share/man/man1

uninstall: ## remove what `make install` put into PREFIX
	rm -f $(DESTDIR)$(PREFIX)/bin/{spacesd,spacesctl,spaces-hub} $(DESTDIR)$(PREFIX)/share/man/man1/spacesctl*.1

ci: ## what the continuous integration runs
	.ci/run
