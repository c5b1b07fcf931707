// One hidden layer: forward pass (eqs. 1-8, 10, 11), errors (eqs. 15, 17) and the pass over
// partials.
#pragma once

#include "lanes.hpp"
#include "layout.hpp"
#include "net_inputs.hpp"
#include "peepholes.hpp"
#include "update.hpp"

namespace LETHE_ISA {

// Cell outputs lie cell by cell with whole vectors of blocks; as sources they lie close together.
template <class T>
LETHE_INLINE void copy_lanes(T* to, const T* from, int n) {
  int i = 0;
  for (; i + 4 <= n; i += 4) store<4>(to + i, load<4>(from + i));
  for (; i < n; ++i) to[i] = from[i];
}

// A squashing function and its derivative at W lanes, from the logistic function s of slope * x.
template <class T, int W>
struct Squashed {
  Lanes<T, W> y, slope;
  LETHE_INLINE Squashed(Lanes<T, W> x, Lanes<T, W> s, const lethe::Squash<T>& f)
      : y(s * f.scale + (x * f.linear + f.shift)),
        slope((s * (T(1) - s)) * (f.scale * f.slope) + f.linear) {}
  LETHE_INLINE Squashed(Lanes<T, W> x, const lethe::Squash<T>& f)
      : Squashed(x, logistic<T, W>(x * f.slope), f) {}
  LETHE_INLINE Squashed(Lanes<T, W> value, Lanes<T, W> its_slope) : y(value), slope(its_slope) {}
};

// W lanes, G vectors of blocks (0: any number), S cells in each block (0: any number). The small
// networks of the papers have fixed G and S, so that their factors stay in registers.
template <class T, int W, int S, int G, bool variants>
struct MemoryBlocks {
  using V = Lanes<T, W>;

  // Four blocks of two cells, the report's network: both cells of each block in one vector of
  // eight.
  static constexpr bool pairs = W == 4 && S == 2 && G == 1 && native_lanes<T> >= 8 && !variants;

  static int blocks(const Layout& l) { return G ? G * W : l.padded_blocks; }
  static int cells(const Layout& l) { return S ? S : l.cells; }

  // z(t) but for the inputs: y_c(t-1), gates(t-1), y_c(t) of the layer below, 1.
  static LETHE_INLINE void gather_sources(const Layout& l, int layer, char* block) {
    const LayerLayout& at = l.layer[layer];
    T* z = as_span<T>(block, at.z);
    if (at.first_cell >= 0) gather_cells(l, z + at.first_cell, as_span<T>(block, at.cell_output));
    if (at.first_gate >= 0) {
      T* to = z + at.first_gate;
      for (int kind = 0; kind < 3; ++kind)
        if (l.gate_present[kind]) {
          copy_lanes(to, as_span<T>(block, at.gate[kind]), l.blocks);
          to += l.blocks;
        }
    }
    if (at.first_below >= 0)
      gather_cells(l, z + at.first_below, as_span<T>(block, l.layer[layer - 1].cell_output));
    z[at.sources] = T(1);
  }

  static LETHE_INLINE void gather_cells(const Layout& l, T* to, const T* from) {
    const int n = cells(l), padded_blocks = blocks(l);
    for (int v = 0; v < n; ++v) copy_lanes(to + v * l.blocks, from + v * padded_blocks, l.blocks);
  }

  template <bool learn>
  static void forward(const Layout& l, int layer, char* block, int64_t symbol) {
    const LayerLayout& at = l.layer[layer];
    const int n = cells(l), padded_blocks = blocks(l);
    const int units = (3 + n) * padded_blocks;
    gather_sources(l, layer, block);
    T* const net = as_span<T>(block, at.net);
    const T* const z = as_span<T>(block, at.z);
    const T* const weights = as_span<T>(block, at.weights);
    const Segment<T> segments[] = {
        input_segment(weights, z, l.inputs, units, symbol),
        {weights + int64_t(l.inputs) * units, z + l.inputs, at.rows - l.inputs}};
    if constexpr (pairs) {
      PairSums<T> sums;
      for (const Segment<T>& s : segments) sums.add_rows(s.weights, s.z, s.rows);
      sums.store_to(net);
    } else {
      net_inputs<T, W, (G == 1 && S > 0 ? 3 + S : 0)>(net, units, segments);
    }

    const lethe::Squashes<T> squash = l.squash<T>();
    if constexpr (pairs) {
      // Input and forget gates in one vector of eight, and so the cells: first ones, second ones.
      const Lanes<T, 8> x = load<8>(net), s = logistic<T, 8>(x);
      const Squashed<T, 4> in(low_half<T, 8>(x), low_half<T, 8>(s), squash.gate[0]);
      const Squashed<T, 4> forget(high_half<T, 8>(x), high_half<T, 8>(s), squash.gate[1]);
      const Squashed<T, 4> out(load<4>(net + 8), squash.gate[2]);
      store_gates(at, block, 0, in, forget, out);
      forward_cells<learn, 8>(l, at, block, 0, squash, {duplicate<T>(in.y), duplicate<T>(in.slope)},
                              {duplicate<T>(forget.y), duplicate<T>(forget.slope)},
                              {duplicate<T>(out.y), duplicate<T>(out.slope)});
    } else {
      if (variants && l.peepholes) return forward_with_peepholes<learn>(l, at, block, squash);
      for (int b = 0; b < padded_blocks; b += W) {
        const Squashed<T, W> in(load<W>(net + b), squash.gate[0]);
        const Squashed<T, W> forget(load<W>(net + padded_blocks + b), squash.gate[1]);
        const Squashed<T, W> out(load<W>(net + 2 * padded_blocks + b), squash.gate[2]);
        store_gates(at, block, b, in, forget, out);
        for (int v = 0; v < n; ++v)
          forward_cells<learn, W>(l, at, block, v * padded_blocks + b, squash, in, forget, out);
      }
    }
  }

  static LETHE_INLINE void store_gates(const LayerLayout& at, char* block, int b,
                                       const Squashed<T, W>& in, const Squashed<T, W>& forget,
                                       const Squashed<T, W>& out) {
    store<W>(as_span<T>(block, at.gate[0]) + b, in.y);
    store<W>(as_span<T>(block, at.gate[1]) + b, forget.y);
    store<W>(as_span<T>(block, at.gate[2]) + b, out.y);
  }

  // Input and forget gates read the states of the step before, output gates those of this one.
  template <bool learn>
  static void forward_with_peepholes(const Layout& l, const LayerLayout& at, char* block,
                                     const lethe::Squashes<T>& squash) {
    const int n = cells(l), padded_blocks = blocks(l);
    const T* const net = as_span<T>(block, at.net);
    T* const past = as_span<T>(block, at.past_state);
    T* const present = as_span<T>(block, at.present_state);
    std::memcpy(past, block + at.cell_state, n * padded_blocks * sizeof(T));
    const auto gate = [&](int kind, int b, const T* states) LETHE_INLINE_LAMBDA {
      const int of_kind = kind * padded_blocks + b;
      const T* const weights = as_span<T>(block, at.peepholes) + of_kind;
      const V read = through_peepholes<T, W>(weights, states + b, n, padded_blocks);
      return Squashed<T, W>(load<W>(net + of_kind) + read, squash.gate[kind]);
    };
    for (int b = 0; b < padded_blocks; b += W) {
      const Squashed<T, W> in = gate(0, b, past), forget = gate(1, b, past);
      for (int v = 0; v < n; ++v) {
        const int c = v * padded_blocks + b;
        // What h gives is kept here until the output gate is known.
        const auto keep = [&](const Squashed<T, W>& h) LETHE_INLINE_LAMBDA {
          store<W>(as_span<T>(block, at.cell_output) + c, h.y);
          store<W>(as_span<T>(block, at.state_slope) + c, h.slope);
        };
        forward_states<learn, W>(l, at, block, c, squash, in, forget, keep);
        store<W>(present + c, load<W>(as_span<T>(block, at.cell_state) + c));
      }
      const Squashed<T, W> out = gate(2, b, present);
      store_gates(at, block, b, in, forget, out);
      for (int v = 0; v < n; ++v) {
        const int c = v * padded_blocks + b;
        const Squashed<T, W> h(load<W>(as_span<T>(block, at.cell_output) + c),
                               load<W>(as_span<T>(block, at.state_slope) + c));
        store<W>(as_span<T>(block, at.cell_output) + c, out.y * h.y);  // eq. 7
        if constexpr (learn) store_slopes<W>(at, block, c, h, out);
      }
    }
  }

  // Cells c to c + L: states, outputs, and the factors that all sources share in the pass.
  template <bool learn, int L>
  static LETHE_INLINE void forward_cells(const Layout& l, const LayerLayout& at, char* block, int c,
                                         const lethe::Squashes<T>& squash, const Squashed<T, L>& in,
                                         const Squashed<T, L>& forget, const Squashed<T, L>& out) {
    const auto open = [&](const Squashed<T, L>& h) LETHE_INLINE_LAMBDA {
      store<L>(as_span<T>(block, at.cell_output) + c, out.y * h.y);  // eq. 7
    };
    const Squashed<T, L> h = forward_states<learn, L>(l, at, block, c, squash, in, forget, open);
    if constexpr (learn) store_slopes<L>(at, block, c, h, out);
  }

  // Their states; `then` is handed what h makes of them.
  template <bool learn, int L, class Then>
  static LETHE_INLINE Squashed<T, L> forward_states(const Layout& l, const LayerLayout& at,
                                                    char* block, int c,
                                                    const lethe::Squashes<T>& squash,
                                                    const Squashed<T, L>& in,
                                                    const Squashed<T, L>& forget, Then&& then) {
    using VL = Lanes<T, L>;
    const auto lanes = [&](int64_t offset) { return as_span<T>(block, offset) + c; };
    const Squashed<T, L> g(load<L>(lanes(at.net) + 3 * blocks(l)), squash.cell_input);
    const VL before = load<L>(lanes(at.cell_state));
    const VL now = forget.y * before + in.y * g.y;  // eq. 11
    const Squashed<T, L> h(now, squash.cell_output);
    store<L>(lanes(at.cell_state), now);
    then(h);
    if constexpr (learn) {
      const T printed = l.printed_eq21 ? T(1) : T(0);
      store<L>(lanes(at.inject_input), g.y * in.slope);
      store<L>(lanes(at.inject_forget), (before * (T(1) - printed) + h.y * printed) * forget.slope);
      store<L>(lanes(at.inject_cell), in.y * g.slope);
    }
    return h;
  }

  template <int L>
  static LETHE_INLINE void store_slopes(const LayerLayout& at, char* block, int c,
                                        const Squashed<T, L>& h, const Squashed<T, L>& out) {
    store<L>(as_span<T>(block, at.state_slope) + c, out.y * h.slope);
    store<L>(as_span<T>(block, at.output_slope) + c, h.y * out.slope);
  }

  // From the errors at the cell outputs to those at states and output gates (eqs. 15, 17), and,
  // for the layer below, at every unit's net input. Errors are limited to `bound`.
  static void errors(const Layout& l, int layer, char* block) {
    const LayerLayout& at = l.layer[layer];
    const int n = cells(l), padded_blocks = blocks(l);
    const T bound = static_cast<T>(l.update.bound_error);
    const bool below = layer > 0;
    if constexpr (pairs) {
      const auto fold = [](Lanes<T, 8> x) { return low_half<T, 8>(x) + high_half<T, 8>(x); };
      const Sent<8> sent = cell_errors<8>(l, at, block, 0, bound, below);
      store_gate_errors(
          l, at, block, 0, bound, below,
          {fold(sent.to_input_gate), fold(sent.to_forget_gate), fold(sent.to_output_gate)});
    } else {
      for (int b = 0; b < padded_blocks; b += W) {
        Sent<W> total = {};
        for (int v = 0; v < n; ++v) {
          const Sent<W> sent = cell_errors<W>(l, at, block, v * padded_blocks + b, bound, below);
          total.to_input_gate += sent.to_input_gate;
          total.to_forget_gate += sent.to_forget_gate;
          total.to_output_gate += sent.to_output_gate;
        }
        store_gate_errors(l, at, block, b, bound, below, total);
      }
    }
  }

  // What cells send to the gates of their block.
  template <int L>
  struct Sent {
    Lanes<T, L> to_input_gate, to_forget_gate, to_output_gate;
  };

  template <int L>
  static LETHE_INLINE Sent<L> cell_errors(const Layout& l, const LayerLayout& at, char* block,
                                          int c, T bound, bool below) {
    const auto lanes = [&](int64_t offset) { return as_span<T>(block, offset) + c; };
    // In the halves that it was written in: one load of both is a store-forwarding stall.
    const Lanes<T, L> error = [&] {
      if constexpr (pairs)
        return join<T>(load<4>(lanes(at.cell_error)), load<4>(lanes(at.cell_error) + 4));
      else
        return load<L>(lanes(at.cell_error));
    }();
    const Lanes<T, L> e = clamp<T, L>(load<L>(lanes(at.state_slope)) * error, bound);  // eq. 17
    store<L>(lanes(at.state_error), e);
    Sent<L> sent = {{}, {}, load<L>(lanes(at.output_slope)) * error};
    if (below) {
      sent.to_input_gate = load<L>(lanes(at.inject_input)) * e;
      sent.to_forget_gate = load<L>(lanes(at.inject_forget)) * e;
      store<L>(lanes(at.unit_error) + 3 * blocks(l), load<L>(lanes(at.inject_cell)) * e);
    }
    return sent;
  }

  static LETHE_INLINE void store_gate_errors(const Layout& l, const LayerLayout& at, char* block,
                                             int b, T bound, bool below, const Sent<W>& sent) {
    const V to_output_gate = clamp<T, W>(sent.to_output_gate, bound);  // eq. 15
    store<W>(as_span<T>(block, at.output_gate_error) + b, to_output_gate);
    if (!below) return;
    T* const unit_error = as_span<T>(block, at.unit_error) + b;
    store<W>(unit_error, sent.to_input_gate);
    store<W>(unit_error + blocks(l), sent.to_forget_gate);
    store<W>(unit_error + 2 * blocks(l), to_output_gate);
  }

  // The one pass over a layer's partials and weights.
  template <class Rule>
  static void pass(const Layout& l, int layer, char* block, T of_rate,
                   const Coefficients<T> coefficients) {
    const LayerLayout& at = l.layer[layer];
    const int n = cells(l), padded_blocks = blocks(l);
    const int units = (3 + n) * padded_blocks, row_of_partials = 3 * n * padded_blocks;
    const Rows<Rule, T> rows(block, at.weights, at.moment1, at.moment2);
    T* const partials = as_span<T>(block, at.partials);
    const T* const z = as_span<T>(block, at.z);
    const T* const forget_gate = as_span<T>(block, at.gate[lethe::forget_gate]);
    const auto decay = [&](int b) {
      return l.gate_decays ? load<W>(forget_gate + b) : V{} + T(l.partial_decay);
    };
    const T* const output_gate_error = as_span<T>(block, at.output_gate_error);
    const auto* const ever_nonzero = reinterpret_cast<const uint8_t*>(block + l.ever_nonzero);

    // do_row(m, z of input gates, forget gates, output gates, cells). They differ in the bias's
    // row.
    const auto each_row = [&](auto&& do_row) LETHE_INLINE_LAMBDA {
      for (int m = 0; m < l.inputs; ++m)
        // An input that was always zero has zero partials and moments: its row stays as it is.
        if (ever_nonzero[m]) do_row(m, z[m], z[m], z[m], z[m]);
      for (int m = l.inputs; m < at.sources; ++m) do_row(m, z[m], z[m], z[m], z[m]);
      if (at.rows > at.sources)
        do_row(at.sources, T(l.biased[0]), T(l.biased[1]), T(l.biased[2]), T(l.biased[3]));
    };

    if constexpr (pairs) {
      const auto load_both = [&](int64_t offset) { return load<8>(as_span<T>(block, offset)); };
      const PairFactors<T> both = {load_both(at.state_error) * of_rate, load_both(at.inject_input),
                                   load_both(at.inject_forget), load_both(at.inject_cell)};
      const Lanes<T, 8> decays = duplicate<T>(decay(0));
      const V gate_errors = load<W>(output_gate_error) * of_rate;
      each_row([&](int m, T z_input, T z_forget, T z_output, T z_cell) LETHE_INLINE_LAMBDA {
        update_row_of_pairs<Rule, T>(rows.from(int64_t(m) * units),
                                     partials + int64_t(m) * row_of_partials, z_input, z_forget,
                                     z_output, z_cell, decays, gate_errors, both, coefficients);
      });
    } else {
      // All factors of a vector of blocks side by side: a row's loop then walks along eight
      // pointers. Fourteen exceed the registers: each visit would spill and reload some.
      T* const factors = as_span<T>(block, at.factors);
      T* to = factors;
      for (int b = 0; b < padded_blocks; b += W) {
        store<W>(to, decay(b));
        store<W>(to + W, load<W>(output_gate_error + b) * of_rate);
        to += 2 * W;
        for (int v = 0; v < n; ++v, to += 4 * W) {
          const int c = v * padded_blocks + b;
          store<W>(to, load<W>(as_span<T>(block, at.state_error) + c) * of_rate);
          store<W>(to + W, load<W>(as_span<T>(block, at.inject_input) + c));
          store<W>(to + 2 * W, load<W>(as_span<T>(block, at.inject_forget) + c));
          store<W>(to + 3 * W, load<W>(as_span<T>(block, at.inject_cell) + c));
        }
      }
      const auto rows_of = [&](auto far) LETHE_INLINE_LAMBDA {
        each_row([&](int m, T z_input, T z_forget, T z_output, T z_cell) LETHE_INLINE_LAMBDA {
          update_row<Rule, variants, T, W, S, decltype(far)::value>(
              rows.from(int64_t(m) * units), partials + int64_t(m) * row_of_partials, factors,
              l.kept, padded_blocks, n, z_input, z_forget, z_output, z_cell, coefficients);
        });
      };
      // A body with variants has no second copy that prefetches.
      if (!variants && l.learned_end - l.learned_begin > beyond_cache)
        rows_of(IntTag<!variants>{});
      else
        rows_of(IntTag<0>{});
      if (variants && l.peepholes) update_peepholes<Rule, T, W>(l, at, block, coefficients);
    }
  }
};

}  // namespace LETHE_ISA
