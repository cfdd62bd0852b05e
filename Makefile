# Every target sets up what it needs: a fresh clone wants Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

.PHONY: mutants setup demo test check bench long lock oracles format clean

setup: $(VENV)/.runtime

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

demo: setup
	$(BIN)/hanota demo

# The independent implementations that tests compare with: tshark, and the DCC's client tools and
# test keys. Without a package manager or a network the tests that want them skip and say so.
oracles: setup
	$(PYTHON) scripts/oracles.py

test: $(VENV)/.dev oracles
	$(BIN)/pytest -n auto -m "not long"

check: $(VENV)/.dev oracles
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto -m "not long"

long: $(VENV)/.dev oracles
	$(BIN)/pytest -n auto

# Deliberate mistakes in copies of the tree, and whether seeds and tests notice each.
mutants: $(VENV)/.dev
	$(BIN)/python -m mutants --table docs/mutants.md

bench: $(VENV)/.dev
	$(BIN)/python -m bench

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	$(UV_COMPILE) pyproject.toml requirements/build.in -o requirements/runtime.txt
	$(UV_COMPILE) -c requirements/runtime.txt pyproject.toml requirements/dev.in -o requirements/dev.txt

clean:
	rm -rf $(VENV) out .oracles
