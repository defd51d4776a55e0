# Every target sets up first what it needs; `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

ROOT := $(CURDIR)
export PATH := $(ROOT)/.venv/bin:$(PATH)
# ape takes the locked compiler from here instead of downloading one.
export VVM_BINARY_PATH := $(ROOT)/.build/vvm
export VIRTUAL_ENV := $(ROOT)/.venv

PYTHON ?=
ROUNDS ?=
HOURS ?=
ARGS ?=

STAMP := .venv/.setup-stamp
# Set up again for another PYTHON than last time, and when the compiler link or anvil is missing
# though it could be there (Node was installed later, a folder was deleted).
ifneq ($(PYTHON),)
ifneq ($(PYTHON),$(shell cat .venv/.setup-stamp 2>/dev/null))
AGAIN := again
endif
endif
ifeq ($(shell test -x .build/vvm/vyper-0.4.3 && echo there),)
AGAIN := again
endif
ifeq ($(shell uname -sm),Linux x86_64)
ifneq ($(shell command -v npm),)
ifeq ($(shell test -x .venv/bin/anvil && echo there),)
AGAIN := again
endif
endif
endif
LOCKS := requirements.txt requirements-mamushi.txt package.json package-lock.json
UV_COMPILE := uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

# Files that compile by themselves; modules are compiled through them.
CONTRACTS = $(wildcard contracts/*.vy contracts/test/*.vy)
VYPER_SOURCES = $(shell find contracts -name '*.vy' -o -name '*.vyi' 2>/dev/null)
# The stand-ins under test/ keep the names and habits of what they stand for.
NATRIX_SOURCES = $(wildcard contracts/*.vy contracts/modules/*.vy)
PYTHON_SOURCES = $(wildcard sluice scripts tests tools)

# ape's plugin would only slow the first kind down (ten seconds a start); the second needs it.
# The second runs in one process: ape's workers would share one compile cache and race for it.
DIRECT_TESTS = $(wildcard tests/unit tests/functional tests/property tests/surface)
CHAIN_TESTS = $(wildcard tests/integration tests/gas)
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## make .venv, the compiler link and anvil from the locks (PYTHON=... to choose one)

.PHONY: again
$(STAMP): $(LOCKS) pyproject.toml tools/setup.sh $(AGAIN)
	@PYTHON='$(PYTHON)' tools/setup.sh
	@echo '$(PYTHON)' > $@

.PHONY: test
test: setup ## run all tests (ARGS='-k pattern' to choose)
	@run() { \
		name=$$1; shift; \
		echo "== $$name tests"; \
		"$$@" || { code=$$?; [ $$code -eq 5 ] && echo "no $$name tests were collected" || exit $$code; }; \
	}; \
	if [ -n '$(DIRECT_TESTS)' ]; then \
		run in-process pytest -p no:ape_test -n $(WORKERS) $(DIRECT_TESTS) $(ARGS); \
	fi; \
	if [ -n '$(CHAIN_TESTS)' ]; then \
		network=::foundry; \
		command -v anvil >/dev/null || { network=::test; echo 'no anvil: the in-process chain is used'; }; \
		run chain pytest --network $$network $(CHAIN_TESTS) $(ARGS); \
	fi; \
	echo 'make test: $(if $(DIRECT_TESTS)$(CHAIN_TESTS),all tests passed,there are no tests)'

.PHONY: fuzz
fuzz: setup ## search for steps on which contract and ledger differ (HOURS=8, ARGS='--seed 1')
	python tools/fuzz.py $(if $(HOURS),--hours '$(HOURS)') $(ARGS)

.PHONY: lint
lint: setup ## check style, types and contracts; changes nothing
	ruff check $(PYTHON_SOURCES)
	ruff format --check $(PYTHON_SOURCES)
	mypy
ifneq ($(CONTRACTS),)
	vyper -W error -f abi,userdoc,devdoc $(CONTRACTS) > /dev/null
	python tools/natrix_lint.py $(NATRIX_SOURCES)
	.build/mamushi/bin/mamushi --line-length 100 --check $(VYPER_SOURCES)
endif
	@echo 'make lint: clean'

.PHONY: format
format: setup ## format Python and Vyper files in place
	ruff check --fix $(PYTHON_SOURCES)
	ruff format $(PYTHON_SOURCES)
ifneq ($(CONTRACTS),)
	.build/mamushi/bin/mamushi --line-length 100 $(VYPER_SOURCES)
endif

.PHONY: coverage
coverage: setup ## branches of the bytecode that the direct tests leave out; fails if one is not argued
	rm -rf build/branches
	python -m pytest -q -p no:ape_test -n $(WORKERS) -p tools.branch_coverage \
		--branches build/branches $(DIRECT_TESTS) $(ARGS)
	python -m tools.branch_coverage build/branches

.PHONY: mutate
mutate: setup ## small wrong changes of the escrow against its fast tests (about an hour; goes on)
	python -m tools.mutate run --jobs $(WORKERS) $(ARGS)
	python -m tools.mutate report

.PHONY: demo
demo: setup ## replay tournament rounds through the escrow (ROUNDS=file; default: a made-up sample)
	ape run demo $(if $(ROUNDS),--rounds '$(ROUNDS)') $(ARGS)

.PHONY: bench
bench: setup ## measure gas, print the table, write build/bench.json
	ape run bench $(ARGS)

.PHONY: devnet
devnet: setup ## start a lasting local chain with token, escrow and funded accounts
	ape run devnet $(ARGS)

.PHONY: audit
audit: setup ## rebuild everything from events and compare it with the chain (ARGS='--network ...')
	ape run audit $(ARGS)

.PHONY: rehearse-exit
rehearse-exit: setup ## let everybody leave a local chain whose keys are gone, week by week
	ape run rehearse-exit $(ARGS)

# The prover's environment and what builds its specs are made here, not by `make setup`.
PROVER := .build/halmos/.stamp
$(PROVER): requirements-halmos.txt proofs/package.json proofs/package-lock.json
	uv venv --quiet --clear --python .venv/bin/python .build/halmos
	uv pip install --quiet --python .build/halmos/bin/python --require-hashes \
		-r requirements-halmos.txt
	cd proofs && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
	@touch $@

.PHONY: prove
prove: setup $(PROVER) ## prove claims on the bytecode with halmos (ARGS='--only Stopped,Planted' to choose)
	python tools/prove.py $(ARGS)

.PHONY: lock
lock: setup ## remake the locks from requirements*.in and package.json
	$(UV_COMPILE) requirements.in -o requirements.txt
	$(UV_COMPILE) requirements-mamushi.in -o requirements-mamushi.txt
	$(UV_COMPILE) requirements-halmos.in -o requirements-halmos.txt
	npm install --package-lock-only --ignore-scripts --no-audit --no-fund
	cd proofs && npm install --package-lock-only --ignore-scripts --no-audit --no-fund

.PHONY: clean
clean: ## remove everything that was made, the environment too
	rm -rf .venv .build build node_modules *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
