// SIMD lanes and the functions on them: exponential, logistic function, reciprocal square root.
//
// A "lane" is one unit of the network. GCC's and Clang's vector types give the operators, so the
// formulas read like the equations; LETHE_ISA names the namespace, because this header is compiled
// once for each instruction set and the linker must not mix the results.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define LETHE_INLINE __attribute__((always_inline)) inline
#define LETHE_INLINE_LAMBDA __attribute__((always_inline))

namespace LETHE_ISA {

template <int N>
struct IntTag {
  static constexpr int value = N;
};

// What lies beyond the last cache of most machines.
constexpr int64_t beyond_cache = 16 << 20;

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
  // In memory a row may start anywhere; where it is aligned, this costs nothing.
  typedef T in_memory __attribute__((vector_size(W * sizeof(T)), may_alias, aligned(sizeof(T))));
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

// 0, 1, 2, …: to say which lanes are meant.
template <class T, int W>
struct Numbers {
  typedef typename IntegerOf<T>::type type __attribute__((vector_size(W * sizeof(T)), may_alias));
  static LETHE_INLINE type from(int first) {
    type numbers;
    for (int i = 0; i < W; ++i) numbers[i] = first + i;
    return numbers;
  }
};

template <int W, class T>
LETHE_INLINE Lanes<T, W> load(const T* from) {
  return *reinterpret_cast<const typename LanesOf<T, W>::in_memory*>(from);
}

template <int W, class T>
LETHE_INLINE void store(T* to, Lanes<T, W> value) {
  *reinterpret_cast<typename LanesOf<T, W>::in_memory*>(to) = value;
}

template <int W, class T>
LETHE_INLINE Lanes<T, W> broadcast(T value) {
  return value - Lanes<T, W>{};  // x - 0 keeps every bit of x, -0 included
}

// Minimum and maximum of each lane; where b is NaN, b. That is what x86's minps does, one
// instruction where a comparison and a blend are two and a trip through a mask register.
template <class T, int W>
LETHE_INLINE Lanes<T, W> min(Lanes<T, W> a, Lanes<T, W> b) {
#if defined(__SSE2__)
#define LETHE_X86_MIN_MAX(op)                                                                      \
  constexpr int bytes = W * sizeof(T);                                                             \
  constexpr bool single = sizeof(T) == 4;                                                          \
  if constexpr (bytes == 16 && single) return (Lanes<T, W>)_mm_##op##_ps((__m128)a, (__m128)b);    \
  if constexpr (bytes == 16 && !single) return (Lanes<T, W>)_mm_##op##_pd((__m128d)a, (__m128d)b); \
  LETHE_AVX_MIN_MAX(op)                                                                            \
  LETHE_AVX512_MIN_MAX(op)
#if defined(__AVX__)
#define LETHE_AVX_MIN_MAX(op)                                                                      \
  if constexpr (bytes == 32 && single) return (Lanes<T, W>)_mm256_##op##_ps((__m256)a, (__m256)b); \
  if constexpr (bytes == 32 && !single)                                                            \
    return (Lanes<T, W>)_mm256_##op##_pd((__m256d)a, (__m256d)b);
#else
#define LETHE_AVX_MIN_MAX(op)
#endif
#if defined(__AVX512F__)
#define LETHE_AVX512_MIN_MAX(op)                                              \
  if constexpr (bytes == 64 && single)                                        \
    return (Lanes<T, W>)_mm512_maskz_##op##_ps(0xffff, (__m512)a, (__m512)b); \
  if constexpr (bytes == 64 && !single)                                       \
    return (Lanes<T, W>)_mm512_maskz_##op##_pd(0xff, (__m512d)a, (__m512d)b);
#else
#define LETHE_AVX512_MIN_MAX(op)
#endif
  LETHE_X86_MIN_MAX(min)
#endif
  return a < b ? a : b;
}

template <class T, int W>
LETHE_INLINE Lanes<T, W> max(Lanes<T, W> a, Lanes<T, W> b) {
#if defined(__SSE2__)
  LETHE_X86_MIN_MAX(max)
#endif
  return a > b ? a : b;
}

// Into [-bound, bound]; NaN passes through, to be noticed later.
template <class T, int W>
LETHE_INLINE Lanes<T, W> clamp(Lanes<T, W> x, T bound) {
  const Lanes<T, W> high = broadcast<W>(bound);
  return max<T, W>(-high, min<T, W>(high, x));
}

// The lanes of {a, b} that are named, in that order. GCC 11 knows only its own builtin.
template <int... lanes, class V>
LETHE_INLINE V shuffle(V a, V b) {
#if __has_builtin(__builtin_shufflevector)
  return __builtin_shufflevector(a, b, lanes...);
#else
  typedef typename IntegerOf<std::decay_t<decltype(a[0])>>::type I
      __attribute__((vector_size(sizeof(V))));
  return __builtin_shuffle(a, b, I{lanes...});
#endif
}

// {a, b}; {a, a}; {low half of a, low half of b}; {high half of a, high half of b}.
template <class T>
LETHE_INLINE Lanes<T, 8> join(Lanes<T, 4> a, Lanes<T, 4> b) {
  return Lanes<T, 8>{a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]};
}
template <class T>
LETHE_INLINE Lanes<T, 8> duplicate(Lanes<T, 4> a) {
  return join<T>(a, a);
}
template <class T>
LETHE_INLINE Lanes<T, 8> low_halves(Lanes<T, 8> a, Lanes<T, 8> b) {
  return shuffle<0, 1, 2, 3, 8, 9, 10, 11>(a, b);
}
template <class T>
LETHE_INLINE Lanes<T, 8> high_halves(Lanes<T, 8> a, Lanes<T, 8> b) {
  return shuffle<4, 5, 6, 7, 12, 13, 14, 15>(a, b);
}
// The halves of x.
template <class T, int W>
LETHE_INLINE Lanes<T, W / 2> low_half(Lanes<T, W> x) {
  Lanes<T, W / 2> half;
  std::memcpy(&half, &x, sizeof half);
  return half;
}
template <class T, int W>
LETHE_INLINE Lanes<T, W / 2> high_half(Lanes<T, W> x) {
  Lanes<T, W / 2> half;
  std::memcpy(&half, reinterpret_cast<const char*>(&x) + sizeof half, sizeof half);
  return half;
}

// Sum of all lanes, always in the same order: halves upon halves.
template <class T, int W>
LETHE_INLINE T sum(Lanes<T, W> x) {
  if constexpr (W == 2) {
    return x[0] + x[1];
  } else {
    return sum<T, W / 2>(low_half<T, W>(x) + high_half<T, W>(x));
  }
}

// Four sums at once, {sum of a, sum of b, sum of c, sum of d}: half the shuffles of four alone.
template <class T, int W>
LETHE_INLINE Lanes<T, 4> sums(Lanes<T, W> a, Lanes<T, W> b, Lanes<T, W> c, Lanes<T, W> d) {
  if constexpr (W > 4) {
    const auto fold = [](Lanes<T, W> x) { return low_half<T, W>(x) + high_half<T, W>(x); };
    return sums<T, W / 2>(fold(a), fold(b), fold(c), fold(d));
  } else if constexpr (W == 4) {
    const auto fold = [](Lanes<T, 4> x, Lanes<T, 4> y) {
      return shuffle<0, 4, 1, 5>(x, y) + shuffle<2, 6, 3, 7>(x, y);
    };
    return fold(fold(a, c), fold(b, d));
  } else {
    return Lanes<T, 4>{sum<T, W>(a), sum<T, W>(b), sum<T, W>(c), sum<T, W>(d)};
  }
}

template <class T, int W>
LETHE_INLINE T max_lane(Lanes<T, W> x) {
  T result = x[0];
  for (int i = 1; i < W; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

// exp(x): x = n ln 2 + r with |r| <= ln 2 / 2, then a polynomial in r, then n into the exponent.
// Adding 1.5 * 2^(mantissa bits) rounds x / ln 2 to the integer n and leaves n in the low bits.
// The argument is limited to where the result is a normal number. Largest relative error, measured
// by tests/core/test_kernel.py: below 2.5e-7 in float32 and 5e-16 in float64.
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
  // The polynomial of degree 5 whose greatest relative error here is least: 9e-8.
  const V high = (0.49999148f + r * 0.16667639f) + r2 * (0.04189816f + r * 0.008290272f);
  const V p = (1.0f + r * 0.9999997f) + r2 * high;
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
    if constexpr (W == 4)
      y = reinterpret_cast<Lanes<T, W>>(_mm_rsqrt_ps(reinterpret_cast<__m128>(x)));
#if defined(__AVX__)
    if constexpr (W == 8)
      y = reinterpret_cast<Lanes<T, W>>(_mm256_rsqrt_ps(reinterpret_cast<__m256>(x)));
#endif
#if defined(__AVX512F__)
    if constexpr (W == 16)
      y = reinterpret_cast<Lanes<T, W>>(
          _mm512_maskz_rsqrt14_ps(0xffff, reinterpret_cast<__m512>(x)));
#endif
    return y * (T(1.5) - (T(0.5) * x) * (y * y));
  }
#endif
  Lanes<T, W> y;
  for (int i = 0; i < W; ++i)
    y[i] = T(1) / (sizeof(T) == 4 ? __builtin_sqrtf(x[i]) : __builtin_sqrt(x[i]));
  return y;
}

// Flush-to-zero and denormals-are-zero while a kernel runs. Partials decay towards zero for ever;
// as denormals (subnormals) each of their operations takes a microcode assist of over a hundred
// cycles.
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
