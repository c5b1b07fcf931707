// SIMD lanes and the functions on them: exponential, logistic function, reciprocal square root.
//
// A "lane" is one unit of the network. GCC's and Clang's vector types give the operators, so the
// formulas read like the equations; LETHE_ISA names the namespace, because this header is compiled
// once for each instruction set and the linker must not mix the results.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define LETHE_INLINE __attribute__((always_inline)) inline

namespace LETHE_ISA {

// The widest vectors that this instruction set has, in bytes.
#if defined(__AVX512F__)
constexpr int native_bytes = 64;
#elif defined(__AVX__)
constexpr int native_bytes = 32;
#else
constexpr int native_bytes = 16;
#endif
template <class T>
constexpr int native_lanes = native_bytes / static_cast<int>(sizeof(T));

template <class T, int W>
struct LanesOf {
  typedef T type __attribute__((vector_size(W * sizeof(T)), may_alias));
};
template <class T, int W>
using Lanes = typename LanesOf<T, W>::type;

template <class T>
struct IntegerOf;
template <>
struct IntegerOf<float> {
  using type = int32_t;
};
template <>
struct IntegerOf<double> {
  using type = int64_t;
};

template <int W, class T>
LETHE_INLINE Lanes<T, W> load(const T* from) {
  return *reinterpret_cast<const Lanes<T, W>*>(from);
}

template <int W, class T>
LETHE_INLINE void store(T* to, Lanes<T, W> value) {
  *reinterpret_cast<Lanes<T, W>*>(to) = value;
}

template <int W, class T>
LETHE_INLINE Lanes<T, W> broadcast(T value) {
  return value - Lanes<T, W>{};  // x - 0 keeps every bit of x, -0 included
}

// Into [-bound, bound]. NaN compares false and passes through, to be noticed later.
template <class T, int W>
LETHE_INLINE Lanes<T, W> clamp(Lanes<T, W> x, T bound) {
  const Lanes<T, W> high = broadcast<W>(bound);
  x = x > high ? high : x;
  return x < -high ? -high : x;
}

// Sum of all lanes, always in the same order: halves upon halves.
template <class T, int W>
LETHE_INLINE T sum(Lanes<T, W> x) {
  if constexpr (W == 2) {
    return x[0] + x[1];
  } else {
    Lanes<T, W / 2> low, high;
    std::memcpy(&low, &x, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&x) + sizeof low, sizeof high);
    return sum<T, W / 2>(low + high);
  }
}

template <class T, int W>
LETHE_INLINE T greatest(Lanes<T, W> x) {
  T result = x[0];
  for (int i = 1; i < W; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

// exp(x): x = n ln 2 + r with |r| <= ln 2 / 2, then a polynomial in r, then n into the exponent.
// Adding 1.5 * 2^(mantissa bits) rounds x / ln 2 to the integer n and leaves n in the low bits.
// The argument is limited to where the result is a normal number. Largest relative error, measured
// by tests/test_kernel.py: below 2e-7 in float32 and 4e-16 in float64.
template <int W>
LETHE_INLINE Lanes<float, W> exponential(Lanes<float, W> x) {
  using V = Lanes<float, W>;
  typedef int32_t I __attribute__((vector_size(W * 4), may_alias));
  x = clamp<float, W>(x, 87.0f);
  const float shifter = 12582912.0f;  // 1.5 * 2^23
  const V t = x * 1.44269504088896341f + shifter;
  const V n = t - shifter;
  const V r = (x - n * 0.693145751953125f) - n * 1.42860682030941723e-6f;
  const V r2 = r * r;
  V p = (1.0f + r) + r2 * (0.5f + r * 1.66666666666667e-1f);
  p += (r2 * r2) * ((4.16666666666667e-2f + r * 8.33333333333333e-3f) +
                    r2 * (1.38888888888889e-3f + r * 1.98412698412698e-4f));
  const I power = (reinterpret_cast<I>(t) + (127 - 0x4B400000)) << 23;
  return p * reinterpret_cast<V>(power);
}

template <int W>
LETHE_INLINE Lanes<double, W> exponential(Lanes<double, W> x) {
  using V = Lanes<double, W>;
  typedef int64_t I __attribute__((vector_size(W * 8), may_alias));
  x = clamp<double, W>(x, 707.0);
  const double shifter = 6755399441055744.0;  // 1.5 * 2^52
  const V t = x * 1.4426950408889634074 + shifter;
  const V n = t - shifter;
  const V r = (x - n * 6.93147180369123816490e-1) - n * 1.90821492927058770002e-10;
  const V r2 = r * r;
  const V r4 = r2 * r2;
  const V low = (1.0 + r) + r2 * (0.5 + r * (1.0 / 6)) +
                r4 * ((1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040)));
  const V high = (1.0 / 40320 + r * (1.0 / 362880)) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800)) +
                 r4 * (1.0 / 479001600 + r * (1.0 / 6227020800));
  const V p = low + (r4 * r4) * high;
  const I power = (reinterpret_cast<I>(t) + (1023 - 0x4338000000000000)) << 52;
  return p * reinterpret_cast<V>(power);
}

// Eq. 3.
template <class T, int W>
LETHE_INLINE Lanes<T, W> logistic(Lanes<T, W> x) {
  return T(1) / (T(1) + exponential<W>(-x));
}

// 1 / sqrt(x) for x > 0. In float32 an approximation (12 or 14 bits) and one Newton step: a true
// square root and division for each weight cost more than the memory traffic of the whole pass.
template <class T, int W>
LETHE_INLINE Lanes<T, W> reciprocal_square_root(Lanes<T, W> x) {
#if defined(__SSE2__)
  if constexpr (sizeof(T) == 4) {
    Lanes<T, W> y;
    if constexpr (W == 4) y = reinterpret_cast<Lanes<T, W>>(_mm_rsqrt_ps(reinterpret_cast<__m128>(x)));
#if defined(__AVX__)
    if constexpr (W == 8)
      y = reinterpret_cast<Lanes<T, W>>(_mm256_rsqrt_ps(reinterpret_cast<__m256>(x)));
#endif
#if defined(__AVX512F__)
    if constexpr (W == 16)
      y = reinterpret_cast<Lanes<T, W>>(_mm512_maskz_rsqrt14_ps(0xffff, reinterpret_cast<__m512>(x)));
#endif
    return y * (T(1.5) - (T(0.5) * x) * (y * y));
  }
#endif
  Lanes<T, W> y;
  for (int i = 0; i < W; ++i) y[i] = T(1) / (sizeof(T) == 4 ? __builtin_sqrtf(x[i]) : __builtin_sqrt(x[i]));
  return y;
}

// Numbers too small for a normal float count as zero while a kernel runs. Partials decay towards
// zero for ever; as denormals each of their operations would take over a hundred cycles.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~FlushDenormals() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  FlushDenormals() {}
#endif
};

}  // namespace LETHE_ISA
