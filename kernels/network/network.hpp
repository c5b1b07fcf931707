// A network's time step: forward, errors, one pass; and many steps in a row.
//
// Every function takes the block that is the network's whole state. `step` leaves its pass to what
// follows: `learn` makes one pass of both, anything else completes it through `complete_step`.
#pragma once

#include <cmath>

#include "lanes.hpp"
#include "layout.hpp"
#include "memory_blocks.hpp"
#include "output_units.hpp"
#include "recording.hpp"
#include "update.hpp"

namespace LETHE_ISA {

using lethe::Kernel;
using lethe::Rule;
using lethe::RunArguments;
using lethe::Status;

constexpr int64_t passes_between_snapshots = 1024;

// Calls f with the number of lanes for a padded number of units: the widest that divides it.
template <class T, class F>
LETHE_INLINE void with_lanes(int lanes, F&& f) {
  constexpr int widest = native_lanes<T>;
  if (lanes % widest == 0) {
    f(IntTag<widest>{});
    return;
  }
  if constexpr (widest > 8) {
    if (lanes % 8 == 0) {
      f(IntTag<8>{});
      return;
    }
  }
  if constexpr (widest > 4) f(IntTag<4>{});
}

template <bool bounded, class F>
LETHE_INLINE void with_rule(Rule rule, F&& f) {
  switch (rule) {
    case Rule::sgd:
      return f(Sgd<bounded>{});
    case Rule::momentum:
      return f(Momentum<bounded>{});
    case Rule::rmsprop:
      return f(RmsProp<bounded>{});
    case Rule::adam:
      return f(Adam<bounded>{});
  }
}

template <class T>
Coefficients<T> coefficients(const Layout& l, const Header& header) {
  const lethe::Update& u = l.update;
  const double n = static_cast<double>(header.updates);
  const bool adam = u.rule == Rule::adam;
  return {static_cast<T>(header.rate),
          static_cast<T>(u.first),
          static_cast<T>(1 - u.first),
          static_cast<T>(u.second),
          static_cast<T>(1 - u.second),
          static_cast<T>(u.epsilon * u.epsilon),
          static_cast<T>(adam ? 1 / (1 - std::pow(u.first, n)) : 1),
          static_cast<T>(adam ? 1 / (1 - std::pow(u.second, n)) : 1),
          static_cast<T>(u.bound_step)};
}

// 0 * x is 0 for a finite x and NaN for any other, and one NaN makes the sum NaN.
template <class T, int W>
LETHE_INLINE Lanes<T, W> not_finite(const T* x, int64_t lanes) {
  Lanes<T, W> bad = {};
  for (int64_t i = 0; i < lanes; i += W) bad += load<W>(x + i) * T(0);
  return bad;
}

template <class T, int W, int S, int G, bool variants = false>
struct Network {
  using Blocks = MemoryBlocks<T, W, S, G, variants>;

  static LETHE_INLINE Header& header(char* block) { return *reinterpret_cast<Header*>(block); }

  static void set_inputs(const Layout& l, char* block, const T* x, int64_t symbol, bool learn) {
    const int64_t before = header(block).symbol;
    const int below = l.layers * l.blocks * l.cells;
    const auto fill = [&](T* z) {
      if (symbol < 0) {
        std::memcpy(z, x, l.inputs * sizeof(T));
        return;
      }
      if (before < 0)
        std::memset(z, 0, l.inputs * sizeof(T));
      else
        z[before] = T(0);
      z[symbol] = T(1);
    };
    for (int layer = 0; layer < l.layers; ++layer) fill(as_span<T>(block, l.layer[layer].z));
    if (l.shortcuts) fill(as_span<T>(block, l.output_z) + below);
    header(block).symbol = symbol;
    if (!learn) return;
    auto* const ever_nonzero = reinterpret_cast<uint8_t*>(block + l.ever_nonzero);
    if (symbol >= 0)
      ever_nonzero[symbol] = 1;
    else
      for (int i = 0; i < l.inputs; ++i) ever_nonzero[i] |= x[i] != T(0);
  }

  template <bool learn>
  static void forward(const Layout& l, char* block, int64_t symbol) {
    T* const output_z = as_span<T>(block, l.output_z);
    for (int layer = 0; layer < l.layers; ++layer) {
      Blocks::template forward<learn>(l, layer, block, symbol);
      Blocks::gather_cells(l, output_z + layer * l.blocks * l.cells,
                           as_span<T>(block, l.layer[layer].cell_output));
    }
    output_z[l.output_sources] = T(1);
    with_lanes<T>(l.padded_outputs, [&](auto lanes) {
      OutputLayer<T, decltype(lanes)::value>::forward(l, block, symbol);
    });
  }

  template <bool learn>
  static LETHE_INLINE Status step(const Layout& l, char* block, const T* x, int64_t symbol) {
    if (complete_step(l, block) != Status::ok) return Status::not_finite;
    set_inputs(l, block, x, symbol, learn);
    Header& h = header(block);
    lethe::count_up(h.steps);
    if (learn) lethe::count_up(h.since_start);
    forward<learn>(l, block, symbol);
    if (!learn) {
      h.stale = 1;
      return Status::ok;
    }
    h.pending = 1;
    return finite(l, block, false) ? Status::ok : Status::not_finite;
  }

  // delta_k, or the errors that follow from a target, into every unit; then the one pass.
  static Status learn(const Layout& l, char* block, const Target<T>& target, const T* error) {
    with_lanes<T>(l.padded_outputs, [&](auto lanes) {
      using Outputs = OutputLayer<T, decltype(lanes)::value>;
      if (error)
        Outputs::errors_from_outside(l, block, error);
      else
        Outputs::errors_from_target(l, block, target);
    });
    for (int layer = l.layers - 1; layer >= 0; --layer) {
      send_back(l, layer, block);
      Blocks::errors(l, layer, block);
    }
    if (!finite(l, block, true)) return Status::not_finite;
    lethe::count_up(header(block).updates);
    const auto do_pass = [&](auto rule) { pass<decltype(rule)>(l, block); };
    if (l.update.bound_step < HUGE_VAL)
      with_rule<true>(l.update.rule, do_pass);
    else
      with_rule<false>(l.update.rule, do_pass);
    return end_step(l, block);
  }

  // A row of outputs that can be read in whole vectors: itself where `readable` numbers from its
  // start suffice, else a copy.
  static LETHE_INLINE const T* whole_vectors(const Layout& l, char* block, const T* row,
                                             int64_t readable) {
    if (!row || readable >= l.padded_outputs) return row;
    T* const copy = as_span<T>(block, l.target);
    copy_lanes(copy, row, l.outputs);
    return copy;
  }

  static LETHE_INLINE Target<T> target_of(const Layout& l, char* block, const RunArguments<T>& a,
                                          int64_t t) {
    if (a.classes && !a.target_table) return {nullptr, a.classes[t]};
    const T* const rows = a.classes ? a.target_table : a.targets;
    const int64_t row = a.classes ? a.classes[t] : t;
    const int64_t count = a.classes ? a.target_rows : a.steps;
    return {whole_vectors(l, block, rows + row * l.outputs, (count - row) * l.outputs), -1};
  }

  // Errors at the cell outputs of a layer: from the output units and from the layer above.
  static void send_back(const Layout& l, int layer, char* block) {
    const int n = Blocks::cells(l), padded_blocks = Blocks::blocks(l),
              units = (3 + n) * padded_blocks;
    const LayerLayout& at = l.layer[layer];
    T* const cell_error = as_span<T>(block, at.cell_error);
    const T* const delta = as_span<T>(block, l.output_error);
    const T* row =
        as_span<T>(block, l.output_weights) + int64_t(layer) * l.blocks * n * l.padded_outputs;
    with_lanes<T>(l.padded_outputs, [&](auto lanes) {
      for (int v = 0; v < n; ++v, row += int64_t(l.blocks) * l.padded_outputs)
        send_to_sources<false, T, decltype(lanes)::value>(cell_error + v * padded_blocks, row,
                                                          delta, l.blocks, l.padded_outputs);
    });
    if (layer + 1 == l.layers) return;
    const LayerLayout& above = l.layer[layer + 1];
    const T* const unit_error = as_span<T>(block, above.unit_error);
    row = as_span<T>(block, above.weights) + int64_t(above.first_below) * units;
    for (int v = 0; v < n; ++v, row += int64_t(l.blocks) * units)
      send_to_sources<true, T, W>(cell_error + v * padded_blocks, row, unit_error, l.blocks, units);
  }

  template <class ThisRule>
  static void pass(const Layout& l, char* block) {
    const Coefficients<T> c = coefficients<T>(l, header(block));
    const T of_rate = ThisRule::of_rate(c.rate);
    for (int layer = 0; layer < l.layers; ++layer)
      Blocks::template pass<ThisRule>(l, layer, block, of_rate, c);
    with_lanes<T>(l.padded_outputs, [&](auto lanes) {
      OutputLayer<T, decltype(lanes)::value>::template pass<ThisRule>(l, block, of_rate, c);
    });
  }

  // Completes a step that had no error: its partials advance.
  static Status complete_step(const Layout& l, char* block) {
    if (!header(block).pending) return Status::ok;
    const Coefficients<T> none = {};
    for (int layer = 0; layer < l.layers; ++layer)
      Blocks::template pass<NoChange>(l, layer, block, T(0), none);
    return end_step(l, block);
  }

  static Status end_step(const Layout& l, char* block) {
    Header& h = header(block);
    h.pending = 0;
    if (!l.update.decay_per_sequence) h.rate *= l.update.decay;
    lethe::count_up(h.passes);
    if (h.passes % passes_between_snapshots && !h.snapshot_due) return Status::ok;
    return guard(l, block);
  }

  // Looks at the whole state, and, where all of it is finite, makes it what a roll-back goes back
  // to.
  static Status guard(const Layout& l, char* block) {
    if (!all_finite(block, l.state_begin, l.state_end) ||
        !all_finite(block, l.learned_begin, l.learned_end))
      return Status::not_finite;
    header(block).snapshot_due = 0;
    if (l.snapshots) std::memcpy(block + l.state_size, block, l.state_size);
    return Status::ok;
  }

  static bool all_finite(const char* block, int64_t begin, int64_t end) {
    const int64_t lanes = (end - begin) / static_cast<int64_t>(sizeof(T));
    constexpr int wide = native_lanes<T>;
    return sum<T, wide>(not_finite<T, wide>(as_span<T>(block, begin), lanes)) == T(0);
  }

  // Whether what this step computed is finite: outputs and states, and, with `errors`, the errors.
  static bool finite(const Layout& l, char* block, bool errors) {
    const int cells = Blocks::cells(l) * Blocks::blocks(l);
    Lanes<T, W> bad = {};
    for (int layer = 0; layer < l.layers; ++layer) {
      const LayerLayout& at = l.layer[layer];
      if (errors) {
        bad += not_finite<T, W>(as_span<T>(block, at.state_error), cells);
        bad += not_finite<T, W>(as_span<T>(block, at.output_gate_error), Blocks::blocks(l));
      } else {
        bad += not_finite<T, W>(as_span<T>(block, at.cell_state), cells);
        bad += not_finite<T, W>(as_span<T>(block, at.cell_output), cells);
      }
    }
    bool ok = true;
    with_lanes<T>(l.padded_outputs, [&](auto lanes) {
      constexpr int wide = decltype(lanes)::value;
      const T* const x = as_span<T>(block, errors ? l.output_error : l.output_y);
      ok = sum<T, wide>(not_finite<T, wide>(x, l.padded_outputs)) == T(0);
    });
    return ok && sum<T, W>(bad) == T(0);
  }

  // A new sequence starts within the stream: the rate's decay per sequence, and, as an external
  // teacher would, states and partials to zero. A frozen network keeps its rate.
  static void start_sequence(const Layout& l, char* block, bool reset, bool decays) {
    Header& h = header(block);
    if (decays) {
      if (l.update.decay_per_sequence && h.since_start) h.rate *= l.update.decay;
      h.since_start = 0;
    }
    if (reset) clear(l, block);
  }

  static void clear(const Layout& l, char* block) {
    std::memset(block + l.state_begin, 0, l.state_end - l.state_begin);
    lethe::set_initial_activations<T>(l, block);
    reset_partials(l, block);
    header(block).symbol = -1;
  }

  static void reset_partials(const Layout& l, char* block) {
    for (int layer = 0; layer < l.layers; ++layer) {
      const LayerLayout& at = l.layer[layer];
      std::memset(block + at.partials, 0, int64_t(at.rows) * l.layer_partials() * sizeof(T));
      if constexpr (variants)
        std::memset(block + at.peephole_partials, 0, l.peephole_partials() * sizeof(T));
    }
    header(block).stale = 0;
  }

  static Status run(const Layout& l, char* block, RunArguments<T>& a) {
    // An interrupt is looked for after about this many visits of weights: some 0.1 ms.
    const int64_t size = (l.learned_end - l.learned_begin) / static_cast<int64_t>(sizeof(T));
    const int64_t between = 1 + 200000 / size;
    int64_t until_look = between;
    const bool records = a.record_output || a.record_cell_state || a.record_cell_output ||
                         a.record_gate[0] || a.record_gate[1] || a.record_gate[2];
    bool stop = false;
    for (a.done = 0; a.done < a.steps;) {
      if (--until_look == 0) {
        until_look = between;
        if (a.interrupted(a.context)) return Status::interrupted;
      }
      const int64_t t = a.done;
      if (a.starts && a.starts[t]) {
        if (complete_step(l, block) != Status::ok) return Status::not_finite;
        start_sequence(l, block, a.reset_at_starts, a.learn);
      }
      const T* x = a.symbols ? nullptr : a.inputs + t * l.inputs;
      const int64_t symbol = a.symbols ? a.symbols[t] : -1;
      const Status status =
          a.learn ? step<true>(l, block, x, symbol) : step<false>(l, block, x, symbol);
      if (status != Status::ok) return status;
      const bool has_target = (a.targets || a.classes) && (!a.has_target || a.has_target[t]);
      if (has_target) {
        const Target<T> target = target_of(l, block, a, t);
        if (a.stop_bound < HUGE_VAL)
          with_lanes<T>(l.padded_outputs, [&](auto lanes) {
            stop = OutputLayer<T, decltype(lanes)::value>::is_wrong(l, block, target, a.stop_bound);
          });
        if (a.record_loss) a.record_loss[t] = loss<T>(l, block, target);
        if (records) record<T>(l, block, a);
        if (a.learn && (!stop || a.stop_learns))
          if (learn(l, block, target, nullptr) != Status::ok) return Status::not_finite;
      } else {
        if (a.record_loss) a.record_loss[t] = NAN;
        if (records) record<T>(l, block, a);
      }
      ++a.done;
      if (stop) break;
    }
    // Numbers of a frozen network that are not finite stay so: one look at the end finds them.
    if (!a.learn && !finite(l, block, false)) return Status::not_finite;
    return stop ? Status::stopped : Status::ok;
  }

  // The entry points: the same, with denormals flushed while they run.
  static Status enter_step(const Layout& l, char* block, const T* x, int64_t symbol, bool learns) {
    const FlushDenormals flush;
    if (learns) return step<true>(l, block, x, symbol);
    const Status status = step<false>(l, block, x, symbol);
    return status == Status::ok && !finite(l, block, false) ? Status::not_finite : status;
  }
  static Status enter_learn(const Layout& l, char* block, const T* target, int64_t one_hot,
                            const T* error) {
    const FlushDenormals flush;
    return learn(l, block, {whole_vectors(l, block, target, 0), one_hot},
                 whole_vectors(l, block, error, 0));
  }
  static Status enter_complete_step(const Layout& l, char* block) {
    const FlushDenormals flush;
    return complete_step(l, block);
  }
  static Status enter_run(const Layout& l, char* block, RunArguments<T>& a) {
    const FlushDenormals flush;
    return run(l, block, a);
  }
  static const Kernel<T>* kernel() {
    static const Kernel<T> k = {enter_step,     enter_learn, enter_complete_step, enter_run, guard,
                                start_sequence, clear,       reset_partials};
    return &k;
  }
};

}  // namespace LETHE_ISA
