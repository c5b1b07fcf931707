# ARM on Linux. LETHE_ARM_CXX is the compiler, a list with its first arguments; `make arm` names
# Debian's g++-aarch64-linux-gnu, or, where that is missing, the Clang in the package ziglang.
# Programs are linked statically, to run under qemu-aarch64 without a library of ARM's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LETHE_ARM_CXX)
set(CMAKE_CXX_COMPILER ${LETHE_ARM_CXX})
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
find_program(QEMU NAMES qemu-aarch64-static qemu-aarch64)
if(QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU})
endif()
