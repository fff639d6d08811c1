# Everything a checkout needs: each target makes the virtual environment it runs in, once.
#
#   PYTHON=/path/to/python3   the interpreter to make .venv with (3.11 or later)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long test-beam test-cluster test-tpu lint docs bench clean

SHELL := bash
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := data,export,serve,perceptual,gcs,dev
# What cv2 and mediapipe load when they are imported, and the Debian package each is in.
LIBRARIES := libGL.so.1:libgl1 libEGL.so.1:libegl1 libGLESv2.so.2:libgles2 libglib-2.0.so.0:libglib2.0-0
APT := apt-get install -y --no-install-recommends libgl1 libegl1 libgles2 libglib2.0-0
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3)

# The interpreter is tried, not merely found: a version manager leaves shims on the PATH that exist and do not run, and
# Debian ships Python without the module that makes environments.
USABLE := import ensurepip, sys, venv; assert sys.version_info >= (3, 11)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.full ## .venv with everything, a check of the system libraries, the face detector, onnxruntime-web
	@missing=; for pair in $(LIBRARIES); do \
	  $(BIN)/python -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$${pair%%:*}" 2>/dev/null \
	    || missing="$$missing $${pair##*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "make: system packages missing:$$missing; run: $(APT)" >&2; exit 1; \
	fi
	@$(BIN)/python -m data_pipelines.faces.fetch \
	  || echo "make: without the face detector's models its tests are skipped, and fail where CI is set" >&2
	@$(BIN)/python -m mrsr.streaming.device.fetch \
	  || echo "make: pages of calls offer no enlargement in the browser; its tests are skipped, and fail where CI is set" >&2
	@echo "ready: $(BIN)/mrsr --help"

demo: $(VENV)/.core ## train, evaluate and enlarge the embedded sample: demo/ holds the result
	$(BIN)/mrsr demo

# Browsers are driven in a process of their own: the event loop of Playwright runs on until its process ends.
test: $(VENV)/.full ## the tests
	$(BIN)/python -m pytest tests/e2e
	$(BIN)/python -m pytest --ignore=tests/e2e

test-long: $(VENV)/.full ## the tests that take minutes each: training in several processes, in a bucket, killed
	$(BIN)/python -m pytest -m long

test-beam: .venv-beam/.made ## the builder of data sets as an Apache Beam pipeline, in an environment of its own
	.venv-beam/bin/python -m pytest tests/unit/data_pipelines/build tests/unit/data_pipelines/test_store.py

test-cluster: $(VENV)/.cluster ## the tests that start Ray (854 MB, installed into .venv)
	$(BIN)/python -m pytest tests/unit/streaming/test_cluster_ray.py -m ""

test-tpu: $(VENV)/.full .libtpu/.made ## the training step compiled for a TPU slice, by libtpu (213 MB, kept in .libtpu)
	TPU_LIBRARY_PATH=.libtpu/libtpu/libtpu.so $(BIN)/python -m pytest tests/unit/train/test_preflight.py

lint: $(VENV)/.full ## ruff, its formatter, mypy and the layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/.full ## the API reference, out of the docstrings, in docs/api
	$(BIN)/python docs/reference.py

bench: $(VENV)/.core ## parameters and FLOPs of every route, then their time on this machine
	$(BIN)/mrsr bench --flops-only
	$(BIN)/mrsr bench

clean: ## remove demo/, docs/api and what builds and tools left (.venv and runs/ stay)
	rm -rf demo build dist docs/api .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find mrsr data_pipelines experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that works is kept; half of one, left by an interruption, is made again.
$(VENV)/.made:
	@if $(BIN)/python -c '$(USABLE); import pip' >/dev/null 2>&1; then touch $@; exit; fi; \
	for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c '$(USABLE)' >/dev/null 2>&1; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
	  echo "make: no Python 3.11 or later with venv among: $(CANDIDATES); name one with PYTHON=..." \
	    "(Debian: apt-get install -y python3 python3-venv)" >&2; exit 1; \
	fi; \
	echo "making $(VENV) with $$python" && "$$python" -m venv --clear $(VENV) && touch $@

# A stamp is remade when the requirements or the pins change; what is installed by then is kept, so that is quick.
$(VENV)/.core: pyproject.toml constraints.txt | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.full: pyproject.toml constraints.txt | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@ $(VENV)/.core

$(VENV)/.cluster: $(VENV)/.full
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[cluster]"
	@touch $@

# Apache Beam needs an older protobuf than the pins.
.venv-beam/.made: pyproject.toml | $(VENV)/.made
	$(BIN)/python -m venv --clear .venv-beam
	.venv-beam/bin/python -m pip install --quiet --disable-pip-version-check -e ".[data,beam]" pytest
	@touch $@

# Beside the environment: where libtpu is installed JAX looks for a TPU at every start, and complains that there is none.
.libtpu/.made: constraints.txt | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps --upgrade --target .libtpu libtpu
	@touch $@
