# Everything a developer types. `make` alone lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo test check lint types arrows unit faults bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Verbund needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready ## make .venv with the locked versions

demo: setup ## made-up feeds of five districts, pulled, changed, pulled again; then web pages and API
	$(BIN)/verbund demo $(ARGS)

check: lint types arrows ## style, types and the arrows of the house

lint: setup ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy, strict
	$(BIN)/mypy

arrows: setup ## the arrows of the house
	$(BIN)/lint-imports

unit: setup ## tests without servers: seconds
	$(BIN)/pytest -q -m "not kafka and not postgres and not faults" $(ARGS)

test: setup check ## everything but the long runs; real Kafka and PostgreSQL, started here or by Docker
	$(BIN)/python -m tests.servers check
	$(BIN)/pytest -q -m "not faults" $(ARGS)

faults: setup ## the long fault runs
	$(BIN)/pytest -q -m faults $(ARGS)

bench: setup ## measured figures as JSON in bench/results
	$(BIN)/python -m bench

clean: ## remove what was set up
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
