# skycrane: what a developer and a newcomer type. `make` alone explains itself.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out
JOBS ?=
# Modules are compiled as they are first imported: most of what is installed never is, and compiling all of it takes twenty seconds.
# So what is compiled must be kept, whatever the environment says: else each process compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE
PIP_OPTIONS := --quiet --disable-pip-version-check --no-compile
# A file of tests stays on one worker: what it makes and compiles is made once. tests/conftest.py says which begin first.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
LONG_BENCHES := $(addprefix tests/benchmarks/bench_,watch.py engine.py cluster.py)

.PHONY: help install dev process test test-slow fuzz check fmt golden golden-bless bench bench-watch bench-engine bench-cluster rehearsal sample clean distclean

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP_OPTIONS) --constraint requirements.lock --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(BIN)/python -m pip install $(PIP_OPTIONS) --constraint requirements.lock --editable '.[dev]'
	@touch $@

install: $(VENV)/.installed ## Install skycrane into .venv, with the versions of requirements.lock

dev: $(VENV)/.dev ## Install the tools of developers as well

process: $(VENV)/.installed ## Process the sample downlinks into OUT (default: out) and print the path of the report
	@$(BIN)/skycrane process sample_data/downlinks --mission mars2020 --out $(OUT) $(if $(JOBS),--jobs $(JOBS))

test: $(VENV)/.dev ## Run the tests (under five minutes on two cores)
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.dev ## Run the long tests too: kills, a real Dask cluster, the simulator against its own truth
	$(PYTEST)

fuzz: $(VENV)/.dev ## Try the readers with damaged files: make fuzz SECONDS=600 FORMATS="png mp4" (all of them, if none is named)
	nice -n 15 $(BIN)/python tests/properties/test_formats_fuzz.py $(or $(SECONDS),60) $(FORMATS)

check: $(VENV)/.dev ## Style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/.dev ## Put the code into form
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

golden: $(VENV)/.dev ## Compare this build with the golden outputs
	$(BIN)/python -m pytest tests/golden

golden-bless: $(VENV)/.dev ## Accept what this build makes as golden: make golden-bless REASON="why it may change"
	$(BIN)/python tests/golden/bless.py "$(REASON)"

bench: $(VENV)/.dev ## Measure, side by side with the libraries
	@for bench in $(filter-out $(LONG_BENCHES),$(wildcard tests/benchmarks/bench_*.py)); do \
		echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

bench-watch: $(VENV)/.dev ## Measure watch: how late pictures are, and whether 10,000 chunks cost what the first did (ten minutes)
	$(BIN)/python tests/benchmarks/bench_watch.py

bench-engine: $(VENV)/.dev ## Measure the engine: 100,000 products with nothing due, 100,000 tiny items from nothing (eight minutes)
	$(BIN)/python tests/benchmarks/bench_engine.py

bench-cluster: $(VENV)/.dev ## Measure two workers beside one and beside sync, on ten times the sample (eight minutes)
	$(BIN)/python tests/benchmarks/bench_cluster.py

rehearsal: $(VENV)/.dev ## Kill watch and workers at random while all of the sample lands in shuffled pieces (ten minutes)
	SKYCRANE_WHOLE=1 $(BIN)/python -m pytest tests/faults/test_watch_killed.py

sample: $(VENV)/.dev ## Make the sample downlinks anew (seldom: they stay in the history for ever)
	$(BIN)/python -m sample_data

clean: ## Remove what `make process` made
	rm -rf $(OUT) skycrane-demo

distclean: clean ## Remove everything that is not in git
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
