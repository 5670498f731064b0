# Everything is set up inside the checkout: .venv/ and what .gitignore names. `make` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo start test test-docker ric node-client bench events lint format lock clean setup python

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps
NODE_RIC := tests/end_to_end/behaviour/aws_lambda_ric
NODE_CLIENT := tests/end_to_end/drivers/node_sdk
# One resolution serves every Python from 3.11 on, whatever the platform.
COMPILE = UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes $(ARGS)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## put a photograph into a bucket and fetch the thumbnail a function made of it
	@$(BIN)/python sample_functions/demo.py

start: setup ## leave the emulator running with the sample functions (ARGS="--port 9001")
	@exec $(BIN)/lambda-emulator start $(ARGS)

test: setup ## run the tests (ARGS="tests/sample_functions -k resize")
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

ric: ## build AWS's runtime client for Node.js, which the tests run unmodified (two minutes)
	@test -e $(NODE_RIC)/node_modules/aws-lambda-ric/dist/rapid-client.node || \
	(cd $(NODE_RIC) && npm ci --no-audit --no-fund --loglevel=error)

node-client: ## fetch AWS's SDK for Node.js, which the tests drive the Lambda API with
	@test -d $(NODE_CLIENT)/node_modules || \
	(cd $(NODE_CLIENT) && npm ci --no-audit --no-fund --loglevel=error)

test-docker: setup ## run the tests that need a Docker engine: DOCKER_HOST, or dockerd as root
	@$(BIN)/python -m pytest -m docker -ra $(ARGS)

bench: setup ## measure speed, side by side with the least a Python server can do
	@$(BIN)/python -m benchmarks $(ARGS)

events: setup ## write the generated files of events/ anew
	@$(BIN)/python -c 'from pathlib import Path; from emulator.cli.generate_event import write_files; \
	write_files(Path("events"))'

lint: setup ## ruff and mypy
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: setup ## let ruff write the code's layout
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: setup ## pin dependencies anew after an edit of pyproject.toml (ARGS=--upgrade for newer ones)
	echo pip | $(COMPILE) - -o requirements-pip.lock
	$(COMPILE) pyproject.toml --extra dev -o requirements-dev.lock
	$(COMPILE) pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(COMPILE) sample_functions/resize/requirements.in -o sample_functions/resize/requirements.txt
	if command -v npm; then for folder in sample_functions/resize_node $(NODE_RIC) $(NODE_CLIENT); do \
		(cd $$folder && npm install --package-lock-only); done; fi

clean: ## remove everything that was set up or built
	rm -rf .venv out build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf $(NODE_RIC)/node_modules sample_functions/resize_node/node_modules sample_functions/native/count sample_functions/hello_java/hello/*.class
	find sample_functions/resize -mindepth 1 -maxdepth 1 \
		! -name app.py ! -name 'requirements.*' ! -name .gitignore -exec rm -rf {} +

setup: $(INSTALLED)
	@$(BIN)/python sample_functions/build.py

# The pip that a Python brings takes up to twice as long as a current one.
$(INSTALLED): requirements-pip.lock requirements-dev.lock pyproject.toml | python
	@echo "Setting up .venv: $$(cat *-pip.lock *-dev.lock | grep -c ==) packages, half a minute" >&2; \
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv || { \
		echo "error: $(PYTHON) cannot make virtual environments (Debian: apt-get install python3-venv)" >&2; \
		exit 1; }; \
	$(PIP) --require-hashes -r requirements-pip.lock && \
	$(PIP) --require-hashes -r requirements-dev.lock && \
	$(PIP) --no-build-isolation -e . && \
	touch $@ && \
	echo "Set up in $$SECONDS s" >&2

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) \
	is missing or older than 3.11; name another one: make PYTHON=python3.12" >&2; exit 1; }
