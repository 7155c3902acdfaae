# Everything runs from `.venv` inside the checkout; needed are only git, make and Python 3.11 or newer.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check bench docs lock synth agent clean environment

VENV := .venv
BIN := $(VENV)/bin
# The environment is made again when, and only when, the content of what describes it changes.
ENVIRONMENT := $(VENV)/.installed-$(shell cat requirements.lock Makefile .ci/environment 2>/dev/null | cksum | tr ' ' '-')
export PYTHONUNBUFFERED := 1
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
# Bytecode is kept: without it every start of a program compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(ENVIRONMENT): requirements.lock Makefile .ci/environment
	@.ci/environment $(VENV)
	@touch $@

environment: $(ENVIRONMENT) ## Make or renew .venv from requirements.lock

run: $(ENVIRONMENT) ## Start the local stack and run the example pipeline on this checkout (ONCE=1: stop after the run)
	@$(BIN)/python -m cadence.local.demo

# Half of the workers begin with end-to-end tests, which mostly wait: more workers than processors can be worth it.
WORKERS ?= 3
test: $(ENVIRONMENT) ## Run all tests (some: ARGS="tests/unit -k name"; with another engine: ARGS="-m engine" ENGINE=0.10.2)
	@CADENCE_MELODIUM_VERSION=$(ENGINE) exec $(BIN)/python -m pytest $(or $(ARGS),-n $(WORKERS) --dist loadfile)

check: $(ENVIRONMENT) ## Run every static check
	@.ci/check $(VENV)

# The peers of the benchmarks, in an environment of their own.
PEERS := .cache/bench-peers/.installed-$(shell cksum < bench/requirements-peers.lock 2>/dev/null | tr ' ' '-')
$(PEERS): bench/requirements-peers.lock $(ENVIRONMENT)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@$(BIN)/uv pip install --quiet --python $(@D)/bin/python --require-hashes -r $<
	@touch $@

bench: $(ENVIRONMENT) ## Measure, each figure beside a peer's (choose some: make bench ARGS="webhook streams --json today.json")
	@$(MAKE) --no-print-directory $(PEERS) || echo "The peers could not be installed: the benchmarks go on without them." >&2
	@$(BIN)/python -m bench $(ARGS)

# The site's packages have an environment of their own: one of them is named like a Lambda.
SITE := .cache/website
SITE_READY := $(SITE)/.installed-$(shell cksum < website/requirements.lock 2>/dev/null | tr ' ' '-')
$(SITE_READY): website/requirements.lock $(ENVIRONMENT)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SITE)
	@$(BIN)/uv pip install --quiet --python $(SITE)/bin/python --require-hashes -r $<
	@touch $@

docs: $(SITE_READY) ## Build the documentation's site into build/site; any warning fails
	@website/build $(SITE)

# Pins change only where pyproject.toml requires it; `make lock ARGS=--upgrade` takes the newest versions of everything.
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11
lock: $(ENVIRONMENT) ## Renew the lock files from pyproject.toml (newest versions: make lock ARGS=--upgrade)
	@$(LOCK) $(ARGS) --all-extras pyproject.toml --output-file requirements.lock
	@$(LOCK) $(ARGS) --group docs --output-file website/requirements.lock
	@$(LOCK) $(ARGS) bench/requirements-peers.in --output-file bench/requirements-peers.lock

synth: $(ENVIRONMENT) ## Write the CloudFormation templates for AWS to cdk.out
	@$(BIN)/python -m infra.synth --place aws --out cdk.out

agent: $(ENVIRONMENT) ## Build the agent that runs treatments, one file: dist/cadence-agent.pyz
	@$(BIN)/python -m runner_bootstrap.build dist/cadence-agent.pyz

clean: ## Stop the local stack and remove everything that was made here, its data included
	@if [ -x $(BIN)/cadence ] && [ -d .cadence ]; then $(BIN)/cadence local down; fi
	@rm -rf $(VENV) .cadence .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build cdk.out dist node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
