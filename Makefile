# `make train` and `make test` work on a fresh machine: each first sets up what it needs in .venv, once.

PYTHON = .venv/bin/python
INSTALL = $(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Machines that have the data sets beside the clone need not download them.
ifndef STRIATE_DATA
ifneq ($(wildcard ../shared/data/.),)
export STRIATE_DATA := $(CURDIR)/../shared/data
endif
endif

.PHONY: help train test lint browser

help: ## say what there is to make (the default)
	@sed -n 's/^\([a-z]*\):.* ## /  make \1	/p' Makefile

train: .venv/striate ## train LeNet-5 on the digits that come with Striate, print its score, write a report
	.venv/bin/striate train mnist5k --model lenet5

test: lint browser ## check style and types, then run every test
	STRIATE_REQUIRE_BROWSER=1 $(PYTHON) -m pytest -n 2

lint: .venv/striate-dev ## check style and types only
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

# The report is tested in a real browser, with the letters of Korean.
browser:
	@for name in chromium chromium-browser google-chrome chrome; do \
	    if command -v $$name > /dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install chromium fonts-noto-cjk; \
	else \
	    echo "The tests need Chromium on the PATH. On Debian: sudo apt-get install chromium fonts-noto-cjk" >&2; \
	    exit 1; \
	fi

# Empty files that say what is installed; newer settings install it again.
.venv/striate: .venv/made pyproject.toml constraints.txt
	$(INSTALL) -e .
	@touch $@

.venv/striate-dev: .venv/made pyproject.toml constraints.txt
	$(INSTALL) -e '.[dev]'
	@touch .venv/striate $@

.venv/made:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	    if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
	        echo "Setting up .venv with $$python"; \
	        $$python -m venv .venv && touch $@; exit; \
	    fi; \
	done; \
	echo "Striate needs Python 3.11 or later, with venv. On Debian: sudo apt-get install python3-venv" >&2; \
	exit 1
