# The one command hub; the pipeline runs the same targets. `make help` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# An interpreter for the environment; empty: the first Python 3.11 or 3.12 found.
PYTHON ?=
PORT ?= 8000
# What make smoke walks through; empty: the demo that runs in this folder.
BASE_URL ?=
# Further arguments for the tool behind a target: make test ARGS="tests/core -k scope"
ARGS ?=

# Our own modules are compiled once as well, whatever the machine says: every process starts sooner.
export PYTHONDONTWRITEBYTECODE :=

PY := .venv/bin/python
MANAGE := $(PY) manage.py
CODE := platform admin_site resources tasks tests deploy manage.py
# Keyed to this folder: a copied environment belongs to the folder it came from.
HERE := $(shell pwd | cksum | cut -d' ' -f1)
READY := .venv/.ready-$(HERE)
BROWSER := .venv/.browser-$(HERE)

.PHONY: help setup demo run worker migrate test check smoke seed shell clean torture bench format messages

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): uv.lock pyproject.toml
	@deploy/setup python
	@touch $@

$(BROWSER): $(READY)
	@deploy/setup browser
	@touch $@

setup: $(READY) $(BROWSER) ## Build .venv and find or install a browser

demo: $(READY) ## Everything at once, with demo data: database, web, worker; Ctrl-C stops it
	@ENVIRONMENT=demo $(PY) deploy/demo.py

run: migrate ## The web server alone, reloading on change (migrates first)
	@$(MANAGE) runserver 127.0.0.1:$(PORT) $(ARGS)

worker: $(READY) ## The worker alone
	@exec $(MANAGE) worker $(ARGS)

migrate: $(READY) ## Create the database, migrate it and apply the row policies
	@$(PY) -m config.postgres start
	@$(MANAGE) migrate --no-input --verbosity 1
	@$(MANAGE) rls_apply
	@$(MANAGE) load_content

seed: migrate ## Fill the database with demo data; safe to repeat
	@$(MANAGE) seed_demo

shell: $(READY) ## A Python shell inside the product
	@$(MANAGE) shell $(ARGS)

test: $(READY) $(BROWSER) ## The whole suite, with a real database, worker and browser
	@$(PY) -m pytest -n 2 --dist loadgroup -m "not bench" $(ARGS)

torture: $(READY) $(BROWSER) ## Hostile conditions, at length
	@CERTAOS_TRIALS=long $(PY) -m pytest -n 2 --dist loadgroup -m "torture or control" --timeout 1800 $(ARGS)

bench: $(READY) ## Measurements
	@CERTAOS_CLUSTER=bench $(PY) -m pytest -m bench -p no:randomly $(ARGS)

smoke: $(READY) $(BROWSER) ## The whole journey against a running stack: make smoke BASE_URL=http://...
	@$(PY) -m tests.smoke $(if $(BASE_URL),--base-url $(BASE_URL)) $(ARGS)

check: $(READY) ## Everything that judges the code without running the tests
	$(PY) -m ruff check $(CODE)
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PY) -m djlint templates platform --check --lint --quiet
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check

format: $(READY) ## Put code and templates into shape
	@$(PY) -m ruff check --fix $(CODE)
	@$(PY) -m ruff format $(CODE)
	@$(PY) -m djlint templates platform --reformat --quiet

messages: $(READY) ## Compile the Spanish of every room; the tests name what is not translated
	@$(MANAGE) compilemessages --locale es --ignore .venv --ignore .local

clean: ## Stop everything and remove the data; .venv stays
	@if [ -x $(PY) ]; then $(PY) deploy/demo.py --stop; $(PY) -m config.postgres destroy; fi
	@rm -rf .local
