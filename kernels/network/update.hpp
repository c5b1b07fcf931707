// Weight changes, in the same pass over memory as the partials (eqs. 13, 19-21, 23, 24).
#pragma once

#include "lanes.hpp"
#include "layout.hpp"

namespace LETHE_ISA {

using lethe::Update;

// The numbers of an update rule at one step.
template <class T>
struct Coefficients {
  T rate, first, rest_of_first, second, rest_of_second, epsilon2, correct_first, correct_second,
      bound;
};

// W weights in memory, and the moments that a rule keeps for them.
template <class T, int W>
struct Weight {
  using V = Lanes<T, W>;
  T* w;
  T* moment1;
  T* moment2;
  LETHE_INLINE void add(V change) const { store<W>(w, load<W>(w) + change); }
};

// Each rule: `of_rate`, what the errors are multiplied by before the pass, and `apply`, which
// changes W weights whose negative gradient is g. Plain SGD puts the rate into the errors, which
// saves a multiplication for each weight; a bound that is not there costs nothing.
template <bool bounded, class T, int W>
LETHE_INLINE Lanes<T, W> within(Lanes<T, W> change, const Coefficients<T>& c) {
  if constexpr (bounded) return clamp<T, W>(change, c.bound);
  return change;
}

template <bool bounded>
struct Sgd {
  static constexpr int moments = 0;
  template <class T>
  static LETHE_INLINE T of_rate(T rate) {
    return rate;
  }
  template <class T, int W>
  static LETHE_INLINE void apply(Weight<T, W> at, Lanes<T, W> g, const Coefficients<T>& c) {
    at.add(within<bounded, T, W>(g, c));
  }
};

template <bool bounded>
struct Momentum {
  static constexpr int moments = 1;
  template <class T>
  static LETHE_INLINE T of_rate(T) {
    return T(1);
  }
  template <class T, int W>
  static LETHE_INLINE void apply(Weight<T, W> at, Lanes<T, W> g, const Coefficients<T>& c) {
    const Lanes<T, W> m = load<W>(at.moment1) * c.first + g;
    store<W>(at.moment1, m);
    at.add(within<bounded, T, W>(m * c.rate, c));
  }
};

template <bool bounded>
struct RmsProp {
  static constexpr int moments = 2;  // the second alone is kept
  template <class T>
  static LETHE_INLINE T of_rate(T) {
    return T(1);
  }
  template <class T, int W>
  static LETHE_INLINE void apply(Weight<T, W> at, Lanes<T, W> g, const Coefficients<T>& c) {
    const Lanes<T, W> s = load<W>(at.moment2) * c.second + (g * g) * c.rest_of_second;
    store<W>(at.moment2, s);
    const Lanes<T, W> scale = reciprocal_square_root<T, W>(s + c.epsilon2);
    at.add(within<bounded, T, W>((g * c.rate) * scale, c));
  }
};

template <bool bounded>
struct Adam {
  static constexpr int moments = 3;
  template <class T>
  static LETHE_INLINE T of_rate(T) {
    return T(1);
  }
  template <class T, int W>
  static LETHE_INLINE void apply(Weight<T, W> at, Lanes<T, W> g, const Coefficients<T>& c) {
    const Lanes<T, W> m = load<W>(at.moment1) * c.first + g * c.rest_of_first;
    const Lanes<T, W> s = load<W>(at.moment2) * c.second + (g * g) * c.rest_of_second;
    store<W>(at.moment1, m);
    store<W>(at.moment2, s);
    const Lanes<T, W> scale = reciprocal_square_root<T, W>(s * c.correct_second + c.epsilon2);
    at.add(within<bounded, T, W>((m * (c.rate * c.correct_first)) * scale, c));
  }
};

// A step without an error: partials advance, weights and moments stay.
struct NoChange {
  static constexpr int moments = 0;
  template <class T, int W>
  static LETHE_INLINE void apply(Weight<T, W>, Lanes<T, W>, const Coefficients<T>&) {}
};

// Rows of weights and of the moments that a rule keeps for them. Moments that it does not keep
// point at the weights and are never touched.
template <class Rule, class T>
struct Rows {
  T* w;
  T* moment1;
  T* moment2;

  Rows(char* block, int64_t weights, int64_t first, int64_t second)
      : w(reinterpret_cast<T*>(block + weights)),
        moment1(Rule::moments & 1 ? reinterpret_cast<T*>(block + first) : w),
        moment2(Rule::moments & 2 ? reinterpret_cast<T*>(block + second) : w) {}

  Rows(T* at, T* first, T* second) : w(at), moment1(first), moment2(second) {}

  LETHE_INLINE Rows from(int64_t i) const { return {w + i, moment1 + i, moment2 + i}; }
  template <int W>
  LETHE_INLINE Weight<T, W> at(int64_t i) const {
    return {w + i, moment1 + i, moment2 + i};
  }
};

// One source's row: each partial is read, advanced (eqs. 19-21), used for its weight (eqs. 23, 24)
// and written, all in one visit. `factors` holds, for each vector of blocks, the forget gate's
// activation, the output gate's error, and for each cell the state's error and what eqs. 19-21 add
// per source. z differs between kinds only in the bias's row, where it is 0 for kinds without a
// bias. `kept`: which partials do not decay, as in 1997; only with `variants`.
//
// `far`: weights and partials come from main memory, and each row is prefetched by software while
// the one before it is updated. At 1,024 cells this saves a tenth of a step; from a cache it would
// cost as much.
template <class Rule, bool variants, class T, int W, int S, bool far>
LETHE_INLINE void update_row(const Rows<Rule, T> row, T* partials, const T* factors,
                             const lethe::Kept kept, const int blocks, const int any_cells,
                             const T z_input, const T z_forget, const T z_output, const T z_cell,
                             const Coefficients<T>& coefficients) {
  using V = Lanes<T, W>;
  constexpr bool learns = !__is_same(Rule, NoChange);
  const int cells = S ? S : any_cells;
  for (int b = 0; b < blocks; b += W) {
    const V decay = load<W>(factors), output_gate_error = load<W>(factors + W);
    const auto unless = [&](bool is_kept) LETHE_INLINE_LAMBDA {
      return variants && is_kept ? V{} + T(1) : decay;
    };
    factors += 2 * W;
    V to_input_gate = {}, to_forget_gate = {};
    if constexpr (far && learns)
      for (int kind = 0; kind < 3 + cells; ++kind)
        __builtin_prefetch(row.w + (3 + cells + kind) * int64_t(blocks) + b, 1, 2);
    for (int v = 0; v < cells; ++v, factors += 4 * W) {
      T* const input = partials + v * blocks + b;
      T* const forget = partials + (cells + v) * blocks + b;
      T* const own = partials + (2 * cells + v) * blocks + b;
      if constexpr (far) {
        const int64_t ahead = int64_t(3) * cells * blocks;
        __builtin_prefetch(input + ahead, 1, 2);
        __builtin_prefetch(forget + ahead, 1, 2);
        __builtin_prefetch(own + ahead, 1, 2);
      }
      const V p_input = load<W>(input) * unless(kept.input_gate) + load<W>(factors + W) * z_input;
      const V p_forget =
          load<W>(forget) * unless(kept.forget_gate) + load<W>(factors + 2 * W) * z_forget;
      const V p_own = load<W>(own) * unless(kept.cell) + load<W>(factors + 3 * W) * z_cell;
      store<W>(input, p_input);
      store<W>(forget, p_forget);
      store<W>(own, p_own);
      if constexpr (learns) {
        const V state_error = load<W>(factors);
        to_input_gate += state_error * p_input;
        to_forget_gate += state_error * p_forget;
        Rule::template apply<T, W>(row.template at<W>((3 + v) * blocks + b), state_error * p_own,
                                   coefficients);
      }
    }
    if constexpr (learns) {
      Rule::template apply<T, W>(row.template at<W>(b), to_input_gate, coefficients);
      Rule::template apply<T, W>(row.template at<W>(blocks + b), to_forget_gate, coefficients);
      Rule::template apply<T, W>(row.template at<W>(2 * blocks + b), output_gate_error * z_output,
                                 coefficients);
    }
  }
}

// The factors of both cells of four blocks, shared by all sources.
template <class T>
struct PairFactors {
  Lanes<T, 8> state_error, inject_input, inject_forget, inject_cell;
};

// The same for four blocks of two cells: each vector of eight holds the first cells and then the
// second cells, and so do the rows of partials and, behind the gates, of weights.
template <class Rule, class T>
LETHE_INLINE void update_row_of_pairs(const Rows<Rule, T> row, T* partials, const T z_input,
                                      const T z_forget, const T z_output, const T z_cell,
                                      const Lanes<T, 8> decay, const Lanes<T, 4> output_gate_error,
                                      const PairFactors<T>& both,
                                      const Coefficients<T>& coefficients) {
  constexpr int W = 4, D = 8;
  using V = Lanes<T, D>;
  const V p_input = load<D>(partials) * decay + both.inject_input * z_input;
  const V p_forget = load<D>(partials + D) * decay + both.inject_forget * z_forget;
  const V p_own = load<D>(partials + 2 * D) * decay + both.inject_cell * z_cell;
  store<D>(partials, p_input);
  store<D>(partials + D, p_forget);
  store<D>(partials + 2 * D, p_own);
  if constexpr (!__is_same(Rule, NoChange)) {
    const V g_input = both.state_error * p_input, g_forget = both.state_error * p_forget;
    const V to_gates = low_halves<T>(g_input, g_forget) + high_halves<T>(g_input, g_forget);
    Rule::template apply<T, D>(row.template at<D>(0), to_gates, coefficients);
    Rule::template apply<T, W>(row.template at<W>(D), output_gate_error * z_output, coefficients);
    Rule::template apply<T, D>(row.template at<D>(3 * W), both.state_error * p_own, coefficients);
  }
}

}  // namespace LETHE_ISA
