// Features whose scale holds still.
//
// A running mean and spread never come to rest, and with them a linear predictor's weights would
// mean something else at every event. So a feature is measured from an anchor, which moves only
// where mean or spread have moved far; then weights and covariances are changed with it, and what
// is predicted stays the same.
#pragma once

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "linear.hpp"
#include "scales.hpp"

namespace LETHE_ISA {

using lethe::NumberLayout;

constexpr double most_stretch = 2.0;  // of the spread since the anchor was set
// What a feature reaches at most follows what comes again, so one absurd value is bounded and the
// same value again and again is not.
// It hardly falls back, so a rare value means the same whenever it comes.
constexpr double first_reach = 5.0, reach_growth = 4.0, reach_fading = 0.99999;
// So does the error of the open linear predictor, but soon.
constexpr double error_reach_fading = 0.999;
constexpr double most_weight = 1e170;
// An anchor that moves by more has nothing to do with what was before.
constexpr double most_move = 1e6;
constexpr double prior_covariance = 0.1, most_covariance = 10.0;

struct Anchors {
  const NumberLayout& l;
  double* b;

  // The nth anchored number: the targets' levels, then the columns by their slots.
  int64_t feature(int64_t nth) const {
    return 1 + nth + (nth < l.targets ? 0 : l.fixed() - l.targets);
  }

  double encode(int64_t nth, double value) const {
    const double spread = b[l.anchor_spread + nth];
    if (!std::isfinite(value) || !(spread > 0)) return 0.0;
    const double reach = std::max(b[l.anchor_reach + nth], first_reach);
    return std::clamp((value - b[l.anchor_mean + nth]) / spread, -reach, reach);
  }

  // A value has come: its feature's bound follows.
  void observe(int64_t nth, double value) const {
    const double spread = b[l.anchor_spread + nth];
    if (!std::isfinite(value) || !(spread > 0)) return;
    double& reach = b[l.anchor_reach + nth];
    reach = std::max(reach * reach_fading, first_reach);
    const double size = std::abs(value - b[l.anchor_mean + nth]) / spread;
    if (size > reach) reach = std::min({size, reach_growth * reach, most_reach});
  }

  // Moves the anchor if mean or spread have moved far from it. `each_record` hands every event that
  // waits to a function.
  template <class EachRecord>
  void follow(int64_t nth, double mean, double variance, EachRecord&& each_record) const {
    double &anchor = b[l.anchor_mean + nth], &spread = b[l.anchor_spread + nth];
    const double square = spread * spread, moved = mean - anchor;
    if (!(variance > 0) || !std::isfinite(variance)) return;
    if (variance <= most_stretch * most_stretch * square &&
        variance * most_stretch * most_stretch >= square && moved * moved <= variance)
      return;
    const double to = std::sqrt(variance);
    if (!(to > least_spread)) return;
    if (spread > 0) {
      const double ratio = to / spread, shift = moved / spread;
      const int64_t f = feature(nth);
      if (f < l.linear()) {
        const bool same = ratio < most_move && ratio * most_move > 1 && std::abs(shift) < most_move;
        if (!same)
          forget_weights(f);
        else if (b[l.ever_nonzero + f] != 0)
          move_weights(f, ratio, shift);
        each_record([&](double* record) {
          same ? move_record(record, f, ratio, shift) : forget_in(record, f);
        });
      }
    }
    anchor = mean;
    spread = to;
  }

 private:
  static constexpr double least_spread = 1e-140, most_reach = 1e6;
  static constexpr double most_gain = 1e15;  // layout.hpp has the ranges

  // Old feature = ratio * new feature + shift: weights of the constant and of this feature follow.
  void move_weights(int64_t f, double ratio, double shift) const {
    const int64_t n = l.linear(), all = lethe::linear_predictors * l.heads();
    for (int64_t i = 0; i < all; ++i) move(b + l.weights + i * n, f, ratio, shift, most_weight);
    for (int64_t i = 0; i < l.heads(); ++i)
      move(b + l.season_weights + i * n, f, ratio, shift, most_weight);
    for (int64_t i = 0; i < lethe::covariances; ++i)
      move_covariance(b + l.covariance + i * l.packed(), f, ratio, shift, n);
  }

  static void move(double* weights, int64_t f, double ratio, double shift, double most) {
    weights[0] = std::clamp(weights[0] + shift * weights[f], -most, most);
    weights[f] = std::clamp(weights[f] * ratio, -most, most);
  }

  void forget_weights(int64_t f) const {
    const int64_t n = l.linear(), all = lethe::linear_predictors * l.heads();
    for (int64_t i = 0; i < all; ++i) b[l.weights + i * n + f] = 0;
    for (int64_t i = 0; i < l.heads(); ++i) b[l.season_weights + i * n + f] = 0;
    for (int64_t i = 0; i < lethe::covariances; ++i)
      forget_feature(b + l.covariance + i * l.packed(), f, prior_covariance, n);
    b[l.ever_nonzero + f] = 0;
  }
  void forget_in(double* record, int64_t f) const {
    record[l.record.features + f] = 0;
    for (int64_t i = 0; i < lethe::covariances; ++i)
      record[l.record.gains + i * l.linear() + f] = 0;
  }

  // T P T', of the packed lower triangle.
  static void move_covariance(double* p, int64_t f, double ratio, double shift, int64_t n) {
    double* const row = p + f * (f + 1) / 2;
    p[0] += shift * (2 * row[0] + shift * row[f]);
    const auto first = [&](int64_t j) -> double& { return p[j * (j + 1) / 2]; };
    for (int64_t j = 1; j < n; ++j) first(j) += shift * (j <= f ? row[j] : p[j * (j + 1) / 2 + f]);
    for (int64_t j = 0; j <= f; ++j) row[j] *= ratio;
    for (int64_t j = f; j < n; ++j) p[j * (j + 1) / 2 + f] *= ratio;
    bound_variance(p, 0, most_covariance, n);
    bound_variance(row, f, most_covariance, n);
  }

  void move_record(double* record, int64_t f, double ratio, double shift) const {
    double& feature = record[l.record.features + f];
    feature = std::clamp((feature - shift) / ratio, -most_reach, most_reach);
    for (int64_t i = 0; i < lethe::covariances; ++i)
      move(record + l.record.gains + i * l.linear(), f, ratio, shift, most_gain);
  }
};

}  // namespace LETHE_ISA
