# Two commands: `make run` plans Pakistan; `make test` checks everything. Each does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run test test-long docs bench lock web sbom audit clean help setup

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
UV := $(BIN)/uv
UV_INSTALL := $(UV) pip install --quiet --python $(BIN)/python
# One file's tests stay in one process, where they share what is costly to make.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile
WEB_FILES := web/package.json web/package-lock.json $(shell find web/src -type f 2>/dev/null)

run: setup ## plan Pakistan, print the summary and the paths of the report and the plan
	@$(BIN)/rahdari plan pakistan --scenario nfp-2030

setup: $(STAMPS)/package

test: $(STAMPS)/dev $(STAMPS)/package ## everything a contributor must pass
	@echo '== ruff check';    $(BIN)/ruff check .
	@echo '== ruff format';   $(BIN)/ruff format --check .
	@echo '== mypy';          $(BIN)/mypy -p rahdari && $(BIN)/mypy hatch_build.py
	@echo '== import-linter'; $(BIN)/lint-imports --no-logo
	@echo '== kernels';       $(BIN)/python -m rahdari.kernels.compile_all
	@echo '== pytest (unit, contract, doctest, browser, links)'
	@$(BIN)/python -m pytest $(PARALLEL)

test-long: $(STAMPS)/dev $(STAMPS)/package ## the tests that take minutes
	@$(BIN)/python -m pytest -m long
	@echo '== laws on examples drawn anew'
	@$(BIN)/python -m pytest $(PARALLEL) tests/methods tests/sources tests/schema --hypothesis-profile=search

docs: $(STAMPS)/dev $(STAMPS)/package ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo 'docs: site/index.html'

bench: $(STAMPS)/dev $(STAMPS)/package ## one JSON line a claim
	@$(BIN)/python bench/_run_all.py

web: ## rebuild the map's static files after an edit in web/
	@$(BIN)/python hatch_build.py

lock: $(STAMPS)/uv ## refresh the hashed locks from requirements/*.in
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements/bootstrap.in -o requirements/bootstrap.lock
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements/core.in -o requirements/core.lock
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements/dev.in -c requirements/core.lock -o requirements/dev.lock
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header requirements/oracles.in -o requirements/oracles.lock
	@! grep -nE 'https?://' requirements/*.lock web/package-lock.json

sbom: $(STAMPS)/core ## write the bill of materials (CycloneDX) to build/sbom.json
	@$(BIN)/python requirements/sbom.py build/sbom.json

# The advisories and the tool that reads them come from the network, into an environment of its own.
audit: $(STAMPS)/uv ## look for known faults in the locked packages; needs the network
	@$(UV) tool run --quiet pip-audit@2.9.0 --version >/dev/null 2>&1 || \
	  { echo 'audit: this needs the network, to fetch pip-audit and the advisories; nothing was checked'; exit 2; }
	@for lock in core dev bootstrap; do $(UV) tool run --quiet pip-audit@2.9.0 --strict --disable-pip \
	  --require-hashes -r requirements/$$lock.lock || \
	  { echo "audit: requirements/$$lock.lock has known faults, or its advisories cannot be read from here"; exit 1; }; done

clean: ## remove what was built, keep plans
	rm -rf $(VENV) web/node_modules rahdari/static site build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

$(STAMPS)/uv: requirements/bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo '$(PYTHON) is older than 3.11; give a newer one: make PYTHON=python3.12'; exit 2; }
	@test -x $(BIN)/python || { echo 'set-up: $(VENV)'; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@mkdir -p $(STAMPS) && touch $@

# Install, never sync: `make run` after `make test` must not remove the test tools.  The locks agree by construction.
$(STAMPS)/core: requirements/core.lock $(STAMPS)/uv
	@echo 'set-up: packages'
	@$(UV_INSTALL) --require-hashes -r $<
	@touch $@

$(STAMPS)/dev: requirements/dev.lock $(STAMPS)/core
	@echo 'set-up: test tools'
	@$(UV_INSTALL) --require-hashes -r $<
	@touch $@

$(STAMPS)/package: pyproject.toml hatch_build.py $(WEB_FILES) $(STAMPS)/core
	@echo 'set-up: map and package'
	@$(UV_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
