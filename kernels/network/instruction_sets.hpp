// The instruction sets that this build holds, from the narrowest to the widest: LETHE_EACH_SET(DO)
// is DO(baseline) DO(avx2) DO(avx512), less what CMake's LETHE_INSTRUCTION_SETS leaves out.
#pragma once

#if defined(LETHE_HAS_baseline)
#define LETHE_IF_BASELINE(DO) DO(baseline)
#else
#define LETHE_IF_BASELINE(DO)
#endif
#if defined(LETHE_HAS_avx2)
#define LETHE_IF_AVX2(DO) DO(avx2)
#else
#define LETHE_IF_AVX2(DO)
#endif
#if defined(LETHE_HAS_avx512)
#define LETHE_IF_AVX512(DO) DO(avx512)
#else
#define LETHE_IF_AVX512(DO)
#endif
#define LETHE_EACH_SET(DO) LETHE_IF_BASELINE(DO) LETHE_IF_AVX2(DO) LETHE_IF_AVX512(DO)
