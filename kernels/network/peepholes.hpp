// Peepholes: from the state of each cell to the gates of its own block (Gers, Schraudolph &
// Schmidhuber 2002). Input and forget gates read s_c(t-1), output gates s_c(t); no error flows back
// through them.
#pragma once

#include "lanes.hpp"
#include "layout.hpp"
#include "net_inputs.hpp"
#include "update.hpp"

namespace LETHE_ISA {

// What a kind of gate reads through its peepholes, for W blocks: `weights` and `states` are those
// of the first cell, `blocks` lanes to a cell's states and three times as many to its weights.
template <class T, int W>
LETHE_INLINE Lanes<T, W> through_peepholes(const T* weights, const T* states, int cells,
                                           int blocks) {
  Lanes<T, W> net = {};
  for (int v = 0; v < cells; ++v)
    net += load<W>(weights + 3 * v * blocks) * load<W>(states + v * blocks);
  return net;
}

// The peepholes' part of the pass: as update_row, but the source is a state, and so another one in
// each block; cells have no peepholes.
template <class Rule, class T, int W>
void update_peepholes(const Layout& l, const LayerLayout& at, char* block,
                      const Coefficients<T>& coefficients) {
  using V = Lanes<T, W>;
  const int cells = l.cells, blocks = l.padded_blocks;
  const Rows<Rule, T> rows(block, at.peepholes, at.peephole_moment1, at.peephole_moment2);
  for (int from = 0; from < cells; ++from) {
    const Rows<Rule, T> row = rows.from(int64_t(3) * from * blocks);
    T* const partials =
        as_span<T>(block, at.peephole_partials) + int64_t(2) * from * cells * blocks;
    const T* const past = as_span<T>(block, at.past_state) + from * blocks;
    const T* const present = as_span<T>(block, at.present_state) + from * blocks;
    const T* factors = as_span<T>(block, at.factors);
    for (int b = 0; b < blocks; b += W) {
      const V decay = load<W>(factors), output_gate_error = load<W>(factors + W);
      const V of_input = l.kept.input_gate ? V{} + T(1) : decay;
      const V of_forget = l.kept.forget_gate ? V{} + T(1) : decay;
      const V z = load<W>(past + b);
      factors += 2 * W;
      V to_input_gate = {}, to_forget_gate = {};
      for (int v = 0; v < cells; ++v, factors += 4 * W) {
        T* const input = partials + v * blocks + b;
        T* const forget = partials + (cells + v) * blocks + b;
        const V p_input = load<W>(input) * of_input + load<W>(factors + W) * z;         // eq. 20
        const V p_forget = load<W>(forget) * of_forget + load<W>(factors + 2 * W) * z;  // eq. 21
        store<W>(input, p_input);
        store<W>(forget, p_forget);
        const V state_error = load<W>(factors);
        to_input_gate += state_error * p_input;
        to_forget_gate += state_error * p_forget;
      }
      if constexpr (!__is_same(Rule, NoChange)) {
        Rule::template apply<T, W>(row.template at<W>(b), to_input_gate, coefficients);
        Rule::template apply<T, W>(row.template at<W>(blocks + b), to_forget_gate, coefficients);
        Rule::template apply<T, W>(row.template at<W>(2 * blocks + b),
                                   output_gate_error * load<W>(present + b), coefficients);
      }
    }
  }
}

}  // namespace LETHE_ISA
