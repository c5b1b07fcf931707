// Net inputs: weights times sources, summed over sources (eqs. 1, 2, 4 and 10).
#pragma once

#include "lanes.hpp"
#include "layout.hpp"

namespace LETHE_ISA {

using lethe::Header;
using lethe::LayerLayout;
using lethe::Layout;

template <class T>
LETHE_INLINE T* as_span(char* block, int64_t offset) {
  return reinterpret_cast<T*>(block + offset);
}
template <class T>
LETHE_INLINE const T* as_span(const char* block, int64_t offset) {
  return reinterpret_cast<const T*>(block + offset);
}

// net += rows of weights times their sources. Eight rows at a time: eight streams that the hardware
// prefetcher follows, and one load and store of net for eight multiplications.
template <class T, int W>
LETHE_INLINE void add_rows(T* __restrict net, const T* __restrict weights, const T* __restrict z,
                           int rows, int units) {
  using V = Lanes<T, W>;
  int m = 0;
  for (; m + 8 <= rows; m += 8, weights += int64_t(8) * units) {
    for (int u = 0; u < units; u += W) {
      V even = load<W>(net + u), odd = {};
#pragma GCC unroll 4
      for (int i = 0; i < 8; i += 2) {
        even += load<W>(weights + int64_t(i) * units + u) * z[m + i];
        odd += load<W>(weights + int64_t(i + 1) * units + u) * z[m + i + 1];
      }
      store<W>(net + u, even + odd);
    }
  }
  for (; m < rows; ++m, weights += units)
    for (int u = 0; u < units; u += W)
      store<W>(net + u, load<W>(net + u) + load<W>(weights + u) * z[m]);
}

// The same for N vectors of units that stay in registers: in a small network store-to-load
// forwarding of net would cost more than the multiplications.
template <class T, int W, int N>
struct Sums {
  Lanes<T, W> even[N] = {}, odd[N] = {};

  LETHE_INLINE void add_rows(const T* __restrict weights, const T* __restrict z, int rows) {
    int m = 0;
    for (; m + 2 <= rows; m += 2, weights += 2 * N * W) {
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        even[n] += load<W>(weights + n * W) * z[m];
        odd[n] += load<W>(weights + (N + n) * W) * z[m + 1];
      }
    }
    if (m < rows)
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) odd[n] += load<W>(weights + n * W) * z[m];
  }
  LETHE_INLINE void store_to(T* net) const {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) store<W>(net + n * W, even[n] + odd[n]);
  }
};

// The same for the twenty units of four blocks of two cells: vectors of eight, four and eight.
template <class T>
struct PairSums {
  Lanes<T, 8> even_gates = {}, odd_gates = {}, even_cells = {}, odd_cells = {};
  Lanes<T, 4> even_output_gate = {}, odd_output_gate = {};

  LETHE_INLINE void add_even(const T* row, T z) {
    even_gates += load<8>(row) * z;
    even_output_gate += load<4>(row + 8) * z;
    even_cells += load<8>(row + 12) * z;
  }
  LETHE_INLINE void add_odd(const T* row, T z) {
    odd_gates += load<8>(row) * z;
    odd_output_gate += load<4>(row + 8) * z;
    odd_cells += load<8>(row + 12) * z;
  }
  LETHE_INLINE void add_rows(const T* weights, const T* z, int rows) {
    int m = 0;
    for (; m + 2 <= rows; m += 2, weights += 40) {
      add_even(weights, z[m]);
      add_odd(weights + 20, z[m + 1]);
    }
    if (m < rows) add_odd(weights, z[m]);
  }
  LETHE_INLINE void store_to(T* net) const {
    store<8>(net, even_gates + odd_gates);
    store<4>(net + 8, even_output_gate + odd_output_gate);
    store<8>(net + 12, even_cells + odd_cells);
  }
};

// Rows of sources that lie together.
template <class T>
struct Segment {
  const T* weights;
  const T* z;
  int rows;
};

// A symbol's input vector is one-hot and touches one row of weights.
template <class T>
LETHE_INLINE Segment<T> input_segment(const T* weights, const T* z, int inputs, int units,
                                      int64_t symbol) {
  if (symbol < 0) return {weights, z, inputs};
  return {weights + symbol * units, z + symbol, 1};
}

// net = the segments' weighted sums. N: vectors of units, or 0 for any number.
template <class T, int W, int N, int K>
LETHE_INLINE void net_inputs(T* net, int units, const Segment<T> (&segments)[K]) {
  if constexpr (N > 0) {
    Sums<T, W, N> sums;
    for (const Segment<T>& s : segments) sums.add_rows(s.weights, s.z, s.rows);
    sums.store_to(net);
  } else {
    for (int u = 0; u < units; u += W) store<W>(net + u, Lanes<T, W>{});
    for (const Segment<T>& s : segments) add_rows<T, W>(net, s.weights, s.z, s.rows, units);
  }
}

}  // namespace LETHE_ISA
