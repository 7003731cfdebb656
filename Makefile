# Each target is one readable line and sets up what it needs. On a bare machine: `make demo`, `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test unit acceptance console screenshots crash lint format bench lock build docs clean
bin := .venv/bin/
run := $(bin)python -m pytest -q
# half of a test's time is waiting, for processes to start and for disks
workers ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 2)

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14
setup:  ## .venv with everything
	@scripts/venv dev
demo:  ## watch the whole chain happen for real
	@scripts/venv run && $(bin)tidegate demo
up:  ## start the cloud on 127.0.0.1:4599
	@scripts/venv run && $(bin)tidegate up
test: lint  ## rules, types, arrows and every test that runs on this machine
	$(run) -n $(workers) tests
unit: setup  ## pure tests, in seconds
	$(run) -n $(workers) tests/unit
acceptance: setup  ## official SDKs against a started cloud
	$(run) -n $(workers) tests/acceptance
console: setup  ## the console in a real Chromium: the tutorial by mouse, accessibility
	@scripts/browser && TIDEGATE_BROWSER=1 $(run) tests/console
screenshots: setup  ## a picture of every page, in both languages and three widths, into build/screenshots and the docs
	@scripts/browser && TIDEGATE_BROWSER=1 TIDEGATE_SCREENSHOTS=build/screenshots $(run) tests/console/test_looks.py
	@for language in en zh-CN; do for page in timeline redis-r; do \
	cp build/screenshots/$$page-$$language-1440.png docs/images/console-$${page%-r}-$$language.png; done; done
crash: setup  ## kill -9 at every named point, restart, converge
	TIDEGATE_CRASH_POINTS=all $(run) -n $(workers) tests/crash
lint: setup  ## format, rules, types, arrows
	$(bin)ruff format --check . && $(bin)ruff check . && $(bin)mypy && $(bin)lint-imports
format: setup  ## make it look right
	$(bin)ruff format . && $(bin)ruff check --fix .
bench: setup  ## ratios measured in one sitting, into bench/results
	@for file in bench/*.py; do echo "== $$file"; $(bin)python $$file || exit 1; done
docs: setup  ## write the generated reference pages
	$(bin)python -m tidegate.docs
lock: setup  ## resolve the dependencies anew
	scripts/lock
build: setup  ## a wheel
	$(bin)python -m uv build --wheel --out-dir dist
clean:  ## remove what setup and builds made
	rm -rf .venv dist .mypy_cache .ruff_cache .hypothesis
