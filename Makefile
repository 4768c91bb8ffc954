# Everything sets itself up: a machine with Python 3.11 or newer, make and pip needs no other step.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run demo test contract browser postgres prometheus readme service man words faults fuzz lint bench wheel constraints clean

run: $(READY)  ## watch ./var/inbox, alerts on the console
	@$(BIN)/topicwired run $(ARGS)

demo: $(READY)  ## the same on a scratch home with shipped articles; ends by itself
	@$(BIN)/topicwired demo

test: $(READY)  ## all tests that CI runs; many of them wait, so more at once than there are cores
	$(BIN)/pytest --numprocesses 3 --dist worksteal $(ARGS)

contract: $(READY)  ## set up the programs nobody here wrote that check what we send (npm); says so if it cannot
	@$(BIN)/python -m tests.contract.peers

browser: $(READY)  ## set up the browser that the tests of the desk use (Debian's Chromium); says so if it cannot
	@$(BIN)/python -m tests.browser.chromium

postgres: $(READY)  ## set up the PostgreSQL that tests start (Debian's); says so if it cannot
	@$(BIN)/python -m tests.postgres

prometheus: $(READY)  ## set up the Prometheus that tests start (Debian's); says so if it cannot
	@$(BIN)/python -m tests.prometheus

readme: $(READY)  ## run the commands of README.md as they are printed, from its top, in a copy
	@$(BIN)/python -m tests.readme

service: $(READY)  ## run the tests inside the limits of the unit, in a systemd of their own (root, cgroup2)
	@$(BIN)/python -m tests.under_systemd $(ARGS)

man: $(READY)  ## write the manual pages anew from the help and the shipped configuration
	@$(BIN)/topicwired manual systemd/man

words: $(READY)  ## take the desk's words out of its templates and code into the catalogues of its languages
	@$(BIN)/python -m tests.desk_words

faults: $(READY)  ## break it on purpose, in full: a table of cases and faults (strace, root for small disks)
	@$(BIN)/python -m tests.faults $(ARGS)

fuzz: $(READY)  ## atheris on all that reads files, a line for each; ARGS="ENTRY… --seconds N --jobs J"
	@$(BIN)/python -c 'import atheris' 2> /dev/null \
	    || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r tests/fuzz/constraints.txt
	@$(BIN)/python -m tests.fuzz $(ARGS)

lint: $(READY)  ## style, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## speed as ratios to scikit-learn and a naive daemon; ARGS="PART…" (million: ten minutes more)
	@$(BIN)/python -m tests.bench $(ARGS)

wheel: $(READY)  ## build the wheel and try it in a bare environment outside the checkout
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist . > /dev/null
	$(BIN)/python -m tests.bare_wheel dist

constraints:  ## resolve the newest allowed versions again, with hashes (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	    --extra dev --extra report --extra apprise --extra postgres --extra dask --extra s3 pyproject.toml --output-file constraints.txt
	echo 'atheris>=3,<3.1' | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate - --output-file tests/fuzz/constraints.txt

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "topicwire needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r constraints.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
