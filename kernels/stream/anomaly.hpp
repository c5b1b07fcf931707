// How anomalous an event is: its error among those of the past, by itself and with the events
// before it. The score is 1 - p, where p says how often a stream that goes on as before brings
// something as anomalous:
//
// 1. The error is |actual - predicted|. Among the errors of the past, a sample of 1,000 of them, a
//    part h is at least as large and a part l at most as large (the event itself counts in both).
//    What is below a thousandth of the largest 2 % counts as that small.
// 2. The surprise is -log min(1, 2 min(h, l)): large for an error that is unusually large, and for
//    one that is unusually small, like those of a stuck sensor.
// 3. A run of surprises can be anomalous where none of them is: their mean over about the last 64
//    events has a sample of its own past, in which a part r is at least as large.
// 4. p = min(h / 0.1, r / 0.9): of all false alarms a tenth is left to single events, nine tenths
//    go to runs, and together there are no more than promised (Bonferroni's inequality). With
//    several targets, p is the least of theirs times their number.
//
// Among the largest 20 of a full sample, h and r follow the power law that fits these (Hill 1975),
// so that a score tells what is larger than all before from what is ten times as large.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "history.hpp"
#include "layout.hpp"
#include "stream.hpp"

namespace LETHE_ISA {

using lethe::AnomalyParts;
using lethe::How;
using lethe::Outcome;
using lethe::sample_size;

// A full sample takes in one of 16 at least, so that an anomaly of some hundreds of events hardly
// changes what is usual.
constexpr int64_t sampled_events = 16 * sample_size;
constexpr int64_t run_length = 64;        // events over which surprises are averaged
constexpr double share_of_single = 0.1;   // of all false alarms
constexpr int64_t tail_size = 20;         // the largest of a sample, which say how its tail goes on
constexpr double negligible = 1e-3;       // beside those largest
constexpr double rarest = 1e-6;           // nothing counts as rarer
constexpr double steepest_tail = 0.01;    // Hill's estimate, for values that hardly differ
constexpr double rounding_error = 1e-12;  // an error of less than this part of the value
// The fractions of their multiples cover the square evenly (Roberts's R2 sequence).
constexpr double first_fraction = 0.7548776662466927, second_fraction = 0.5698402909980532;

// A sample of all numbers so far, in order of size; in a long stream, of the last of them. Each of
// the first numbers has the same chance to be in it (reservoir sampling, Vitter 1985); later each
// new one has a constant chance, and old ones fade (Aggarwal 2006). An even sequence stands in for
// chance, so a stream gives the same scores every time.
struct Sample {
  double* values;
  double& count;

  int64_t size() const { return std::min(static_cast<int64_t>(count), sample_size); }
  static double seen_of(double count) { return std::min(count, double(sampled_events)); }

  void add(double value) const {
    int64_t held = size();
    count += 1;
    if (count > sample_size) {
      if (std::fmod(count * first_fraction, 1.0) * seen_of(count) >= sample_size) return;
      const auto gone = static_cast<int64_t>(std::fmod(count * second_fraction, 1.0) * sample_size);
      std::memmove(values + gone, values + gone + 1, (held - gone - 1) * sizeof(double));
      --held;
    }
    double* const place = std::upper_bound(values, values + held, value);
    std::memmove(place + 1, place, (values + held - place) * sizeof(double));
    *place = value;
  }

  // The part of the past that was at least as large, the value itself included. With `run`, so
  // many neighbours are much the same, and all of the value's are included: a sample of 1,000 from
  // 16,000 such numbers knows 250 that differ.
  double above(double value, int64_t run) const {
    const int64_t n = size();
    double own = 1.0;
    if (run > 1 && n) own = static_cast<double>(run * n) / seen_of(count);
    const double whole = static_cast<double>(n) + own;
    if (n > 10 * tail_size) {
      const double start = values[n - tail_size - 1];
      if (value > start && start > 0) {
        double logs = 0;
        for (int64_t i = n - tail_size; i < n; ++i) logs += std::log(values[i]);
        const double spread = logs / tail_size - std::log(start);
        const double beyond = (std::log(start) - std::log(value)) / std::max(spread, steepest_tail);
        return std::max(rarest, (tail_size + own) / whole * std::exp(beyond));
      }
    }
    const int64_t smaller = std::lower_bound(values, values + n, value) - values;
    return (static_cast<double>(n - smaller) + own) / whole;
  }

  // The part of the past that was at most as large, the value itself included. What is negligible
  // beside the largest few counts as equal: nobody wants to know that errors of a millionth have
  // become errors of a billionth.
  double below(double value) const {
    const int64_t n = size();
    if (n) value = std::max(value, negligible * values[n - n * tail_size / sample_size - 1]);
    const int64_t as_small = std::upper_bound(values, values + n, value) - values;
    return static_cast<double>(as_small + 1) / static_cast<double>(n + 1);
  }
};

struct AnomalyScorer {
  const AnomalyParts& at;
  double* b;
  int64_t targets;

  // Compares what came, NaN where it is missing, with what had been predicted, `stride` apart.
  void score(const double* actual, const double* predicted, int64_t stride, How how,
             Outcome& out) const {
    double least = 2.0;
    int64_t known = 0;
    out.scored = true;
    out.target = 0;
    for (int64_t i = 0; i < targets; ++i) {
      const double p = rareness(i, actual[i], predicted[i * stride], how);
      if (p != p) continue;
      ++known;
      if (p < least) least = p, out.target = i;
    }
    least *= static_cast<double>(known);
    out.score = !known ? not_a_number : least > 1.0 ? 0.0 : 1.0 - least;
    out.expected = predicted[out.target * stride];
    out.actual = actual[out.target];
  }

 private:
  // How often something as anomalous comes, p of the text above; NaN where a number is missing.
  double rareness(int64_t i, double actual, double predicted, How how) const {
    double error = std::abs(actual - predicted);
    if (error != error) return not_a_number;
    if (error > DBL_MAX)
      error = DBL_MAX;
    else if (error <= rounding_error * std::abs(actual))
      error = 0.0;
    const Sample errors = {b + at.errors + i * sample_size, b[at.error_count + i]};
    const Sample means = {b + at.means + i * sample_size, b[at.mean_count + i]};
    const double above = errors.above(error, 1);
    // One of the two parts is at least a half, since both count the event itself.
    const double rarer = above < 0.5 ? above : errors.below(error);
    const double surprise = rarer < 0.5 ? -std::log(2.0 * rarer) : 0.0;
    const auto events = static_cast<int64_t>(errors.count) + 1;
    double mean = b[at.mean + i], p = above / share_of_single;
    if (events <= run_length) {
      mean += (surprise - mean) / static_cast<double>(events);
    } else {
      mean += (surprise - mean) / run_length;
      p = std::min(p, means.above(mean, run_length) / (1.0 - share_of_single));
      if (how == How::learn) means.add(mean);
    }
    if (how == How::learn) errors.add(error);
    if (how != How::score) b[at.mean + i] = mean;
    return std::min(p, 1.0);
  }
};

}  // namespace LETHE_ISA
