# Everything happens in one virtual environment, .venv, made as needed. `make` alone lists the commands.

PORT ?= 8000
ENVIRONMENT ?= sandbox
BUNDLE ?= model_artifacts
PYTHON := .venv/bin/python
RUN_STAMP := .venv/.installed-to-run
SETUP_STAMP := .venv/.installed-to-develop
RUN_LISTS := lambda_src/requirements-local.txt lambda_src/requirements.txt
# Files are compiled when they are first imported, which halves the time of an install.
PIP := $(PYTHON) -m pip install --no-compile --disable-pip-version-check --quiet --retries 1 --timeout 20

# What is imported is kept compiled, whatever the shell says: cdk's modules alone take 3 s to compile.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run setup test lint train-smoke synth rehearse lock publish-model clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1   \2/p' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## start everything on this machine (PORT=8000); the first time installs what that needs
	@$(PYTHON) -m lambda_src.local run --port $(PORT)

setup: $(SETUP_STAMP) ## install everything for development

test: $(SETUP_STAMP) ## linters, types and tests, after `setup`
	@echo "== ruff"   && $(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check .
	@echo "== mypy"   && $(PYTHON) -m mypy
	@echo "== pytest" && OCT_SOAK_SCANS=$${OCT_SOAK_SCANS:-200} $(PYTHON) -m pytest

lint: $(SETUP_STAMP) ## linters and types alone
	@$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check . && $(PYTHON) -m mypy

train-smoke: $(SETUP_STAMP) ## phantoms to bundle in a few minutes, by the same path as the real training
	@rm -rf .cache/smoke
	@$(PYTHON) -m training.train --smoke --out .cache/smoke/bundle --checkpoints .cache/smoke/checkpoints

synth: $(SETUP_STAMP) ## the AWS templates of an environment (ENVIRONMENT=sandbox), both rule packs checked, in cdk.out
	@PATH="$(CURDIR)/.venv/bin:$$PATH" cdk synth --quiet -c environment=$(ENVIRONMENT)

rehearse: $(SETUP_STAMP) ## image, runtime, deploy, use, promotion and destroy, all on this machine; as root, installs what it needs
	@$(PYTHON) -m tests.rehearsal

lock: $(RUN_STAMP) ## write the serving image's hashed list of packages anew, after a change of the lists that it is made from
	@$(PYTHON) -m infra.lock

publish-model: $(RUN_STAMP) ## put a bundle (BUNDLE=model_artifacts) into the model bucket (BUCKET=...); prints the name to deploy
	@$(PYTHON) -m lambda_src publish-model --bundle $(BUNDLE) --bucket $(BUCKET)

clean: ## remove .venv and caches; scans and findings in .local stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache cdk.out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON):
	@for candidate in python3.11 python3.12 python3; do \
	  if $$candidate -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then \
	    echo "Making .venv with $$candidate."; exec $$candidate -m venv .venv; \
	  fi; \
	done; \
	echo "Python 3.11 or 3.12 with its venv module was not found. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1

$(RUN_STAMP): $(RUN_LISTS) | $(PYTHON)
	@echo "Installing what runs here into .venv: no account, no GPU, no torch."
	@$(PIP) -r lambda_src/requirements-local.txt >.venv/install.log 2>&1 || { $(call no_install); }
	@touch $@

$(SETUP_STAMP): requirements.txt $(RUN_LISTS) | $(PYTHON)
	@echo "Installing everything for development into .venv: about 2 GB, most of it torch."
	@$(PIP) -r requirements.txt >.venv/install.log 2>&1 || { $(call no_install); }
	@touch $(RUN_STAMP) $@

define no_install
	echo "The packages could not be installed; is there a network? What pip said is in .venv/install.log" >&2; exit 1
endef
