# Everything starts here: `make demo` to see it, `make test` to prove it. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One more than two cores: many tests wait for servers to start and to be killed.
WORKERS ?= 3
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz cover check bench bench-matching bench-rankings bench-timetable bench-docking bench-bookings storm lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# The environment is made once, and again when what it is made of changes. What runs the program comes first, so that the
# demo does not wait for the tools of the tests. The locks are complete: --no-deps keeps older pips from looking beyond
# them (for coverage[toml] one took a coverage newer than the pinned one, and stopped at its hash).
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, found " + sys.version)'
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }

$(RUNTIME): requirements-runtime.lock pyproject.toml | $(BIN)/python
	$(PIP) --no-deps --require-hashes -r requirements-runtime.lock
	$(PIP) --no-deps --no-build-isolation -e .
	$(BIN)/python -m matching
	@touch $@

$(DEV): requirements.lock $(RUNTIME)
	$(PIP) --no-deps --require-hashes -r requirements.lock
	@touch $@

demo: $(RUNTIME) ## start the database, load sample data, rank three problems, serve on http://127.0.0.1:8000
	@$(BIN)/duijie demo

test: $(DEV) ## run all tests on a real PostgreSQL
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

fuzz: $(DEV) ## draw many more requests from the API's document than `make test` does; takes long
	DUIJIE_TEST_EXAMPLES=$(or $(EXAMPLES),50) $(BIN)/python -m pytest -n $(WORKERS) tests/fuzz/test_schemathesis.py

# Who may see what, what happens once, and what is confidential: every line and branch of it is tested.
WHOLLY := marketplace/*/*policy.py,marketplace/kernel/idempotency.py,marketplace/listings/confidential.py

cover: $(DEV) ## run them once more and measure coverage; takes twice as long
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered
	$(BIN)/coverage report --show-missing --fail-under=100 --include='$(WHOLLY)'

check: $(DEV) ## style, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV) ## measure; results go to docs/benchmarks.md
	$(BIN)/python -m scripts.bench

bench-timetable: $(DEV) ## measure the timetable; results go to docs/benchmarks-timetable.md
	$(BIN)/python -m scripts.bench_timetable

bench-docking: $(DEV) ## docking over HTTP: while a timetable is computed, and in storms; to docs/benchmarks-docking.md
	$(BIN)/python -m scripts.bench_docking

bench-bookings: $(DEV) ## measure bookings, beside NEMO where NEMO_PYTHON names it; results go to docs/benchmarks-bookings.md
	$(BIN)/python -m scripts.bench_bookings

# `make storm STORM="--seeds 7 --rounds 5"` for another one.
STORM ?= --keep
storm: $(DEV) ## fifty clients reach for the same time, at two processes; results go to docs/benchmarks-bookings.md
	$(BIN)/python -m scripts.storm_bookings $(STORM)

bench-matching: $(DEV) ## the ranking beside its peers, up to a million records; to docs/benchmarks-matching.md
	$(BIN)/python -m scripts.bench_matching

bench-rankings: $(DEV) ## rankings with reasons through HTTP, 100,000 records; to docs/benchmarks-rankings.md
	$(BIN)/python -m scripts.bench.rankings

lock: ## renew requirements.lock
	sh scripts/make_lock.sh

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) .duijie build *.egg-info
