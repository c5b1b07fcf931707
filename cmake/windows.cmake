# Windows on x86-64, by the Clang and the MinGW libraries in the package ziglang: `make windows`.
# LETHE_WINDOWS_CXX is the compiler, a list with its first arguments.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LETHE_WINDOWS_CXX)
set(CMAKE_CXX_COMPILER ${LETHE_WINDOWS_CXX})
find_program(WINE NAMES wine64 wine PATHS /usr/lib/wine)
if(WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${WINE})
endif()
