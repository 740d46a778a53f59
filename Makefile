# What a person does with a checkout. Python 3.11 or newer and the network are all that must be there.
.DEFAULT_GOAL := help
.PHONY: help setup run stop test test-long lint bench clean

python := .venv/bin/python

help: ## List what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## Make everything ready to develop: environment, packages, assets, browser
	@tools/setup.sh dev

run: ## Run the portal: PORT=8000, DEMO=0 starts empty, LEADSLA_HOME=.local holds the data
	@tools/setup.sh run
	@exec $(python) -m leadsla.embedded run

stop: ## Stop the portal and its services, from another terminal
	@if [ -x $(python) ]; then $(python) -m leadsla.embedded stop; fi

test: ## All tests, on PostgreSQL and Redis of their own; ARGS="tests/sla -k clock" chooses
	@tools/setup.sh dev
	@tools/lint.sh fast
	@$(python) -m pytest --numprocesses 2 --dist worksteal $(ARGS)

test-long: ## All tests and what takes longer
	@tools/setup.sh dev
	@tools/lint.sh all
	@$(python) -m pytest --numprocesses 2 --dist worksteal -m "" $(ARGS)

lint: ## All checks of the code
	@tools/setup.sh dev
	@tools/lint.sh all

bench: ## The benchmarks, with their numbers
	@tools/setup.sh dev
	@for file in tests/bench/bench_*.py; do echo "$$file"; PYTHONPATH=. $(python) "$$file" || exit 1; done

clean: stop ## Remove what was built and installed, and the embedded data
	@rm -rf .venv node_modules static/build staticfiles .local .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
