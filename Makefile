# What .ci/run runs, and what a contributor runs. `make PYTHON=path/to/python TARGET` picks another Python.
PYTHON ?= python
export PATH := $(dir $(shell command -v $(PYTHON))):$(PATH)
KERNELS = $(wildcard kernels/*/*.hpp kernels/*/*.cpp)
SANITIZE = build/sanitize
# The compilers of `make clang` and `make arm`; any other by `make CLANG=clang++-19 clang`.
CLANG ?= clang++
ARM ?= $(if $(shell command -v aarch64-linux-gnu-g++),aarch64-linux-gnu-g++,$(PYTHON) -m ziglang c++ -target aarch64-linux-musl)
comma := ,
empty :=
list = $(subst $(empty) $(empty),;,$(strip $(1)))

.PHONY: install develop test fuzz lint types format sanitize clang arm bench

install:
	$(PYTHON) -m pip install ".[test,dev]"

# The package from this tree: an edit in src/ needs nothing, one in kernels/ another `make develop`,
# which compiles again what it touches. The build folder stays. `make SETS=avx2 develop` compiles one
# of the three instruction sets, in a third of the time.
SETS ?= all
develop:
	$(PYTHON) -c "import scikit_build_core, nanobind, ninja" 2>/dev/null || \
	    $(PYTHON) -m pip install --quiet "scikit-build-core>=0.10" "nanobind>=2.4" ninja cmake
	$(PYTHON) -m pip install --quiet --no-build-isolation --no-deps --editable . \
	    -C build-dir=build/develop -C editable.mode=redirect \
	    -C cmake.define.LETHE_INSTRUCTION_SETS="$(SETS)"

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
