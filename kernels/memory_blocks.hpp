// One hidden layer: forward pass (eqs. 1-8, 10, 11), errors (eqs. 15, 17) and the pass over partials.
#pragma once

#include "lanes.hpp"
#include "layout.hpp"
#include "update.hpp"

namespace LETHE_ISA {

using lethe::Header;
using lethe::LayerLayout;
using lethe::Layout;

template <class T>
LETHE_INLINE T* part(char* block, int64_t offset) {
  return reinterpret_cast<T*>(block + offset);
}
template <class T>
LETHE_INLINE const T* part(const char* block, int64_t offset) {
  return reinterpret_cast<const T*>(block + offset);
}

// net += rows of weights times their sources. Eight rows at a time: eight streams that the
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

// The inputs' part of the sum. A symbol's input vector is one-hot and touches one row of weights.
template <class T, int W>
LETHE_INLINE void add_inputs(T* __restrict net, const T* __restrict weights, const T* __restrict z,
                             int inputs, int units, int64_t symbol) {
  if (symbol >= 0)
    add_rows<T, W>(net, weights + symbol * units, z + symbol, 1, units);
  else
    add_rows<T, W>(net, weights, z, inputs, units);
}

// A squashing function and its derivative at W lanes.
template <class T, int W>
struct Squashed {
  Lanes<T, W> y, slope;
  LETHE_INLINE Squashed(Lanes<T, W> x, const lethe::Squash& f) {
    const Lanes<T, W> s = logistic<T, W>(x * T(f.slope));
    y = (x * T(f.linear) + s * T(f.scale)) + T(f.shift);
    slope = (s * (T(1) - s)) * T(f.scale * f.slope) + T(f.linear);
  }
};

// W lanes, G vectors of blocks (0: any number), S cells in each block (0: any number). The small
// networks of the papers have fixed G and S, so that their factors stay in registers.
template <class T, int W, int S, int G>
struct MemoryBlocks {
  using V = Lanes<T, W>;

  static int blocks(const Layout& l) { return G ? G * W : l.padded_blocks; }
  static int cells(const Layout& l) { return S ? S : l.cells; }

  // z(t) but for the inputs: y_c(t-1), gates(t-1), y_c(t) of the layer below, 1.
  static LETHE_INLINE void gather_sources(const Layout& l, int layer, char* block) {
    const LayerLayout& at = l.layer[layer];
    T* z = part<T>(block, at.z);
    if (at.first_cell >= 0) gather_cells(l, z + at.first_cell, part<T>(block, at.cell_output));
    if (at.first_gate >= 0) {
      T* to = z + at.first_gate;
      for (int kind = 0; kind < 3; ++kind)
        if (l.gate_present[kind]) {
          std::memcpy(to, block + at.gate[kind], l.blocks * sizeof(T));
          to += l.blocks;
        }
    }
    if (at.first_below >= 0)
      gather_cells(l, z + at.first_below, part<T>(block, l.layer[layer - 1].cell_output));
    z[at.sources] = T(1);
  }

  static LETHE_INLINE void gather_cells(const Layout& l, T* __restrict to, const T* __restrict from) {
    const int n = cells(l), padded_blocks = blocks(l);
    for (int v = 0; v < n; ++v, to += l.blocks, from += padded_blocks)
      for (int j = 0; j < l.blocks; ++j) to[j] = from[j];
  }

  template <bool learn>
  static void forward(const Layout& l, int layer, char* block, int64_t symbol) {
    const LayerLayout& at = l.layer[layer];
    const int n = cells(l), padded_blocks = blocks(l);
    const int units = (3 + n) * padded_blocks;
    gather_sources(l, layer, block);
    T* const net = part<T>(block, at.net);
    const T* const z = part<T>(block, at.z);
    const T* const weights = part<T>(block, at.weights);
    for (int u = 0; u < units; u += W) store<W>(net + u, V{});
    add_inputs<T, W>(net, weights, z, l.inputs, units, symbol);
    add_rows<T, W>(net, weights + int64_t(l.inputs) * units, z + l.inputs, at.rows - l.inputs, units);

    const T printed = l.printed_eq21 ? T(1) : T(0);
    for (int b = 0; b < padded_blocks; b += W) {
      const Squashed<T, W> in(load<W>(net + b), l.gate[lethe::input_gate]);
      const Squashed<T, W> forget(load<W>(net + padded_blocks + b), l.gate[lethe::forget_gate]);
      const Squashed<T, W> out(load<W>(net + 2 * padded_blocks + b), l.gate[lethe::output_gate]);
      store<W>(part<T>(block, at.gate[0]) + b, in.y);
      store<W>(part<T>(block, at.gate[1]) + b, forget.y);
      store<W>(part<T>(block, at.gate[2]) + b, out.y);
#pragma GCC unroll 2
      for (int v = 0; v < n; ++v) {
        const int c = v * padded_blocks + b;
        const Squashed<T, W> g(load<W>(net + (3 + v) * padded_blocks + b), l.cell_input);
        T* const state = part<T>(block, at.cell_state) + c;
        const V before = load<W>(state);
        const V now = forget.y * before + in.y * g.y;  // eq. 11
        const Squashed<T, W> h(now, l.cell_output);
        store<W>(state, now);
        store<W>(part<T>(block, at.cell_output) + c, out.y * h.y);  // eq. 7
        if constexpr (learn) {
          store<W>(part<T>(block, at.inject_input) + c, g.y * in.slope);
          store<W>(part<T>(block, at.inject_forget) + c,
                   (before * (T(1) - printed) + h.y * printed) * forget.slope);
          store<W>(part<T>(block, at.inject_cell) + c, in.y * g.slope);
          store<W>(part<T>(block, at.state_slope) + c, out.y * h.slope);
          store<W>(part<T>(block, at.output_slope) + c, h.y * out.slope);
        }
      }
    }
  }

  // From the errors at the cell outputs to those at states and output gates (eqs. 15, 17), and,
  // for the layer below, at every unit's net input. Errors are limited to `bound`.
  static void errors(const Layout& l, int layer, char* block) {
    const LayerLayout& at = l.layer[layer];
    const int n = cells(l), padded_blocks = blocks(l);
    const T bound = static_cast<T>(l.update.bound_error);
    T* const unit_error = part<T>(block, at.unit_error);
    for (int b = 0; b < padded_blocks; b += W) {
      V to_output_gate = {}, to_input_gate = {}, to_forget_gate = {};
#pragma GCC unroll 2
      for (int v = 0; v < n; ++v) {
        const int c = v * padded_blocks + b;
        const V error = load<W>(part<T>(block, at.cell_error) + c);
        const V e = clamp<T, W>(load<W>(part<T>(block, at.state_slope) + c) * error, bound);  // eq. 17
        store<W>(part<T>(block, at.state_error) + c, e);
        to_output_gate += load<W>(part<T>(block, at.output_slope) + c) * error;
        if (layer > 0) {
          to_input_gate += load<W>(part<T>(block, at.inject_input) + c) * e;
          to_forget_gate += load<W>(part<T>(block, at.inject_forget) + c) * e;
          store<W>(unit_error + (3 + v) * padded_blocks + b,
                   load<W>(part<T>(block, at.inject_cell) + c) * e);
        }
      }
      to_output_gate = clamp<T, W>(to_output_gate, bound);  // eq. 15
      store<W>(part<T>(block, at.output_gate_error) + b, to_output_gate);
      if (layer > 0) {
        store<W>(unit_error + b, to_input_gate);
        store<W>(unit_error + padded_blocks + b, to_forget_gate);
        store<W>(unit_error + 2 * padded_blocks + b, to_output_gate);
      }
    }
  }

  // The one pass over a layer's partials and weights.
  template <class Rule>
  static void pass(const Layout& l, int layer, char* block, T of_rate, const Coefficients<T>& coefficients) {
    const LayerLayout& at = l.layer[layer];
    const int n = cells(l), padded_blocks = blocks(l);
    const int units = (3 + n) * padded_blocks, row_of_partials = 3 * n * padded_blocks;
    const Rows<Rule, T> rows(block, at.weights, at.moment1, at.moment2);
    T* const partials = part<T>(block, at.partials);
    const T* const z = part<T>(block, at.z);
    const T* const decay = part<T>(block, at.gate[lethe::forget_gate]);
    const T* const output_gate_error = part<T>(block, at.output_gate_error);
    const auto* const touched = reinterpret_cast<const uint8_t*>(block + l.touched);

    const auto load_cell = [&](int v, int b) {
      const int c = v * padded_blocks + b;
      return CellFactors<T, W>{load<W>(part<T>(block, at.state_error) + c) * of_rate,
                               load<W>(part<T>(block, at.inject_input) + c),
                               load<W>(part<T>(block, at.inject_forget) + c),
                               load<W>(part<T>(block, at.inject_cell) + c)};
    };
    const auto each_row = [&](auto&& do_row) {
      for (int m = 0; m < at.sources; ++m) {
        // An input that was always zero has zero partials and moments: its row stays as it is.
        if (m < l.inputs && !touched[m]) continue;
        const T all[4] = {z[m], z[m], z[m], z[m]};
        do_row(m, all);
      }
      if (at.rows > at.sources) {
        const T bias[4] = {T(l.biased[0]), T(l.biased[1]), T(l.biased[2]), T(l.biased[3])};
        do_row(at.sources, bias);
      }
    };

    if constexpr (G == 1 && S > 0) {
      CellFactors<T, W> factors[S];
      for (int v = 0; v < S; ++v) factors[v] = load_cell(v, 0);
      const V decays = load<W>(decay), gate_errors = load<W>(output_gate_error) * of_rate;
      each_row([&](int m, const T(&zs)[4]) {
        update_row<Rule, T, W>(rows, int64_t(m) * units, partials + int64_t(m) * row_of_partials, W, S,
                               0, zs, decays, gate_errors, [&](int v) { return factors[v]; },
                               coefficients);
      });
    } else {
      each_row([&](int m, const T(&zs)[4]) {
        for (int b = 0; b < padded_blocks; b += W)
          update_row<Rule, T, W>(rows, int64_t(m) * units, partials + int64_t(m) * row_of_partials,
                                 padded_blocks, n, b, zs, load<W>(decay + b),
                                 load<W>(output_gate_error + b) * of_rate,
                                 [&](int v) { return load_cell(v, b); }, coefficients);
      });
    }
  }
};

}  // namespace LETHE_ISA
