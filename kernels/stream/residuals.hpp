// What distributions are made of: the last targets of each head beside what was predicted of them
// and the state that the stream was in; and the range that each target keeps to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "layout.hpp"

namespace LETHE_ISA {

constexpr double many_values = 30.0;  // of which none was negative: then none is expected to be
// Comings back to an end that no value has passed since: then it is a bound. A value that stays,
// as on a staircase, has come once.
constexpr double often_reached = 10.0;

struct Residuals {
  const NumberLayout& l;
  double* b;

  void start() const {
    for (int64_t i = 0; i < l.targets; ++i) {
      b[l.declared + 2 * i] = -HUGE_VAL;
      b[l.declared + 2 * i + 1] = HUGE_VAL;
    }
  }

  // After all predictors have answered: what a distribution will need, and forecasts kept in range.
  void annotate(double* record) const {
    const int64_t heads = l.heads();
    std::copy(b + l.mean_abs_error, b + l.mean_abs_error + heads, record + l.record.mean_abs_error);
    std::copy(b + l.residual_count, b + l.residual_count + heads, record + l.record.residuals_seen);
    for (int64_t i = 0; i < l.targets; ++i) {
      double* const bounds = record + l.record.bounds + 2 * i;
      find_bounds(i, bounds[0], bounds[1]);
      for (int64_t head = i * l.horizon; head < (i + 1) * l.horizon; ++head) {
        record[l.record.spread + head] = spread(record, head);
        double& blended = record[l.record.blended + head];
        blended = std::clamp(blended, bounds[0], bounds[1]);
      }
    }
  }

  // What was predicted, as it goes into an answer.
  void answer(const double* record, double* answer) const {
    const int64_t heads = l.heads();
    for (const int64_t part :
         {l.record.blended, l.record.mean_abs_error, l.record.residuals_seen, l.record.spread}) {
      std::copy(record + part, record + part + heads, answer);
      answer += heads;
    }
    std::copy(record + l.record.last_value, record + l.record.last_value + l.targets, answer);
    std::copy(record + l.record.bounds, record + l.record.bounds + 2 * l.targets,
              answer + l.targets);
  }

  // The target of one head is there.
  void learn(const double* record, int64_t head, double target) const {
    double& count = b[l.residual_count + head];
    const int64_t to = static_cast<int64_t>(count) % l.kept();
    double* const row = b + l.residuals + (head * l.kept() + to) * lethe::residual_numbers;
    row[lethe::was_actual] = target;
    row[lethe::was_predicted] = record[l.record.blended + head];
    row[lethe::was_usual] = record[l.record.mean_abs_error + head];
    row[lethe::was_last] = record[l.record.last_value + head / l.horizon];
    row[lethe::was_spread] = record[l.record.spread + head];
    count += 1;
    if (head % l.horizon == 0) observe_range(head / l.horizon, target, row[lethe::was_last]);
  }

  // Where nothing is learned the range follows all the same: it is the stream's, not the model's.
  void follow(const double* targets, const double* last) const {
    for (int64_t i = 0; i < l.targets; ++i)
      if (std::isfinite(targets[i])) observe_range(i, targets[i], last[i]);
  }

 private:
  // How far from the forecast the predictors are that have learned.
  double spread(const double* record, int64_t head) const {
    const int64_t k = l.predictors();
    const double* const p = record + l.record.predictions + head * k;
    double sum = 0;
    for (int64_t r = lethe::naive_predictors; r < k; ++r)
      sum += std::abs(p[r] - record[l.record.blended + head]);
    return sum / static_cast<double>(k - lethe::naive_predictors);
  }

  void observe_range(int64_t i, double value, double last) const {
    double* const range = b + l.range + 2 * i;
    double* const reached = b + l.reached + 2 * i;
    double& count = b[l.range_count + i];
    for (int64_t end = 0; end < 2; ++end) {
      const bool beyond = end == 0 ? value < range[0] : value > range[1];
      if (count == 0 || beyond) range[end] = value, reached[end] = 0;
      reached[end] += value == range[end] && value != last;
    }
    count += 1;
  }

  // Where values have to lie: what was declared; else where they have lain so far, if zero or a
  // value that comes again and again is the end of it.
  void find_bounds(int64_t i, double& least, double& most) const {
    const double* const range = b + l.range + 2 * i;
    const double* const reached = b + l.reached + 2 * i;
    const bool many = b[l.range_count + i] >= many_values;
    least = b[l.declared + 2 * i];
    most = b[l.declared + 2 * i + 1];
    if (!many) return;
    if (reached[0] >= often_reached)
      least = std::max(least, range[0]);
    else if (range[0] >= 0)
      least = std::max(least, 0.0);
    if (reached[1] >= often_reached)
      most = std::min(most, range[1]);
    else if (range[1] <= 0)
      most = std::min(most, 0.0);
    // Values outside what was declared: the nearest end of it.
    least = std::min(least, b[l.declared + 2 * i + 1]);
    most = std::max(most, least);
  }
};

}  // namespace LETHE_ISA
