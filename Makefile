# What .ci/run runs, and what a contributor runs. `make PYTHON=path/to/python TARGET` picks another Python.
PYTHON ?= python
export PATH := $(dir $(shell command -v $(PYTHON))):$(PATH)
KERNELS = $(wildcard kernels/*/*.hpp kernels/*/*.cpp)
SANITIZE = build/sanitize

.PHONY: install test lint types format sanitize bench

install:
	$(PYTHON) -m pip install ".[test,dev]"

test:
	$(PYTHON) -m pytest

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	clang-format --dry-run -Werror $(KERNELS)

# The installed package is checked, because it holds the compiled module's stub.
types:
	$(PYTHON) -m mypy -p lethe

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	clang-format -i $(KERNELS)

bench:
	$(PYTHON) -m lethe bench

# The kernel's tests under AddressSanitizer and UBSan, in an environment of its own.
sanitize:
	$(PYTHON) -m venv $(SANITIZE)/venv
	$(SANITIZE)/venv/bin/python -m pip install --quiet pytest hypothesis "numpy>=1.26" "rich>=13"
	$(SANITIZE)/venv/bin/python -m pip install . --no-deps --force-reinstall \
	    -C cmake.define.LETHE_SANITIZE=ON -C build-dir=$(SANITIZE)/cmake
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so) \
	    $$(gcc -print-file-name=libstdc++.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	    $(SANITIZE)/venv/bin/python -m pytest --capture=no $(wildcard tests/core/test_kernel*.py tests/core/test_network*.py)
