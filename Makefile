# The two commands that matter: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests of several files at once, long ones (the browser) first; each worker of pytest has a database and a queue of its own.
TEST_WORKERS ?= 3
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help run test check format types bench lock clean setup setup-dev chromium

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.locked ## Install, start everything and print the address (DEMO=1: with demo data; Ctrl-C stops)
	@exec $(BIN)/python manage.py run $(if $(DEMO),--demo)

test: setup-dev chromium ## Install what tests need and run the whole suite (TESTS=tests/services for a part)
	@$(BIN)/pytest $(TESTS) -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: setup-dev ## Format check, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@PYTHONPATH=. $(BIN)/lint-imports

format: setup-dev ## Format the code
	@$(BIN)/ruff format .

bench: setup-dev ## Measure with 100,000 and 1,000,000 generated loans (BENCH_ARGS='--loans 100000' for a part)
	@$(BIN)/python -m tests.bench $(BENCH_ARGS)

setup: $(VENV)/.locked ## Make the environment that Recoup runs in

setup-dev: $(VENV)/.locked-dev

lock: setup-dev ## Pin what the requirements files name (UPGRADE=1: to the newest versions)
	@set -e; for name in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
			$(if $(UPGRADE),--upgrade) $$name.in -o $$name.txt; done

clean: ## Remove caches (never data, never the environment)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# --- environment: made once, installed again only when a lock changed ----------------------------------------------

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Recoup needs Python 3.11 or newer: install it, or name it with PYTHON=/path/to/python3." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks venv: install it (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "Making the environment in $(VENV) ..."
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "The environment could not be made in $(VENV): see above." >&2; exit 1; }

# A stamp holds the lock's checksum: a checkout that only touches files installs nothing, and may be read-only.
$(VENV)/.locked: requirements.txt $(VENV)/bin/python
	@sum=$$(cksum < requirements.txt); \
	if [ "$$(cat $@ 2>/dev/null)" = "$$sum" ]; then touch $@ 2>/dev/null || true; \
	else \
		$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV) || exit 1; \
		echo "Installing what Recoup runs on (once; takes a few minutes on a slow line) ..."; \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt || { \
			echo "The requirements could not be installed: see above." >&2; exit 1; }; \
		echo "$$sum" > $@; \
	fi

$(VENV)/.locked-dev: requirements-dev.txt $(VENV)/.locked
	@sum=$$(cat requirements.txt requirements-dev.txt | cksum); \
	if [ "$$(cat $@ 2>/dev/null)" = "$$sum" ]; then touch $@ 2>/dev/null || true; \
	else \
		echo "Installing what tests and checks need ..."; \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt -r requirements-dev.txt || { \
			echo "The requirements could not be installed: see above." >&2; exit 1; }; \
		echo "$$sum" > $@; \
	fi

chromium: # browser tests drive the system's Chromium
	@.ci/chromium
