# From a machine with Python 3.11, 3.12 or 3.13 and make to a trained translator: make quickstart
# Everything happens in .venv, is safe to repeat, and is fast the second time.

# The Python that makes .venv, for example: make install PYTHON=/opt/python3.12/bin/python3
PYTHON ?=
# Test processes that run side by side.
WORKERS ?= 2
# Which of the slow tests, by their marks.
SLOW ?= slow

BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
RIGHT_PYTHON = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

# After an upgrade of Python .venv/bin/python dangles or finds no packages: what was installed for it no longer counts.
# Here, because make looks at the stamps before it runs the rule that makes .venv anew.
$(shell [ ! -e .venv/.package-installed ] || .venv/bin/python -c 'import pip' >/dev/null 2>&1 || \
    rm -f .venv/.package-installed .venv/.tools-installed .venv/bin/python)

.DELETE_ON_ERROR:
.PHONY: help install quickstart test test-slow check types docs demo benchmark

help:
	@echo "make quickstart   train a first translator (some minutes) and show what it does"
	@echo "make install      the environment alone, in .venv"
	@echo "make test         the test suite, in some minutes"
	@echo "make test-slow    the tests that train for longer or start many processes"
	@echo "make check        formatter, linter, types, strict docs build"
	@echo "make docs         the documentation, in docs/_build/html"
	@echo "make demo         the documentation with the quickstart's translator as a page of it"
	@echo "make benchmark    training and decoding timed beside other toolkits; JSON=FILE keeps the measurements"

install: .venv/.tools-installed
	@echo "Ready: . .venv/bin/activate, then: seq2seq --help"

quickstart: .venv/.package-installed
	@$(BIN)/python recipes/quickstart.py --resume-if-begun

test: .venv/.tools-installed
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

test-slow: .venv/.tools-installed
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal -m "$(SLOW)"

check: .venv/.tools-installed
	@echo "ruff format" && $(BIN)/ruff format --check .
	@echo "ruff check" && $(BIN)/ruff check .
	@$(MAKE) --no-print-directory --jobs 2 types docs

types: .venv/.tools-installed
	@echo "mypy" && $(BIN)/mypy

# Trained models are no source: the docs have as pages the runs of runs/ that are named, as in
# make docs DEMOS="quickstart tatoeba-small"
DEMOS ?=

docs: .venv/.tools-installed $(DEMOS:%=docs/_build/demos/demo/%/files.json)
	@echo "sphinx-build"
	@$(BIN)/python -m sphinx --fail-on-warning --nitpicky --quiet --builder html docs docs/_build/html
	@echo "Built docs/_build/html/index.html"

docs/_build/demos/demo/%/files.json: runs/%/model.s2s | .venv/.tools-installed
	@$(BIN)/seq2seq export runs/$* --precision int8 --browser --to $(@D)

runs/%/model.s2s:
	@echo "A page is made of a finished run. Received: DEMOS with $*, and no $@. Train it first." >&2; exit 1

demo: quickstart
	@$(MAKE) --no-print-directory docs DEMOS=quickstart
	@echo "Look at docs/_build/html/demo/quickstart: python -m http.server --directory docs/_build/html"

# The toolkits it compares with are installed into a cache folder, each into an environment of its own.
benchmark: .venv/.package-installed
	@$(BIN)/python -m tests.benchmarks $(if $(JSON),--json "$(JSON)")

# Two stamps: who only wants the quickstart does not wait for the tools of those who change the code.
.venv/.package-installed: pyproject.toml | .venv/bin/python
	@echo "Installing seq2seq and what it needs (TensorFlow is large: the first time takes some minutes) ..."
	@$(PIP) --editable .
	@touch $@

.venv/.tools-installed: .venv/.package-installed
	@echo "Installing the tools for tests, checks and docs ..."
	@$(PIP) --editable ".[dev]"
	@touch $@

.venv/bin/python:
	@for candidate in $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3 python); do \
	    if "$$candidate" -c '$(RIGHT_PYTHON)' >/dev/null 2>&1; then \
	        echo "Creating .venv with $$("$$candidate" --version) ..."; \
	        exec "$$candidate" -m venv --clear .venv; \
	    fi; \
	    seen="$$seen $$candidate ($$("$$candidate" --version 2>/dev/null | grep Python || echo 'not here'));"; \
	done; \
	echo "seq2seq needs Python 3.11, 3.12 or 3.13 with venv. Received:$$seen" >&2; \
	echo "Install one of them (on Debian and Ubuntu also its package python3-venv), or name it:" >&2; \
	echo "make install PYTHON=/path/to/python3" >&2; \
	exit 1
