// How anomalous an event is, beside all that came before. The score is 1 - p, where p says how
// often a stream that goes on as before brings something as anomalous.
//
// Each target is watched in several ways, and each way knows how often what came was as large
// (tail.hpp):
//
// 1. the error |actual - predicted|, of this event alone;
// 2. runs: the mean surprise over about 16 and 128 events, where an event's surprise is -log of the
//    part of the past whose errors were at least as large (over 128: or at most as small), and a
//    single event counts little;
// 3. runs of errors that are unusually small;
// 4. how far a value is beyond the range so far, in its widths;
// 5. how far the mean of a season, or of 32 events, is from what it was;
// 6. how often a value, or a gap, has been repeated.
//
// Each has its share of all false alarms, so that together there are no more than promised
// (Bonferroni's inequality): q is the least of their parts over its share, times the number of
// targets, and of several targets what they do together has a share, too. An event of a run counts
// as one of as many as are odd together, but where it is rarer than all before in it by far. Since
// q is careful, and more so where values are few or columns silent, it is itself compared with all
// q so far, and p is the smaller of the two. What happened in the last 128 events, without bounds,
// makes an event no more than one in twenty.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdint>

#include "alarms.hpp"
#include "history.hpp"
#include "layout.hpp"
#include "linear.hpp"
#include "stream.hpp"
#include "tail.hpp"

namespace LETHE_ISA {

using lethe::AnomalyParts;
using lethe::How;
using lethe::Outcome;

constexpr double short_length = 16, long_length = 128, quiet_length = 32;  // of runs, in events
constexpr double most_of_surprise = 5.0;            // that one event counts in a run
constexpr double of_neighbours = 0.05;              // no rarer is what only its neighbours are
constexpr double rare_part = 0.002;                 // of errors are larger than what counts in full
constexpr double negligible = 1e-4;                 // of the series' usual change
constexpr double as_small = 1e-3, of_large = 0.02;  // of what the largest errors exceed: no less
constexpr double rounding_error = 1e-12;            // of the value
constexpr double range_warm_up = 100;               // events before a range is one
constexpr double unknown_range = 0.05;              // beyond it, where nothing was before
constexpr double far_error = 8.0;                   // usual errors
constexpr double looked_back = 256, few_far = 1, many_far = 0.025, kept_of_learning = 0.125;
constexpr double much_rarer = 0.3;  // than the last event of its run that was told
constexpr double share_of_joint = 0.05;
constexpr double joint_forgetting = 0.999, joint_prior = 1.0, most_joint_covariance = 1e6;

struct AnomalyScorer {
  const AnomalyParts& at;
  double* b;
  int64_t targets;
  enum Of { numbers, classes, new_class } of = numbers;  // classes: of their surprise

  static void start(const AnomalyParts& at, double* b, int64_t targets) {
    for (int64_t i = 0; i < targets; ++i) {
      for (int64_t k = 0; k < lethe::tails; ++k) {
        const lethe::TailShape& shape = lethe::tail_shapes[k];
        b[at.first + i * lethe::tails + k] = shape.first * shape.per_octave;
      }
      for (const int64_t number :
           {at.last + i, at.window_level + i, at.awaited + 2 * i, at.awaited + 2 * i + 1})
        b[number] = not_a_number;
      b[at.stays + i] = first_stays;
      std::fill_n(b + at.told + i * lethe::alarm_channels, lethe::alarm_channels, 1.0);
      b[at.level_odds + i] = 1;
      AlarmWatch{at, b, i, targets}.start();
    }
    const int64_t joint = AnomalyParts::joined(targets);
    for (int64_t i = 0; i < joint; ++i) forget_feature(b + at.joint_inverse, i, joint_prior, joint);
  }

  // Compares what came, NaN where it is missing, with what had been predicted, `stride` apart.
  // `level`: of numbers, where a level that follows slowly would have them, `level_stride` apart.
  void score(const double* actual, const double* predicted, int64_t stride, const double* level,
             int64_t level_stride, How how, Outcome& out) const {
    double least = 2.0;
    int64_t known = 0;
    out.scored = true;
    out.target = 0;
    double errors[lethe::most_joint];
    const int64_t together = AnomalyParts::joined(targets);
    for (int64_t i = 0; i < targets; ++i) {
      Odds odds = look(i, actual[i], predicted[i * stride], how);
      tell_once(i, odds, how);
      if (level && odds.known) odds.off_level = actual[i] - level[i * level_stride];
      if (i < together) errors[i] = odds.standardised;
      watch(i, odds, actual[i], predicted[i * stride], how, out);
      if (!odds.known) continue;
      ++known;
      int64_t channel = 0;
      const double p = odds.least(channel);
      if (p < least) least = p, out.target = i, out.channel = channel;
    }
    out.score = not_a_number;
    if (known) {
      double q = least * static_cast<double>(known);
      const double joint = together ? joint_odds(errors, together, how) : 1.0;
      if (joint < q) q = joint, out.channel = lethe::by_joint;
      out.score = 1 - calibrated(std::min(q, 1.0), how);
    }
    out.expected = predicted[out.target * stride];
    out.actual = actual[out.target];
  }

  // After the history has taken an event in: the mean over so many of the newest values.
  void follow_level(int64_t i, double mean) const {
    double &level = b[at.window_level + i], &odds = b[at.level_odds + i];
    if (level != level) level = mean;
    const Tail levels = tail(lethe::of_levels, i);
    const double far = std::abs(mean - level);
    odds = far > 0 ? levels.above(far) : 1.0;
    add_later(lethe::of_levels, i, far, true);
    const double events = b[at.delayed_count + i * lethe::tails + lethe::of_levels];
    level += std::max(1 / events, slowest_level) * (mean - level);
  }

 private:
  Tail tail(int64_t kind, int64_t i) const {
    const lethe::TailShape& shape = lethe::tail_shapes[kind];
    const int64_t nth = i * lethe::tails + kind;
    return {b + at.tail[kind] + i * shape.bins,
            b[at.largest + nth],
            b[at.first + nth],
            shape.bins,
            shape.per_octave,
            shape.largest};
  }

  // How rare one event of so many neighbours, which are odd together, can be.
  double least_of(int64_t kind, int64_t i, double own) const {
    return own / (tail(kind, i).count() + own);
  }

  // Events of one run are odd together: one stands for them all where it is a good deal rarer than
  // the last that did, and the others count as one of so many.
  void tell_once(int64_t i, Odds& odds, How how) const {
    for (int64_t c = 0; c < lethe::alarm_channels; ++c) {
      if (!odds.is_known(c)) continue;
      double& last = b[at.told + i * lethe::alarm_channels + c];
      const bool is_rarer = odds.of[c] <= much_rarer * last;
      if (is_rarer) odds.least_of_event[c] = 0;
      if (how == How::score) continue;
      if (odds.of[c] >= armed_odds)
        last = 1;
      else if (is_rarer)
        last = odds.of[c];
    }
  }

  // A number is one of the past only after some events: what it is part of must not hide itself.
  void add_later(int64_t kind, int64_t i, double x, bool anchored = false) const {
    const int64_t delay = lethe::tail_shapes[kind].delay;
    if (!delay) return tail(kind, i).add(x);
    double* ring = b + at.delayed + i * lethe::delayed_numbers();
    for (int64_t k = 0; k < kind; ++k) ring += lethe::tail_shapes[k].delay;
    double& count = b[at.delayed_count + i * lethe::tails + kind];
    double& place = ring[static_cast<int64_t>(count) % delay];
    if (count >= static_cast<double>(delay)) tail(kind, i).add(place, anchored);
    place = x;
    count += 1;
  }

  // What is odd about one target; where something is learned, the past goes on.
  Odds look(int64_t i, double actual, double predicted, How how) const {
    Odds odds;
    odds.usual = tail(lethe::of_errors, i).quantile(usual_part);
    if (AlarmWatch{at, b, i, targets}.is_out(actual)) odds.of[lethe::by_rule] = 0;
    odds.of[lethe::by_level] = of == numbers ? b[at.level_odds + i] : 1.0;
    odds.least_of_event[lethe::by_level] = least_of(lethe::of_levels, i, long_length);
    if (of == numbers)
      odds.of[lethe::by_gap] = repeated(lethe::of_gaps, i, at.gap, actual != actual, how);
    double error = std::abs(actual - predicted);
    if (error != error) return odds;
    odds.known = true;
    if (error > DBL_MAX) error = DBL_MAX;
    const double& change = b[at.change + i];
    if (error <= rounding_error * std::abs(actual) || error <= negligible * change) error = 0.0;
    look_at_error(i, error, actual >= predicted, how, odds);
    if (of != numbers) return odds;
    odds.least_of_event[lethe::by_repeats] =
        least_of(lethe::of_repeats, i, std::max(tail(lethe::of_repeats, i).most, 1.0));
    odds.of[lethe::by_repeats] =
        repeated(lethe::of_repeats, i, at.repeats, actual == b[at.last + i], how);
    odds.of[lethe::by_range] = beyond_range(i, actual, how);
    judge_whether_it_stays(i, actual, predicted, odds, how);
    if (how == How::learn) follow_value(i, actual);
    return odds;
  }

  void look_at_error(int64_t i, double error, bool upwards, How how, Odds& odds) const {
    const Tail errors = tail(lethe::of_errors, i);
    const double above = errors.above(error, 1, std::abs(b[at.level + i])),
                 below = errors.below(std::max(
                     {error, negligible * b[at.change + i], as_small * errors.quantile(of_large)}));
    odds.of[lethe::by_error] = above;
    odds.upwards = upwards;
    const double surprise = -std::log(above), calm = -std::log(std::min(below, 1.0)),
                 either = of == numbers ? -std::log(std::min(2 * std::min(above, below), 1.0))
                                        : surprise;
    const double events = b[at.seen + i] + 1;
    const auto in_run = [&](int64_t part, double value, double length) {
      double mean = b[part + i];
      mean += std::max(1 / events, 1 / length) * (value - mean);
      if (how != How::score) b[part + i] = mean;
      return mean;
    };
    const auto of_run = [&](int64_t kind, double mean, double warm_up, double own) {
      if (events <= warm_up) return 1.0;
      const double part = tail(kind, i).above(mean, own);
      if (how == How::learn) add_later(kind, i, mean);
      return part;
    };
    const double bounded = std::min(surprise, most_of_surprise);
    const double short_run = in_run(at.short_run, bounded, short_length),
                 long_run = in_run(at.long_run, std::min(either, most_of_surprise), long_length),
                 near = in_run(at.neighbourhood, either, long_length),
                 quiet = in_run(at.quiet_run, std::min(calm, most_of_surprise), quiet_length);
    odds.least_of_event[lethe::by_short_run] = least_of(lethe::of_short_runs, i, short_length);
    odds.least_of_event[lethe::by_long_run] = least_of(lethe::of_long_runs, i, long_length);
    odds.least_of_event[lethe::by_quiet_run] = least_of(lethe::of_quiet_runs, i, quiet_length);
    odds.of[lethe::by_short_run] = of_run(lethe::of_short_runs, short_run, 4 * short_length, 1);
    odds.of[lethe::by_long_run] = of_run(lethe::of_long_runs, long_run, 2 * long_length, 1);
    if (of == numbers)
      odds.of[lethe::by_quiet_run] = of_run(lethe::of_quiet_runs, quiet, 2 * quiet_length, 1);
    odds.near = std::max(of_run(lethe::of_neighbourhoods, near, long_length / 2, long_length),
                         of_neighbours);
    double& usual = b[at.usual_error + i];
    const double sign = upwards ? 1.0 : -1.0;
    odds.standardised =
        usual > 0 ? std::clamp(sign * error / usual, -most_standardised, most_standardised) : 0.0;
    if (how != How::learn) return;
    errors.add(error, true);
    forget_learning(i, error, events);
    follow_unbiased(usual, events, error, errors);
    b[at.seen + i] = events;
  }

  // A mean that one absurd number hardly moves, and that rare ones move as they should.
  static void follow_unbiased(double& mean, double events, double value, const Tail& errors) {
    const double most = std::max(most_spreads * mean, errors.quantile(rare_part));
    if (events > warm_up) value = std::min(value, most);
    mean += std::max(1 / std::max(events, 1.0), slowest_distance) * (value - mean);
  }

  // While a model learns its errors are large, and afterwards they would hide what is odd. So every
  // few hundred events: where many of all errors were far from usual, but hardly any lately, what
  // came before counts for little from then on.
  void forget_learning(int64_t i, double error, double events) const {
    double &far = b[at.far_errors + i], least = far_error * b[at.usual_error + i];
    far += error > least;
    if (std::fmod(events, looked_back) != 0) return;
    const Tail errors = tail(lethe::of_errors, i);
    if (far <= few_far && errors.share(least) > many_far) errors.forget(kept_of_learning);
    far = 0;
  }

  // How often so many repetitions in a row come. A run is one of the past once it is over: it must
  // not make itself usual. Beyond all, each further one has the chance that repetitions have had so
  // far (Laplace's rule of succession): where nothing ever changed, none is odd.
  double repeated(int64_t kind, int64_t i, int64_t count, bool again, How how) const {
    double& before = b[count + i];
    const Tail past = tail(kind, i);
    const double n = again ? before + 1 : 0;
    double part = 1.0;
    if (n > past.most) {
      const double repeats = past.share(1) * past.count(), all = past.count(), more = n - past.most;
      part = std::exp(std::lgamma(1 + repeats + more) + std::lgamma(1 + all) -
                      std::lgamma(1 + repeats) - std::lgamma(1 + all + more));
      if (past.most > 0) part /= all + 1;
    } else if (n > 0) {
      part = past.above(n);
    }
    if (how == How::learn && !again) {
      if (before > 0) past.add_run(before);
      past.add(0);
    }
    if (how != How::score) before = n;
    return std::max(part, past.least_part());
  }

  // How often a value is as far beyond the range so far; the range itself follows it.
  double beyond_range(int64_t i, double value, How how) const {
    double* const range = b + at.range + 2 * i;
    const double width = range[1] - range[0], level = std::abs(b[at.level + i]);
    double part = 1.0;
    if (b[at.seen + i] > range_warm_up) {
      const double out = std::max(value - range[1], range[0] - value);
      const double unit = width > 0 ? width : level;
      const double far = out > rounding_error * std::abs(value) && unit > 0 ? out / unit : 0.0;
      const Tail past = tail(lethe::of_ranges, i);
      if (far > 0) part = past.above(far, 1, unknown_range);
      if (how == How::learn) past.add(far);
    }
    if (how != How::learn) return part;
    const bool first = b[at.last + i] != b[at.last + i];
    // In the long run a range narrows again, as what else is known of the past fades.
    const double centre = b[at.level + i], fading = 1 / most_in_tail;
    range[0] = first ? value : std::min(range[0] + fading * (centre - range[0]), value);
    range[1] = first ? value : std::max(range[1] + fading * (centre - range[1]), value);
    return part;
  }

  // Whether what deviates stays, or comes back: the next value tells.
  void judge_whether_it_stays(int64_t i, double actual, double predicted, const Odds& odds,
                              How how) const {
    if (how != How::learn) return;
    double *const awaited = b + at.awaited + 2 * i, &stays = b[at.stays + i];
    if (awaited[0] == awaited[0]) {
      const bool stayed = std::abs(actual - awaited[0]) < std::abs(actual - awaited[1]);
      double& judged = b[at.judged + i];
      judged += 1;
      stays += std::max(1 / (judged + 1), stays_rate) * ((stayed ? 1.0 : 0.0) - stays);
    }
    const bool deviates = odds.of[lethe::by_error] < deviant;
    awaited[0] = deviates ? actual : not_a_number;
    awaited[1] = deviates ? predicted : not_a_number;
  }

  void follow_value(int64_t i, double value) const {
    double &last = b[at.last + i], &change = b[at.change + i], &level = b[at.level + i];
    if (last == last)
      follow_unbiased(change, b[at.seen + i] - 1, std::abs(value - last),
                      tail(lethe::of_errors, i));
    level += std::max(1 / b[at.seen + i], slow_rate) * (value - level);
    last = value;
  }

  void watch(int64_t i, const Odds& odds, double actual, double predicted, How how,
             Outcome& out) const {
    if (how == How::score) return;
    const AlarmWatch alarm = {at, b, i, targets};
    const AlarmState state = alarm.take(odds, actual, predicted, kind_of_class());
    if (state == lethe::idle) return;
    // Of several at once, a beginning is told first, then an end, and then the least likely.
    const auto rank = [&](AlarmState s) { return s == lethe::begins ? 2 : s == lethe::ends; };
    const bool first = out.alarm == lethe::idle || rank(state) > rank(out.alarm) ||
                       (rank(state) == rank(out.alarm) &&
                        alarm[lethe::alarm_odds] <
                            AlarmWatch{at, b, out.alarm_target, targets}[lethe::alarm_odds]);
    if (first) out.alarm = state, out.alarm_target = i;
  }

  // What several targets do together: how far their errors are from what goes together, by the
  // inverse of their covariance (Mahalanobis 1936).
  double joint_odds(double* errors, int64_t n, How how) const {
    for (int64_t i = 0; i < n; ++i)
      if (errors[i] != errors[i]) return 1.0;
    double all[lethe::most_joint], product[lethe::most_joint];
    std::fill(all, all + n, 1.0);
    double* const inverse = b + at.joint_inverse;
    const double far = std::max(times_features(inverse, errors, all, product, n), 0.0);
    const lethe::TailShape& shape = lethe::shape_of_joint_errors;
    double first = shape.first * shape.per_octave;
    const Tail past = {b + at.joint, b[at.joint_largest], first,
                       shape.bins,   shape.per_octave,    shape.largest};
    // The inverse of a sum has no unit of its own: its count gives it one.
    const double distance = far * std::min(past.count() + 1, 1 / (1 - joint_forgetting));
    const double part = past.above(distance) / share_of_joint;
    if (how == How::learn) {
      past.add(distance);
      linear_gain(inverse, errors, all, joint_forgetting, joint_prior, most_joint_covariance,
                  product, n);
    }
    return part;
  }

  // Of classes, the kind of alarm is known at once.
  int64_t kind_of_class() const {
    return of == numbers   ? lethe::no_alarm
           : of == classes ? lethe::unlikely_category
                           : lethe::unseen_category;
  }

  double calibrated(double q, How how) const {
    const lethe::TailShape& shape = lethe::shape_of_scores;
    double first = shape.first * shape.per_octave;
    const Tail past = {b + at.scores, b[at.scores_largest], first,
                       shape.bins,    shape.per_octave,     shape.largest};
    const double part = past.above(1 / q);
    if (how == How::learn) past.add(1 / q);
    return std::min(q, part);
  }
};

}  // namespace LETHE_ISA
