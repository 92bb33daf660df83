# Needs python3 (3.11 or later), git and make; whatever else is missing comes from PyPI and the Go module proxy.
PYTHON ?= python3
VENV ?= .venv
# Most tests wait for the cluster rather than compute, hence more workers than cores.
JOBS ?= 4
CONTEXT ?=
ARGS ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CHECKED := helmops tests $(wildcard benchmarks/*.py) $(wildcard examples/*.py)

.DEFAULT_GOAL := help
.PHONY: help venv lock lint format unit test cluster cluster-down bench demo clean

help: ## Show this help
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 18

venv: $(INSTALLED) ## Create the virtual environment from requirements/dev.txt

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; set PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check >&2
	@touch $@

lock: ## Resolve requirements/dev.txt anew from pyproject.toml (UPGRADE=1 takes newer versions)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-header --no-emit-index-url $(if $(UPGRADE),--upgrade) --output-file requirements/dev.txt pyproject.toml

lint: $(INSTALLED) ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CHECKED)
	$(BIN)/lint-imports

format: $(INSTALLED) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: $(INSTALLED) ## Run the unit tests: no cluster, seconds
	$(BIN)/pytest -q -n 2 tests/unit

test: lint ## Check everything: lint, then every test, on a control plane that is built if need be
	$(BIN)/python -m tests.controlplane build
	$(BIN)/pytest -q -n $(JOBS) $(ARGS)

cluster: $(INSTALLED) ## Start a Kubernetes control plane on loopback; prints the KUBECONFIG to export
	@$(BIN)/python -m tests.controlplane up

cluster-down: $(INSTALLED) ## Stop it again
	@$(BIN)/python -m tests.controlplane down

bench: $(INSTALLED) ## Run the benchmarks (ARGS=...)
	$(BIN)/python -m benchmarks.run $(ARGS)

demo: $(INSTALLED) ## Show helmops at work (CONTEXT=... to use a cluster of yours)
	$(BIN)/python -m examples.demo $(if $(CONTEXT),--context $(CONTEXT)) $(ARGS)

clean: ## Remove what was made inside the clone, the virtual environment included
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
