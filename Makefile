# `make demo` and `make test` need nothing but python3 (3.10 or newer, with venv), git and make.

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto

.PHONY: demo test check fmt bench bench-seams faults storm notebooks matrix clean

# The environment is made anew when the dependencies change, and left alone otherwise.
.venv/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; make PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --editable '.[all]' --group dev
	@touch $@

demo: .venv/.ready  ## the main job: streams that break, and arrive whole
	@$(BIN)/holysheep demo

test: .venv/.ready  ## the whole suite
	$(BIN)/pytest -n $(WORKERS) tests

check: .venv/.ready  ## ruff, formatting, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.ready  ## what a streamed token costs, beside the peers, in one run
	$(BIN)/python tests/benchmarks/stream_cost.py
	$(BIN)/python tests/benchmarks/long_answers.py

bench-seams: .venv/.ready  ## how well cut answers are joined: every text, cut, and manner
	$(BIN)/python tests/benchmarks/seams

faults: .venv/.ready  ## what a reader sees when the server breaks: every fault, every client
	$(BIN)/python tests/benchmarks/faults --write docs/faults.md

storm: .venv/.ready  ## what retries add to an outage, with and without the retry budget
	$(BIN)/python tests/benchmarks/retry_storm --write docs/retry-budget.md

notebooks: .venv/.ready  ## run the notebooks in place
	$(BIN)/python notebooks/run.py

matrix: .venv/.ready  ## every Python here, with the oldest and the newest frameworks
	$(BIN)/python -m pip install -qq --group matrix
	$(BIN)/nox

clean:
	rm -rf .venv .nox .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
