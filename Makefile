SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test check mutants bench lock clean

PYTHON := .venv/bin/python

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s%s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with everything the locks name; quick when nothing changed
	@bash tools/setup.sh

demo: setup ## Watch a migration of a few small VMs, in under a minute (ARGS=--keep to keep its page)
	@.venv/bin/oma-poller demo $(ARGS)

test: setup ## Run all tests, on SQLite and on MariaDB (ARGS="-k word" for some of them)
	@bash tools/services.sh
	@bash tools/test.sh $(ARGS)

check: setup ## Run the static checks
	@bash tools/check.sh

mutants: setup ## Plant mistakes in the core and see whether its tests notice (ARGS="--each 5 --seed 7")
	@$(PYTHON) -m tools.mutants $(ARGS)

bench: setup ## Run the benchmarks and print their figures
	@bash tools/services.sh
	@$(PYTHON) benchmarks/run.py $(ARGS)

lock: setup ## Write requirements/*.lock anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@bash tools/lock.sh $(ARGS)

clean: ## Remove what tests, checks and builds leave behind; .venv stays
	@rm -rf build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
