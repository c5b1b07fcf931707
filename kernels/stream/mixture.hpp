// Blending predictors by what each got wrong.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "layout.hpp"

namespace LETHE_ISA {

constexpr double blend_forgetting = 0.999;
constexpr double most_promised = 3.0;  // usual errors
constexpr double least_unit = 1e-100;  // errors beyond this times 1e250 would be infinite
constexpr double rounding = 1e-12;     // predictions that differ by this part are the same
constexpr double most_counted = 50.0;  // units, of one event
constexpr double first_weight = 1.0, other_first_weight = 0.1;

// A weighted mean, as a way from the first value: where all are the same it is that, to the bit.
inline double blend(const double* weights, const double* values, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += weights[i] * (values[i] - values[0]);
  return values[0] + sum;
}

// Two naive predictors are believed first, the last value and last season's; the others have to
// show what they can do.
inline void first_blend_weights(double* weights, int64_t predictors) {
  const double sum = 2 * first_weight + other_first_weight * static_cast<double>(predictors - 2);
  for (int64_t i = 0; i < 2 * predictors; ++i) {
    const int64_t predictor = i % predictors;
    const bool believed = predictor == lethe::last || predictor == lethe::season;
    weights[i] = (believed ? first_weight : other_first_weight) / sum;
  }
  weights[2 * predictors] = weights[2 * predictors + 1] = 0.5;
}

// One blend of one head: its weights, and what they follow from.
struct BlendState {
  double *weights, *regret, *squares;
  double& most;
};

// Polynomially weighted averaging of predictors (Cesa-Bianchi & Lugosi 2003; a rate for each
// predictor as in Gaillard, Stoltz & van Erven 2014), on the slope of the absolute error: a
// predictor's regret grows by how much less the error would be with a little more of it. Measured
// in units of the usual error, which follows quickly, what happens every day decides; in units that
// hardly move, times of large errors do. Nobody knows which a stream wants, so there are both, and
// a third blend, in usual errors, of these two. Regrets have no unit of the target's, and no event
// counts for more than `most_counted`, however absurd it is: what it did is soon forgotten. A
// predictor that has nothing of its own to say, and so says what another does, has no weight: it
// `says` 0, and else 1.
inline void learn_blend(const BlendState& state, const double* predictions, const double* says,
                        int64_t n, double blended, double target, double usual,
                        double slow_unit = 0) {
  const double error = blended - target;
  const double unit = slow_unit > 0 ? slow_unit : usual;
  if (!(unit > least_unit)) return;
  const double slope = static_cast<double>((error > 0) - (error < 0)) / unit;
  state.most *= blend_forgetting * blend_forgetting;
  for (int64_t i = 0; i < n; ++i) {
    // Who says the same as the blend gains nothing and forgets nothing; at the start, where all
    // do, what is left is rounding and decides nothing.
    const double apart = blended - predictions[i];
    if (std::abs(apart) <= rounding * std::abs(blended)) continue;
    // The slope holds nearby only. To a predictor that is far off on the other side it would
    // promise a lot, and half of the time that would be believed: then what counts is the truth.
    const double promised = std::min(slope * apart, most_promised * usual / unit);
    const double gained = (std::abs(error) - std::abs(predictions[i] - target)) / unit;
    const double r = std::clamp(std::max(promised, gained), -most_counted, most_counted);
    state.regret[i] = blend_forgetting * state.regret[i] + r;
    state.squares[i] = blend_forgetting * state.squares[i] + r * r;
    state.most = std::max(state.most, r * r);
  }
  const double least = slow_unit > 0 ? state.most : 1.0;
  const auto weight = [&](int64_t i) {
    return says[i] * std::max(state.regret[i], 0.0) / (least + state.squares[i]);
  };
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += weight(i);
  if (!(total > 0 && total < HUGE_VAL)) return;  // none would have been better: it stays
  for (int64_t i = 0; i < n; ++i) state.weights[i] = weight(i) / total;
}

}  // namespace LETHE_ISA
