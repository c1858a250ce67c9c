.DEFAULT_GOAL := help
VENV ?= .venv

.PHONY: help quickstart test pythons lint format lock bench clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart:  ## Install, start the embedded Triton, label the samples, stop
	scripts/quickstart.sh

test:  ## Install everything and run all checks and tests
	scripts/setup_env.sh serve train bpnet video live dev
	scripts/setup_chromium.sh
	@$(MAKE) --no-print-directory lint
	$(VENV)/bin/python -m pytest -n auto --dist loadfile

pythons:  ## Do the same on each supported Python
	for version in 3.10 3.11 3.12; do \
		$(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit; done

lint:  ## Check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format:  ## Rewrite the code in the house style
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

lock:  ## Resolve all dependencies again into requirements.lock
	UV_PYTHON_DOWNLOADS=never $(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.10 \
		--extra serve --extra train --extra bpnet --extra video --extra live --extra dev --no-header --no-emit-index-url --no-annotate --output-file requirements.lock

bench:  ## Run the benchmarks
	$(VENV)/bin/python -m benchmarks

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
