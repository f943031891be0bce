# `make` teaches; `make demo` and `make test` set everything up by themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
RUNTIME_VENV := .venv-runtime
BIN := $(VENV)/bin
TORCH := torch==2.13.0
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu
METADRIVE := metadrive-simulator==0.4.3
BASELINE_SEEDS := training:0-15
BASELINE_EPOCHS := 10
NOVICE_SEEDS := training:0-3
NOVICE_EPOCHS := 24
AGENTS_SEEDS := training:200-203
AGENTS_LONG_SEEDS := training:200-201
AGENTS_EPOCHS := 12
# nproc minds OMP_NUM_THREADS, which is about threads of one process
WORKERS ?= $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || echo 2)
# The first Python 3.10-3.12 that runs; `make demo PYTHON=/path/to/python3.12` overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$p && break; done)

# The versions that were tested (make CONSTRAINTS= takes the newest that pyproject.toml allows instead).
CONSTRAINTS ?= $(wildcard constraints/python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null).txt)
PINNED := $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
ifneq ($(CONSTRAINTS),)
export PIP_CONSTRAINT := $(abspath $(CONSTRAINTS)) # for the environments in which wheels are built as well
endif

export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONDONTWRITEBYTECODE # each process of the tests would compile them and the package anew

.PHONY: help demo test test-runtime check lint baseline novice agents bench clean venv

help: ## what can be made
	@echo "takead_ros: turn every takeover into a better driving policy"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24
	@echo "Python used: $(or $(PYTHON),none found; Python 3.10, 3.11 or 3.12 is needed) (override with PYTHON=...)"

demo: $(VENV)/.ready-demo ## the whole loop, small: drive, be taken over, learn, compare (about 10 minutes on 2 cores)
	@$(BIN)/takead demo --out runs/demo --workers $(WORKERS)

test: $(VENV)/.ready-dev $(RUNTIME_VENV)/.ready ## every test (8 to 13 minutes on 2 cores)
	@echo "== test: runs every test on $(WORKERS) cores; 8 to 13 minutes on 2 cores"
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q

test-runtime: $(VENV)/.ready-dev $(RUNTIME_VENV)/.ready ## only: an installation without torch drives and records
	$(BIN)/python -m pytest -q test/cli/test_runtime_install.py

check: $(VENV)/.ready-dev ## lint, types and the fast tests (about a minute on 2 cores): before every commit
	$(BIN)/ruff check -q .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -q -m "not slow and not network"

lint: $(VENV)/.ready-dev ## ruff and mypy over the whole tree (about a minute)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

novice: $(VENV)/.ready-demo ## rebuild models/novice.onnx, a clone of 24 drives, in MetaDrive (about 10 minutes)
	@echo "== novice: the expert demonstrates on training seeds, a policy is cloned from it, exported and verified"
	$(BIN)/takead drive --model expert --suite demo --seeds $(NOVICE_SEEDS) --record all \
		--bags runs/novice/demonstrations --workers $(WORKERS)
	[ -f runs/novice/novice.pt ] || $(BIN)/takead train bc runs/novice/demonstrations \
		--out runs/novice/novice.pt --name novice --epochs $(NOVICE_EPOCHS) --threads 1 --workers $(WORKERS)
	$(BIN)/takead export runs/novice/novice.pt --out models/novice.onnx --overwrite
	$(BIN)/takead model verify models/novice.onnx

baseline: $(VENV)/.ready-demo ## rebuild models/baseline.onnx, the clone of 22 families, in the vector world (about 20 minutes)
	@echo "== baseline: the expert demonstrates the suite known, a policy is cloned from its perfect drives, exported and verified"
	[ -f runs/baseline/demonstrations.json ] || $(BIN)/takead drive --model expert --sim vector --suite known \
		--seeds $(BASELINE_SEEDS) --record all --bags runs/baseline/demonstrations --workers $(WORKERS) \
		--json runs/baseline/demonstrations.json
	[ -f runs/baseline/baseline.pt ] || $(BIN)/takead train bc runs/baseline/demonstrations --perfect runs/baseline/demonstrations.json \
		--thin-standing --change-weight 2 --epochs $(BASELINE_EPOCHS) --threads 1 --workers $(WORKERS) \
		--name baseline --out runs/baseline/baseline.pt
	$(BIN)/takead export runs/baseline/baseline.pt --out models/baseline.onnx --overwrite
	$(BIN)/takead model verify models/baseline.onnx

agents: $(VENV)/.ready-demo ## rebuild models/agents.onnx, the model of road users (about 20 minutes)
	@echo "== agents: drives beside an ego that does not always do what its driver wants, a model of the others, verified"
	$(BIN)/python -m benchmarks.road_users.drives --suite core --seeds $(AGENTS_SEEDS) --bags runs/agents/drives \
		--workers $(WORKERS)
	$(BIN)/python -m benchmarks.road_users.drives --suite long --seeds $(AGENTS_LONG_SEEDS) --bags runs/agents/drives \
		--workers $(WORKERS)
	[ -f runs/agents/agents.pt ] || $(BIN)/takead train agents runs/agents/drives --out runs/agents/agents.pt \
		--epochs $(AGENTS_EPOCHS) --threads 1 --workers $(WORKERS)
	$(BIN)/takead export runs/agents/agents.pt --out models/agents.onnx --overwrite
	$(BIN)/takead model verify models/agents.onnx

bench: $(VENV)/.ready-dev ## throughput of the full stack against the bare simulator (about 3 minutes)
	$(BIN)/python benchmarks/loop.py --json runs/bench/loop.json

clean: ## remove the virtual environments and caches; runs/ stays
	rm -rf $(VENV) $(RUNTIME_VENV) build dist .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv: $(VENV)/.ready-dev ## only set up .venv with everything (2-5 minutes, about 2.5 GB)

# --- environments -----------------------------------------------------------------------------------------------

define require_python
	@if [ -z "$(PYTHON)" ]; then \
		echo "error: no Python 3.10, 3.11 or 3.12 found on PATH. Debian 12, Ubuntu 22.04, 24.04:" >&2; \
		echo "  sudo apt-get install python3 python3-venv" >&2; \
		echo "elsewhere install one (pyenv install 3.12, or uv python install 3.12), then make PYTHON=/path/to/python3.12" >&2; \
		exit 2; fi
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "error: $(PYTHON) has no venv module with pip. Debian, Ubuntu:  sudo apt-get install python3-venv" >&2; exit 2; }
endef

# $(1): the environment's python. The simulator declares Python <3.12 but runs on 3.12 (see pyproject.toml).
define install_simulator
	@if $(1) -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then \
		$(1) -m pip install -q --no-deps --ignore-requires-python $(METADRIVE); fi
endef

$(VENV)/bin/python:
	$(require_python)
	@echo "== set-up: makes $(VENV) with $(PYTHON) and installs the simulator, PyTorch (CPU) and takead_ros;"
	@echo "           2-5 minutes, about 2 GB, once"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: | $(VENV)/bin/python
	@echo "== PyTorch: trying the CPU build from $(TORCH_CPU_INDEX)"
	@$(BIN)/python -m pip install -q --retries 0 --timeout 10 --index-url $(TORCH_CPU_INDEX) $(TORCH) 2>/dev/null \
		|| { echo "== PyTorch: that index is out of reach; taking $(TORCH) from pip's own index"; \
			$(BIN)/python -m pip install -q $(TORCH); }
	@echo "== PyTorch: $$($(BIN)/python -c 'import importlib.metadata as m; print(m.version("torch"))') is installed"
	@touch $@

$(VENV)/.ready-demo: pyproject.toml $(CONSTRAINTS) $(VENV)/.torch
	@echo "== installing takead_ros with the simulator"
	@$(BIN)/python -m pip install -q $(PINNED) -e '.[sim,training]'
	$(call install_simulator,$(BIN)/python)
	@echo "== compiling kernels, so that nothing waits for them later (about a minute, once)"
	@$(BIN)/python -m takead_ros.compiled
	@touch $@

$(VENV)/.ready-dev: pyproject.toml $(VENV)/.ready-demo
	@echo "== installing the development tools"
	@$(BIN)/python -m pip install -q $(PINNED) -e '.[sim,training,dev,carla-server,export,video,ray,foxglove]'
	@touch $@

# What a vehicle computer has: the wheel and the simulator, no torch.
$(RUNTIME_VENV)/.dependencies: pyproject.toml $(CONSTRAINTS) | $(VENV)/.ready-dev
	@echo "== set-up: makes $(RUNTIME_VENV), an installation without PyTorch (about a minute, 1 GB, once)"
	@rm -rf $(RUNTIME_VENV) && $(BIN)/python -m venv $(RUNTIME_VENV)
	@$(RUNTIME_VENV)/bin/python -m pip install -q $(PINNED) '.[sim]'
	$(call install_simulator,$(RUNTIME_VENV)/bin/python)
	@touch $@

$(RUNTIME_VENV)/.ready: $(RUNTIME_VENV)/.dependencies $(shell find takead_ros training msg srv config models -type f -not -name '*.pyc' -not -path '*/__kernels__/*')
	@$(RUNTIME_VENV)/bin/python -m pip install -q --no-deps --force-reinstall .
	@touch $@
