# Every command of the project; plain `make` lists them.
# A machine needs python3 (3.11 or later), make and a package index, nothing else.

PYTHON ?= python3
CHROMIUM ?= $(firstword $(shell command -v chromium chromium-browser google-chrome 2>/dev/null))
FAULTS_N ?= 200
PATREVIEW_REAL ?= var/real
VENV := .venv
PY := $(VENV)/bin/python
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The caller's shell must not decide which code or settings run here.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONSTARTUP PYTHONWARNINGS DJANGO_SETTINGS_MODULE
unexport PYTEST_ADDOPTS PYTEST_PLUGINS GUNICORN_CMD_ARGS COVERAGE_FILE PATREVIEW_REAL

# Where make finds a variable on its command line it exports it: PORT=, HOST=, PATREVIEW_DATA=.
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --no-user --quiet --quiet --require-hashes
DEPLOY := PATREVIEW_ENV=production DEBUG=0 ALLOWED_HOSTS=patreview.example.org \
  DATABASE_URL=postgres://nobody@localhost/none REDIS_URL=redis://localhost/0

.PHONY: help run test test-real check e2e screenshots faults fuzz hostile bench docs lock clean

help: ## list these commands
	@echo 'patreview: make COMMAND'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1@\2/p' Makefile | awk -F@ '{printf "%-14s%s\n", $$1, $$2}'
	@echo 'Variables: PORT=8000 HOST=127.0.0.1 PATREVIEW_DATA=./var DATABASE_URL= REDIS_URL= PATREVIEW_REAL=./var/real PYTHON=python3'

run: $(VENV)/.server ## the whole service on this machine, http://127.0.0.1:8000/ (PORT= for another); Ctrl-C stops it
	@exec $(PY) -m patreview.supervisor

test: $(VENV)/.dev ## all tests that need no browser; on PostgreSQL and Redis with DATABASE_URL= REDIS_URL=
	$(PY) -m pytest -n 2 --dist loadfile --ignore=tests/e2e

test-real: $(VENV)/.dev ## the readers on packages of Debian 12, fetched by apt and not installed (PATREVIEW_REAL= folder)
	PATREVIEW_REAL='$(PATREVIEW_REAL)' $(PY) -m pytest tests/real

check: $(VENV)/.dev ## style, types, import contracts, migrations, deployment settings, coverage
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(DEPLOY) SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))') \
	  $(PY) manage.py check --deploy --fail-level WARNING
	$(PY) -m pytest -n 2 --dist loadfile --ignore=tests/e2e --cov=simulator --cov=patreview --cov-branch --cov-report=
	$(PY) -m coverage report --include='simulator/*' --show-missing --skip-covered --fail-under=100
	$(PY) -m coverage report --include='patreview/*' --show-missing --skip-covered --fail-under=95

e2e: need-chromium $(VENV)/.e2e ## the browser walk (Chromium by CHROMIUM=, found on PATH)
	CHROMIUM='$(CHROMIUM)' $(PY) -m pytest tests/e2e

screenshots: need-chromium $(VENV)/.e2e ## pictures of the pages, light and dark, wide and narrow
	CHROMIUM='$(CHROMIUM)' $(PY) -m tests.e2e.screenshots

faults: $(VENV)/.dev ## kill and wipe parts of a running service: nothing lost, nothing twice (FAULTS_N=200)
	FAULTS_N=$(FAULTS_N) $(PY) -m tests.faults

fuzz: $(VENV)/.dev ## every reader of files with inputs that nobody meant (FUZZ_S=60 FUZZ_SEED= FUZZ_IMAGES=)
	$(PY) -m tests.fuzz

hostile: $(VENV)/.dev ## hostile files sent to a running service: a reason for each, and nothing falls
	$(PY) -m tests.hostile

bench: $(VENV)/.dev ## how fast the engine and the pages are, as ratios measured in one run
	$(PY) -m tests.perf

docs: $(VENV)/.dev ## write docs/rules.md and the tables of docs/memory-types.md from the engine
	$(PY) docs/generate.py

lock: ## pin every package again with uv, from pyproject.toml
	uv pip compile --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate --upgrade \
	  --extra server pyproject.toml -o requirements/server.txt
	uv pip compile --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate \
	  --extra server --group test --group lint -c requirements/server.txt pyproject.toml -o requirements/dev.txt
	uv pip compile --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header --no-annotate \
	  --extra server --group test --group lint --group e2e -c requirements/dev.txt pyproject.toml -o requirements/e2e.txt

clean: ## remove the environment and everything generated, but no data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: need-chromium
need-chromium:
	@[ -x "$(CHROMIUM)" ] || { echo 'make: no Chromium found: apt install chromium, or name one: CHROMIUM=/usr/bin/chromium' >&2; exit 1; }

# The environment: a stamp for each lock file, so that a later start costs nothing.
define refuse
{ echo "make: $(1)" >&2; exit 1; }
endef

$(VENV)/bin/python:
	@command -v '$(PYTHON)' >/dev/null || $(call refuse,$(PYTHON) was not found; name a Python of 3.11 or later: make PYTHON=python3.12)
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  $(call refuse,$(PYTHON) is $$('$(PYTHON)' --version 2>&1); 3.11 or later is needed: make PYTHON=python3.12)
	@[ -w . ] || $(call refuse,no right to write into $(CURDIR): the environment is made there as $(VENV))
	@'$(PYTHON)' -c 'import venv, ensurepip' 2>/dev/null || \
	  $(call refuse,this Python cannot make environments: its venv and ensurepip modules are missing. Debian and Ubuntu: apt install python3-venv (or the one of that version, such as python3.11-venv))
	@echo 'make: making $(VENV) (once)'
	@rm -rf $(VENV)
	@'$(PYTHON)' -m venv $(VENV) || { rm -rf $(VENV); $(call refuse,the environment could not be made: the reason is above); }

$(VENV)/.%: requirements/%.txt $(VENV)/bin/python
	@echo 'make: installing $(words $(shell grep -o '^[a-z0-9][^ ]*==' $<)) pinned packages of $< (once)'
	@$(PIP) -r $< || $(call refuse,the packages of $< could not be installed: the reason is above. A proxy or another index is set as for any pip: PIP_INDEX_URL= HTTPS_PROXY=)
	@touch $@
