# bluetop: everything a person or CI runs. `make help` lists it.
#
# `make run` and `make test` need Python 3.11 or newer and a package registry, nothing else. They
# make .venv once (with uv where it is on PATH, else with pip), from the lock files, hashes checked;
# stamp files in it depend on the locks and pyproject.toml, so the second start does none of that.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements.lock requirements-build.lock pyproject.toml
SOURCES := $(shell find core tui themes -name '*.py' 2>/dev/null)

# The first of these that runs and is new enough; override with `make run PYTHON=/path/to/python`.
CANDIDATES := python3.13 python3.12 python3.11 python3 python python3.14
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
FIND_PYTHON = for python in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
	if "$$python" $(NEW_ENOUGH) >/dev/null 2>&1; then found="$$python"; break; fi; done

# PYTHONDONTWRITEBYTECODE would make every start compile every module again (about 100 ms), so
# byte-compiling is a step of its own, and nothing here inherits the variable.
COMPILE := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q

# Trust whom the machine trusts, as pip does: many a company reads its own traffic (the second is the
# name that older versions of uv know).
export UV_SYSTEM_CERTS ?= true
export UV_NATIVE_TLS ?= true

# pip is asked for the same strictness that uv has.
INSTALL = if command -v uv >/dev/null 2>&1; \
	then install() { uv pip install --quiet --python $(BIN)/python "$$@"; }; \
	else install() { $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$@"; }; fi

# Tests run in that many processes: two fill two processors, and what waits costs nobody anything.
# `make test ARGS="-n0 --pdb"` runs them in one, `make test ARGS=tests/core` only some.
WORKERS := 2
AT_ONCE = --numprocesses $(WORKERS) --dist worksteal

.PHONY: help run demo test lint types bench long lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.ready $(VENV)/.bytecode ## the dashboard: on the workspace found here, else on the demo
	@exec $(BIN)/bluetop --or-demo $(ARGS)

demo: $(VENV)/.ready $(VENV)/.bytecode ## the dashboard on a workspace of its own with six working agents
	@exec $(BIN)/bluetop demo $(ARGS)

test: lint types ## lint, types, import contracts and every test but the long ones
	$(BIN)/python -m pytest $(AT_ONCE) $(ARGS)

lint: $(VENV)/.ready-dev ## ruff, formatting and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready-dev ## mypy --strict
	$(BIN)/mypy

long: $(VENV)/.ready-dev $(VENV)/.bytecode ## crash loops, soaks and very large workspaces
	$(BIN)/python -m pytest -m long --timeout 900 $(ARGS)

bench: $(VENV)/.ready-dev $(VENV)/.bytecode ## bluetop beside htop, btop and glances in one run; tables; fleet; forecasts; alerts; plans
	$(BIN)/python benchmarks/footprint.py --with-processes 400 --paused $(ARGS)
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/fleet.py
	$(BIN)/python benchmarks/forecasts.py
	$(BIN)/python benchmarks/alerts.py
	$(BIN)/python benchmarks/balance.py --quick

lock: ## write the lock files anew from pyproject.toml (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "make lock needs uv on PATH: pip install uv" >&2; exit 2; }
	uv pip compile $(LOCK_OPTIONS) --output-file requirements.lock pyproject.toml
	uv pip compile $(LOCK_OPTIONS) --output-file requirements-build.lock --group build
	uv pip compile $(LOCK_OPTIONS) --output-file requirements-dev.lock pyproject.toml --group dev

LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

clean: ## remove .venv, caches and builds
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f snapshot_report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A half-made .venv has no stamp, so an interrupted set-up starts over.
$(VENV)/.ready: $(LOCKS)
	@set -e; $(FIND_PYTHON); \
	if [ -z "$$found" ]; then \
		echo "bluetop needs Python 3.11 or newer; tried $(or $(PYTHON),$(CANDIDATES))." >&2; \
		echo "Install one, or name it: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3" >&2; exit 2; fi; \
	echo "Setting up $(VENV) with $$("$$found" -V), once ..." >&2; \
	rm -rf $(VENV); \
	if command -v uv >/dev/null 2>&1; then uv venv --quiet --python "$$found" $(VENV); \
	elif ! "$$found" -m venv $(VENV); then \
		rm -rf $(VENV); \
		echo "This Python cannot make virtual environments: install python3-venv (Debian, Ubuntu) or uv." >&2; \
		exit 2; fi; \
	$(INSTALL); \
	install --require-hashes -r requirements.lock; \
	install --require-hashes -r requirements-build.lock; \
	install --no-deps --no-build-isolation --editable .; \
	$(COMPILE) -j 0 $(VENV)/lib/python3*/site-packages || true; \
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@set -e; $(INSTALL); \
	echo "Adding the tools for tests and types ..." >&2; \
	install --require-hashes -r requirements-dev.lock; \
	$(COMPILE) -j 0 $(VENV)/lib/python3*/site-packages || true; \
	touch $@

# A checkout that cannot be written to still runs, only slower.
$(VENV)/.bytecode: $(VENV)/.ready $(SOURCES)
	@$(COMPILE) core tui themes || true
	@touch $@
