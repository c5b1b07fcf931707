// What is predicted of each head (a target, so many events ahead), and learned from it as soon as
// its own target is there.
#pragma once

#include <algorithm>
#include <cmath>

#include "anchors.hpp"
#include "delays.hpp"
#include "deviants.hpp"
#include "history.hpp"
#include "layout.hpp"
#include "linear.hpp"
#include "mixture.hpp"
#include "naive.hpp"
#include "residuals.hpp"
#include "seasonal_linear.hpp"

namespace LETHE_ISA {

constexpr double linear_forgetting[lethe::covariances] = {0.9999, 0.995};
// Errors count at most, in usual distances.
constexpr double linear_bound = 2.0, network_bound = 3.0;
// The open linear predictor's bound follows what comes again, as features' bounds do.
constexpr double most_open_reach = 1e100;
constexpr double largest_step = 1e150;  // beyond it weights are kept within `most_weight`
// Large errors have a unit of their own, the mean of their sizes, each counted by its size. What
// the network for memory learns, and says, is in this unit.
constexpr double unit_memory = 0.9995;
constexpr double most_surprise = 3.0, most_remembered = 10.0, most_counted_error = 30.0;
constexpr double most_error = 1e150;  // the square of it, 2,000 times, is finite

struct Heads {
  const lethe::Memory<NumberLayout>& m;
  const NumberLayout& l = m.layout;
  double* b = m.numbers();
  History history = {l, b};
  NaivePredictors naive = {l, b};
  Delays delays = {l, b};
  Residuals residuals = {l, b};
  SeasonalLinear seasonal_linear = {l, b};

  // ---- predicting ----

  // What all predictors say, the networks' outputs included, and their blends.
  void predict(double* record) const {
    const int64_t heads = l.heads();
    const double* const newest = history.newest();
    for (int64_t i = 0; i < l.targets; ++i)
      record[l.record.last_value + i] = b[l.counted + i] > 0 ? newest[i] : not_a_number;
    std::copy(b + l.scale, b + l.scale + heads, record + l.record.scale);
    std::fill(record + l.record.targets, record + l.record.targets + heads, not_a_number);
    std::fill(record + l.record.useful, record + l.record.useful + heads, 0.0);
    // What was there of another event is not moved with anchors, nor saved.
    std::fill(record + l.record.remainder, record + l.record.remainder + heads, 0.0);
    std::fill(record + l.record.gains, record + l.record.gains + lethe::covariances * l.linear(),
              0.0);
    record[l.record.complete] = 0;
    naive.predict(record[l.record.seconds], record + l.record.predictions);
    for (int64_t head = 0; head < heads; ++head) {
      double* const p = record + l.record.predictions + head * l.predictors();
      predict_learned(record, head, p);
      blend_all(head, p, record);
    }
    residuals.annotate(record);
  }

  // ---- learning ----

  // Learns one head's target; false where networks cannot. What they are to learn of it, in usual
  // distances, goes into the record.
  bool learn(double* record, int64_t head) const {
    const double target = record[l.record.targets + head];
    const double distance = target - record[l.record.last_value + head / l.horizon];
    if (!std::isfinite(distance)) return false;  // missing, or nothing was known
    const double scale = record[l.record.scale + head];
    const double left = distance - record[l.record.base + head];
    if (scale > 0) {
      learn_linear(record, head, distance, scale);
      record[l.record.remainder + head] = std::clamp(left / scale, -network_bound, network_bound);
    }
    if (head % l.horizon == 0) learn_next(record, head / l.horizon, left);
    learn_blends(record, head, target);
    follow_mean(b[l.scale + head], b[l.distances + head], std::abs(distance));
    record[l.record.useful + head] = scale > 0;
    return scale > 0;
  }

  // The unit of a target's large errors; 0 before there was any.
  double error_unit(int64_t i) const {
    const double sum = b[l.error_sum + i];
    return sum > 0 ? std::min(b[l.error_squares + i] / sum, most_error) : 0.0;
  }

  // What the slow linear predictor left of what came next, in the unit of large errors.
  double left_over(const double* record, int64_t i, double target, double most) const {
    const double unit = error_unit(i);
    const int64_t head = i * l.horizon;
    const double left = target - record[l.record.last_value + i] - record[l.record.base + head];
    return unit > 0 && std::isfinite(left) ? std::clamp(left / unit, -most, most) : 0.0;
  }

  double* weights(int64_t predictor, int64_t head) const {
    return b + l.weights + (predictor * l.heads() + head) * l.linear();
  }

 private:
  // Linear predictors and networks say how far the target will be from the last value.
  void predict_learned(double* record, int64_t head, double* p) const {
    const double* const phi = record + l.record.features;
    const double scale = b[l.scale + head], bound = farthest * scale, last_value = p[lethe::last];
    const int64_t i = head / l.horizon, ahead = head % l.horizon;
    double* const linear = p + lethe::naive_predictors;
    for (int64_t f = 0; f < lethe::linear_predictors; ++f) {
      const double distance = dot(weights(f, head), phi, l.linear());
      linear[f] = f == lethe::open_linear ? std::clamp(distance, -most_distance, most_distance)
                                          : std::clamp(distance, -bound, bound);
    }
    p[lethe::seasonal_linear] = last_value + seasonal_linear.predict(record, head, bound);
    const double base = linear[lethe::slow_linear];
    record[l.record.base + head] = base;
    double* const network = p + l.first_network();
    const lethe::Group& group = m.group[ahead ? lethe::of_far : lethe::of_next];
    const int64_t outputs = ahead ? l.heads() : l.targets, output = ahead ? head : i;
    const float* const said = m.outputs.data() + group.outputs + output;
    for (int64_t r = 0; r < l.group[lethe::of_next].networks; ++r)
      network[r] = std::clamp(base + scale * static_cast<double>(said[r * outputs]), -bound, bound);
    p[l.memory()] = base;
    if (!ahead) {
      const double remembered = m.outputs[m.group[lethe::of_memory].outputs + i];
      p[l.memory()] += error_unit(i) * std::clamp(remembered, -most_remembered, most_remembered);
    }
    p[l.delayed()] = base;
    if (!ahead && l.delay_sources()) {
      double* const taps = record + l.record.taps + i * lethe::delay_taps;
      p[l.delayed()] += record[l.record.delayed + i] =
          std::clamp(delays.predict(i, taps), -most_distance, most_distance);
    }
    for (int64_t r = lethe::naive_predictors; r < l.predictors(); ++r) p[r] += last_value;
  }

  void blend_all(int64_t head, const double* predictions, double* record) const {
    const int64_t k = l.predictors();
    const double* const w = b + l.blend_weights + head * l.blending();
    double* const blends = record + l.record.blends + 2 * head;
    blends[lethe::in_usual_errors] = blend(w, predictions, k);
    blends[lethe::in_slow_units] = blend(w + k, predictions, k);
    const double plain = record[l.record.plain + head] = blend(w + 2 * k, blends, 2);
    // Errors further ahead overlap: what helps once helps many times, and says little.
    record[l.record.blended + head] =
        head % l.horizon ? plain
                         : deviants_of(head / l.horizon)
                               .corrected(predictions, plain, b[l.mean_abs_error + head]);
  }

  // Which predictors of a head say something of their own: seasons where there are any, and what
  // only looks at what comes next there alone.
  const double* find_says(int64_t head) const {
    double* const says = m.says.data();
    std::fill(says, says + l.predictors(), 1.0);
    const bool first = history.season(0).length > 0, second = history.season(1).length > 0;
    for (int64_t kind = lethe::season; kind < lethe::scaled_season; kind += lethe::seasons) {
      says[kind] = first;
      says[kind + 1] = second;
    }
    says[lethe::scaled_season] = says[lethe::seasonal_linear] = first;
    if (head % l.horizon) says[l.memory()] = says[l.delayed()] = 0;
    return says;
  }

  Deviants deviants_of(int64_t i) const {
    const int64_t k = l.predictors();
    return {b + l.apart + i * k, b + l.trust + i * k, b + l.trusted + i * k, b + l.benefit + i * k,
            k};
  }

  void learn_linear(const double* record, int64_t head, double distance, double scale) const {
    const int64_t n = l.linear();
    const double* const phi = record + l.record.features;
    for (int64_t f = 0; f < lethe::linear_predictors; ++f) {
      double* const w = weights(f, head);
      const double* const gain = record + l.record.gains + (f == lethe::fast_linear ? n : 0);
      double e = distance - dot(w, phi, n);
      if (f == lethe::open_linear) {
        double& reach = b[l.reach + head];
        reach = std::max(reach * error_reach_fading, linear_bound);
        const double size = std::abs(e) / scale, most = reach;
        if (size > reach) reach = std::min({size, reach_growth * reach, most_open_reach});
        e = std::clamp(e, -most * scale, most * scale);
      } else {
        e = std::clamp(e, -linear_bound * scale, linear_bound * scale);
      }
      for (int64_t i = 0; i < n; ++i) w[i] += e * gain[i];
      if (std::abs(e) > largest_step)
        for (int64_t i = 0; i < n; ++i) w[i] = std::clamp(w[i], -most_weight, most_weight);
    }
    seasonal_linear.learn(record, head, distance, linear_bound * scale, farthest * scale);
  }

  // What is learned of a target that comes next alone.
  void learn_next(const double* record, int64_t i, double left) const {
    if (l.delay_sources())
      delays.learn(i, record + l.record.taps + i * lethe::delay_taps, record[l.record.delayed + i],
                   left, error_unit(i),
                   static_cast<int64_t>(b[l.pending_events.events] - record[l.record.number]) + 1);
    observe_error(i, left);
  }

  void observe_error(int64_t i, double left) const {
    const double unit = error_unit(i);
    b[l.surprise + i] = unit > 0 ? std::clamp(left / unit, -most_surprise, most_surprise) : 0.0;
    double size = std::abs(left);
    if (unit > 0 && b[l.counted + i] > warm_up) size = std::min(size, most_counted_error * unit);
    size = std::min(size, most_error);
    b[l.error_sum + i] = unit_memory * b[l.error_sum + i] + size;
    b[l.error_squares + i] = unit_memory * b[l.error_squares + i] + size * size;
  }

  void learn_blends(const double* record, int64_t head, double target) const {
    const double error = record[l.record.blended + head] - target;
    const double usual_then = record[l.record.mean_abs_error + head];
    residuals.learn(record, head, target);
    double& usual = b[l.mean_abs_error + head];
    follow_falling_mean(usual, b[l.errors + head], b[l.calm + head], std::abs(error));
    double& slow_unit = b[l.slow_unit + head];
    double count = b[l.errors + head] - 1;
    follow_mean(slow_unit, count, std::abs(error), slowest_unit);
    const int64_t k = l.predictors(), first = head * l.blending();
    const double* const p = record + l.record.predictions + head * k;
    const double* const blends = record + l.record.blends + 2 * head;
    const double plain = record[l.record.plain + head];
    const auto state = [&](int64_t at, lethe::Blend which) -> BlendState {
      const int64_t nth = head * lethe::blend_count + which;
      return {b + l.blend_weights + first + at, b + l.regret + first + at,
              b + l.squares + first + at, b[l.most + nth]};
    };
    const double* const says = find_says(head);
    constexpr double both[] = {1, 1};
    learn_blend(state(0, lethe::in_usual_errors), p, says, k, blends[lethe::in_usual_errors],
                target, usual);
    learn_blend(state(k, lethe::in_slow_units), p, says, k, blends[lethe::in_slow_units], target,
                usual, slow_unit);
    learn_blend(state(2 * k, lethe::of_blends), blends, both, 2, plain, target, usual);
    if (head % l.horizon == 0)
      deviants_of(head / l.horizon).learn(p, plain, target, usual_then, b[l.errors + head] - 1);
  }
};

}  // namespace LETHE_ISA
