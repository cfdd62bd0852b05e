# Every target sets up what it needs: a fresh clone wants Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet

.PHONY: attacks audit sbom mutants setup demo test check bench bench-full long lock oracles format clean

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

# Every attack of the risk assessment, on the code as it is and without what stops it.
attacks: $(VENV)/.dev
	$(BIN)/python -m attacks --document docs/risk-assessment.md

# The components that are locked, as CycloneDX.
sbom: $(VENV)/.dev
	$(BIN)/python scripts/sbom.py requirements/runtime.txt out/sbom.json

# Whether one of them is known to be vulnerable. It wants uv and a network.
audit:
	uv tool run --from pip-audit==2.10.1 pip-audit --disable-pip --require-hashes -r requirements/runtime.txt

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# What takes long or wants room: a SQLite ledger of 20 million deliveries (20 GB under out/).
bench-full: bench
	$(BIN)/python -m bench.ledger 20000000 out/bench-ledger

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	$(UV_COMPILE) --extra impact pyproject.toml requirements/build.in -o requirements/runtime.txt
	$(UV_COMPILE) --extra impact -c requirements/runtime.txt pyproject.toml requirements/dev.in -o requirements/dev.txt

clean:
	rm -rf $(VENV) out .oracles
