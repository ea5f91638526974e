# `make demo` and `make test` need Python 3.11 or later, make and a package index, nothing else. Each makes .venv if it is
# absent, installs what it needs into it (again only when pyproject.toml or constraints.txt changed), and runs.
#
#   make demo DEMO_ARGS="--catalogue full"     further arguments of `whypath demo`
#   make test PYTEST_ARGS="tests/kg -x"         a part of the tests
#   make demo PIP_ARGS="--extra-index-url …"   further arguments of pip, e.g. an index with CPU builds of torch

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
DEMO_ARGS ?=
PYTEST_ARGS ?=

BIN := $(VENV)/bin
INSTALLED = $(VENV)/.installed-

.PHONY: demo test lint types docs clean help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -n 6

demo: $(INSTALLED)text
	$(BIN)/whypath demo $(DEMO_ARGS)

test: $(INSTALLED)dev
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

lint: $(INSTALLED)dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)dev
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(INSTALLED)dev
	$(BIN)/mkdocs build --strict

# One stamp per extra, inside the environment, so that a removed .venv takes its stamps along.
$(INSTALLED)%: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt $(PIP_ARGS) -e ".[$*]"
	@touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "WhyPath needs Python 3.11 or later; name one: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf build dist site .coverage .coverage.* htmlcov *.egg-info
