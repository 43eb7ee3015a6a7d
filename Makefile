# Tradespace's commands. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
SETUP  := $(VENV)/.installed
SIGOPT := .venv-sigopt/.installed
# uv brings certificates of its own; those of the system also know a proxy in between.
COMPILE = $(UV) pip compile --system-certs --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"
# Other optimizers that `make bench-peers` runs, each in an environment of its own (benchmarks/peers/environments.py).
PEERS = ax botorch openbox optuna pymoo sigoptlite smac

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# -- the environment ------------------------------------------------------------------------------------------------
# pip checks every hash of the lock; our own two distributions are then laid in as they stand.
$(SETUP): locks/dev.lock pyproject.toml sdk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tradespace needs Python 3.11 or newer; say which: make PYTHON=python3.11 ...")'
	@echo "Making $(VENV) from locks/dev.lock: a minute or two, this once ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r locks/dev.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e . -e sdk
	@touch $@

# The sigopt client pins an old urllib3, so it lives in an environment of its own.
$(SIGOPT): locks/sigopt.lock
	@echo "Making .venv-sigopt for the sigopt client ..."
	@test -x .venv-sigopt/bin/python || $(PYTHON) -m venv .venv-sigopt
	@.venv-sigopt/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r locks/sigopt.lock
	@touch $@

.PHONY: install lock
install: $(SETUP) ## Make .venv from the lock file
lock: $(SETUP) ## Write the lock files anew (add ARGS=--upgrade for newer versions)
	$(COMPILE) pyproject.toml sdk/pyproject.toml --all-extras --group dev --group examples -o locks/dev.lock $(ARGS)
	$(COMPILE) pyproject.toml --all-extras -c locks/dev.lock -o locks/server.lock $(ARGS)
	$(COMPILE) locks/build.in -c locks/dev.lock -o locks/build.lock $(ARGS)
	$(COMPILE) locks/sigopt.in -o locks/sigopt.lock $(ARGS)
	$(foreach peer,$(PEERS),$(COMPILE) locks/peers-$(peer).in -o locks/peers-$(peer).lock $(ARGS) &&) true

.PHONY: migration
migration: $(SETUP) ## Write a migration from the models' changes (M="what changes")
	$(BIN)/python -c 'import sys, tempfile; from service import migrations; from service.db import Database; db = Database("sqlite:///" + tempfile.mkdtemp() + "/m.db"); migrations.upgrade(db.engine); migrations.revision(db.engine, sys.argv[1])' "$(M)"
	$(BIN)/ruff format -q service/migrations

OPENAPI := docs/contracts/openapi.json
.PHONY: openapi
openapi: $(SETUP) ## Write docs/contracts/openapi.json from the code
	@$(BIN)/python -c 'from service.api import openapi; from service.app import create_app; from service.settings import Settings; print(openapi.as_text(create_app(Settings(database_url="postgresql://nowhere/none"))), end="")' > $(OPENAPI).new
	@mv $(OPENAPI).new $(OPENAPI)

# -- running it -------------------------------------------------------------------------------------------------------
.PHONY: demo
demo: $(SETUP) ## The whole journey on real data (ARGS=--once: ends by itself; ARGS=--help: the rest)
	@$(BIN)/python examples/digits/demo.py $(ARGS)

.PHONY: serve
serve: $(SETUP) ## The whole system on this machine, its data in var/ (Ctrl-C ends it)
	@$(BIN)/tradespace up --port 8321 --data var $(ARGS)

# -- checking it ------------------------------------------------------------------------------------------------------
.PHONY: test
test: $(SETUP) $(SIGOPT) ## The whole suite, on SQLite, PostgreSQL, Valkey and in Chromium (ARGS=... go to pytest)
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

.PHONY: check check-locks
check: $(SETUP) check-locks ## What needs no test to be seen: style, types, the import law, fresh lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd examples/digits && MYPYPATH=../../sdk/src ../../$(BIN)/mypy --config-file ../../pyproject.toml *.py
	$(BIN)/lint-imports

.PHONY: fuzz
fuzz: $(SETUP) ## Send the API what its document allows, and what it does not, for a while (ARGS=... go to pytest)
	@$(BIN)/pytest tests/contracts/openapi_fuzz.py -s --timeout 3600 $(ARGS)

# Resolved anew beside what is locked, which is kept where it still fits: a difference is a dependency that was changed
# without `make lock`, never a newer version.
check-locks: $(SETUP)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	&& tar cf - pyproject.toml sdk/pyproject.toml locks | tar xf - -C "$$folder" \
	&& $(MAKE) --no-print-directory --silent -C "$$folder" -f "$(CURDIR)/Makefile" lock SETUP= ARGS= UV="$(CURDIR)/$(UV)" \
	&& diff -ru locks "$$folder/locks" && echo "The lock files are fresh." \
	|| { echo "The lock files do not fit pyproject.toml: run make lock"; exit 1; }

.PHONY: image-check
image-check: $(SETUP) ## What can be seen of docker/ without an engine; needs Docker's or Debian's compose
	@$(BIN)/pytest tests/docker/image_check.py $(ARGS)

# -- measuring it -----------------------------------------------------------------------------------------------------
.PHONY: bench bench-load bench-peers bench-speed
bench: $(SETUP) ## Quality and speed of the suggestions, into docs/benchmarks (ARGS="--seeds 15": more of them)
	@$(BIN)/python -m benchmarks.peers.bench $(ARGS)

bench-load: $(SETUP) ## The whole system at 200 requests a second, into docs/benchmarks (ARGS=--quick: a try, ARGS=--help)
	@$(BIN)/python -m benchmarks.load.run $(ARGS)

bench-speed: $(SETUP) ## What a suggestion costs beside Optuna's GPSampler, into docs/benchmarks (ARGS=--quick: a try)
	@$(BIN)/python -m benchmarks.speed.peers $(ARGS)

bench-peers: $(SETUP) ## Other optimizers beside ours, in the background (ARGS=--table: what is there; ARGS=--help)
	@$(BIN)/python -m benchmarks.peers.run --background $(ARGS)
