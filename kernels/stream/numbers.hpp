// One event of a stream of numbers: naive predictors, linear ones, networks that learn what these
// leave, and a blend of all; learning from every target as soon as it is there.
#pragma once

#include <cmath>

#include "anomaly.hpp"
#include "columns.hpp"
#include "ensemble.hpp"
#include "features.hpp"
#include "heads.hpp"
#include "held_values.hpp"
#include "history.hpp"
#include "linear.hpp"
#include "pending.hpp"
#include "periods.hpp"
#include "residuals.hpp"
#include "seasons.hpp"

namespace LETHE_ISA {

constexpr double most_seen = 20.0;         // that a network's input reaches
constexpr double window_tolerance = 0.05;  // of its length, before a window is another one

struct NumberStream {
  using Memory = lethe::Memory<NumberLayout>;

  const Memory& m;
  const NumberLayout& l = m.layout;
  double* b = m.numbers();
  History history = {l, b};
  Periods periods = {l, b};
  Seasons seasons = {l, b};
  Columns columns = {l.columns, b};
  Features features = {l, b};
  Heads heads = {m};
  Pending<NumberLayout> pending = {l, b};

  // A new block: all zero but for these.
  void start() const {
    AnomalyScorer::start(l.anomaly, b, l.scored);
    heads.residuals.start();
    for (int64_t f = 0; f < lethe::covariances; ++f)
      for (int64_t i = 0; i < l.linear(); ++i) forget_feature_of(f, i);
    for (int64_t i = 0; i < (l.delay_sources() ? l.targets : 0); ++i)
      for (int64_t k = 0; k < lethe::delay_taps; ++k)
        forget_feature(b + l.tap_covariance + i * lethe::tap_packed, k, tap_variance,
                       lethe::delay_taps);
    for (int64_t head = 0; head < l.heads(); ++head)
      first_blend_weights(b + l.blend_weights + head * l.blending(), l.predictors());
  }

  // ---- what is called ----

  // With a horizon: an event brings the targets that earlier events wait for.
  bool learn_ahead(const Services& services, const Event& event, const Change& change,
                   const double* targets, double* answer, Outcome& out) const {
    if (change.early) admit(change);
    watch(pending.count());
    compare(pending.newest(), targets, How::learn, answer, out);
    for (int64_t n = pending.count(), ahead = 1; n-- > 0; ++ahead) {
      double* const record = pending.record(n);
      set_targets(record, targets, ahead);
      learn_heads(record, ahead);
    }
    if (pending.count()) learn_next(pending.newest(), true);
    observe_targets(targets, event.seconds);
    if (pending.count() == l.horizon) learn_first();
    return take(services, event, change.early ? Change() : change) != nullptr;
  }

  // Without: it waits for its own, which it mostly brings along.
  bool learn_now(const Services& services, const Event& event, const Change& change,
                 const double* targets, int64_t max_delay, const double* looked_at, double* answer,
                 Outcome& out) const {
    double* const record = looked_at ? resume(event, looked_at) : take(services, event, change);
    if (!record) return false;
    watch(pending.count() - 1);
    compare(record, targets, How::learn, answer, out);
    if (targets) set_complete(record, targets);
    learn_complete();
    if (pending.count() <= max_delay) return true;
    pending.count_missed();
    pending.record(0)[l.record.complete] = 1;  // its targets are missing
    learn_complete();
    return true;
  }

  void learn_targets(int64_t nth, const double* targets, double* answer, Outcome& out) const {
    double* const record = pending.record(nth);
    // One that never came is no gap in what was measured.
    const bool came = std::any_of(targets, targets + l.targets, [](double x) { return x == x; });
    if (came) watch(nth);
    compare(record, came ? targets : nullptr, How::learn, answer, out);
    set_complete(record, targets);
    learn_complete();
  }

  // Takes an event without learning from it.
  void follow(const Event& event, const double* targets, bool ahead, double* answer,
              Outcome& out) const {
    for (int64_t g = 0; g < l.groups; ++g) networks(g).fork();
    if (ahead) {
      watch(pending.count());
      compare(pending.newest(), targets, How::follow, answer, out);
      if (pending.count()) keep_surprise(pending.newest(), targets);
      heads.residuals.follow(targets, history.newest());
      take_in(targets, event.seconds);
    }
    pending.clear();
    double* const record = pending.append();
    encode(event, record);
    for (int64_t g = 0; g < l.groups; ++g) networks(g).step(inputs(record, g), -1, true);
    heads.predict(record);
    heads.delays.observe(slots(record));
    pending.count_event();
    if (ahead) return;
    watch(pending.count() - 1);
    compare(record, targets, How::follow, answer, out);
    keep_surprise(record, targets);
    heads.residuals.follow(targets, history.newest());
    take_in(targets, event.seconds);
    pending.clear();
  }

  // What would be answered to this event; nothing of the block changes. True where `learn_now` may
  // be given this record if the event comes next.
  bool look_at(const Event& event, double* record) const {
    encode(event, record);
    bool resumable = true;
    for (int64_t g = 0; g < l.groups; ++g)
      resumable &= networks(g).step_aside(inputs(record, g), -1);
    if (!resumable)
      for (int64_t g = 0; g < l.groups; ++g) networks(g).peek(inputs(record, g), -1);
    heads.predict(record);
    return resumable;
  }

  // What was predicted in this record, and how anomalous it is that these targets came.
  void compare(const double* record, const double* targets, How how, double* answer,
               Outcome& out) const {
    if (!record) return;
    out.answered = true;
    heads.residuals.answer(record, answer);
    if (!targets || !l.scored) return;
    const AnomalyScorer scorer = {l.anomaly, b, l.scored};
    const int64_t k = l.predictors(), level = history.season(0).length > 0
                                                  ? lethe::season_and_slow_level
                                                  : lethe::smoothed_slow;
    scorer.score(targets, record + l.record.blended, l.horizon,
                 record + l.record.predictions + level, l.horizon * k, how, out);
  }

 private:
  // Which event is compared: alarms have its number.
  void watch(int64_t nth) const {
    if (l.scored) b[l.anomaly.event] = pending.number(nth);
  }

  // How far the level of a season, or of the last events, is from what it was.
  void watch_levels() const {
    if (!l.scored) return;
    const Season season = history.season(0);
    const double gap = b[l.gap];
    double length = season.in_events || !(gap > 0) ? season.length : season.length / gap;
    length = std::floor(length + 0.5);
    double& window = b[l.anomaly.window];
    // Gaps vary, and a window with them; sums are taken anew before rounding can fill them.
    const bool is_other = std::abs(length - window) > window_tolerance * window;
    const bool is_anew = is_other || history.events() % lethe::remembered_events == 0;
    if (is_other) window = length;
    const auto n = static_cast<int64_t>(window);
    const bool is_there = n > 1 && n < history.kept();
    const AnomalyScorer scorer = {l.anomaly, b, l.scored};
    for (int64_t i = 0; i < l.targets; ++i) {
      const auto value = [&](int64_t before) {
        return b[l.values + history.index(before) * l.targets + i];
      };
      double mean = b[l.slow + i];
      if (is_there) {
        double& sum = b[l.anomaly.window_sum + i];
        if (is_anew || history.kept() == n + 1) {
          sum = 0;
          for (int64_t before = 0; before < n; ++before) sum += value(before);
        } else {
          sum += value(0) - value(n);
        }
        mean = sum / static_cast<double>(n);
      }
      scorer.follow_level(i, mean);
    }
  }

  // Targets become part of the past.
  void take_in(const double* targets, double seconds) const {
    periods.observe(targets);
    history.observe(targets, seconds);
    const HeldValues held = {l, b};
    held.hold();
    seasons.observe(targets);
    held.release(targets);
  }

  void forget_feature_of(int64_t predictor, int64_t feature) const {
    forget_feature(b + l.covariance + predictor * l.packed(), feature, prior_covariance,
                   l.linear());
  }

  void encode(const Event& event, double* record) const {
    record[l.record.number] = b[l.pending_events.events] + 1;
    record[l.record.seconds] = event.seconds;
    features.encode(event, record + l.record.features);
  }

  // Columns and targets become part of the past, and their features' anchors follow.
  void observe_columns(const Event& event) const {
    columns.observe(event);
    const lethe::ColumnParts& at = l.columns;
    for (int64_t i = 0; i < static_cast<int64_t>(b[at.columns]); ++i) {
      const int64_t nth = l.targets + static_cast<int64_t>(b[at.slot + i]);
      features.anchors.observe(nth, event.numbers[i]);
      move_anchor(nth, b[at.mean + i], b[at.variance + i]);
    }
  }
  void observe_targets(const double* targets, double seconds) const {
    take_in(targets, seconds);
    watch_levels();
    for (int64_t i = 0; i < l.targets; ++i) {
      features.anchors.observe(i, targets[i]);
      move_anchor(i, b[l.level_mean + i], b[l.level_variance + i]);
    }
  }
  void move_anchor(int64_t nth, double mean, double variance) const {
    features.anchors.follow(nth, mean, variance, [&](auto&& move) {
      for (int64_t n = 0; n < pending.count(); ++n) move(pending.record(n));
    });
  }

  const double* slots(const double* record) const {
    return record + l.record.features + 1 + l.fixed();
  }

  Ensemble<NumberLayout> networks(int64_t group) const { return {m, group}; }

  // A group's input: an event's features but for the constant; the network for memory sees none of
  // the targets' past but their last surprises, since rare events are to stand out.
  const float* inputs(const double* record, int64_t group) const {
    const double* const given = record + l.record.features + 1;
    for (int64_t i = 0; i < l.inputs(); ++i)
      m.x[i] = static_cast<float>(std::clamp(given[i], -most_seen, most_seen));
    return m.x.data() + (group == lethe::of_memory ? l.fixed() - l.targets : 0);
  }

  // Takes an event: predicts what follows from it, and has it wait for its targets. Null where the
  // caller refused a service.
  double* take(const Services& services, const Event& event, const Change& change) const {
    admit(change);
    for (int64_t g = 0; g < l.groups; ++g) {
      // Gates that are closed but on rare events, or open for good, are what memory is made of.
      const bool inspected = g != lethe::of_memory && pending.is_inspection_due();
      if (networks(g).waiting == 0 && !networks(g).maintain(services, inspected)) return nullptr;
    }
    const bool ahead = pending.count() > 0;
    double* const record = pending.append();
    encode(event, record);
    for (int64_t g = 0; g < l.groups; ++g)
      networks(g).step(inputs(record, g), -1, ahead && m.group[g].ahead);
    heads.predict(record);
    record[l.record.stepped] = !ahead;
    observe_columns(event);
    heads.delays.observe(slots(record));
    pending.count_event();
    return record;
  }

  // The same for an event that was looked at just before.
  double* resume(const Event& event, const double* looked_at) const {
    double* const record = pending.append();
    std::copy(looked_at, looked_at + l.record.size, record);
    for (int64_t g = 0; g < l.groups; ++g) networks(g).resume_aside();
    record[l.record.stepped] = 1;
    observe_columns(event);
    heads.delays.observe(slots(record));
    pending.count_event();
    return record;
  }

  // Slots that get another meaning are forgotten.
  void admit(const Change& change) const {
    columns.admit(change);
    if (change.forgotten_count || change.grown)
      for (int64_t g = 0; g < l.groups; ++g) networks(g).complete_step();
    for (int64_t i = 0; i < change.forgotten_count; ++i) {
      heads.delays.forget(change.forgotten[i]);
      const int64_t feature = 1 + l.fixed() + change.forgotten[i];
      for (int64_t g = 0; g < l.groups; ++g)
        networks(g).forget_input(feature - 1 - (g == lethe::of_memory ? l.fixed() - l.targets : 0));
      if (feature >= l.linear()) continue;
      for (int64_t f = 0; f < lethe::covariances; ++f) forget_feature_of(f, feature);
      for (int64_t f = 0; f < lethe::linear_predictors; ++f)
        for (int64_t head = 0; head < l.heads(); ++head) heads.weights(f, head)[feature] = 0;
      heads.seasonal_linear.forget(feature);
      b[l.ever_nonzero + feature] = 0;
    }
  }

  // ---- learning ----

  // The linear predictors take an event's features in; its gains go into the record.
  void update_covariance(double* record) const {
    const int64_t n = l.linear();
    const double* const phi = record + l.record.features;
    double* const active = b + l.ever_nonzero;
    for (int64_t i = 0; i < n; ++i) active[i] = active[i] != 0 || phi[i] != 0;
    for (int64_t f = 0; f < lethe::covariances; ++f)
      linear_gain(b + l.covariance + f * l.packed(), phi, active, linear_forgetting[f],
                  prior_covariance, most_covariance, record + l.record.gains + f * n, n);
  }

  void set_targets(double* record, const double* targets, int64_t ahead) const {
    for (int64_t i = 0; i < l.targets; ++i)
      record[l.record.targets + i * l.horizon + ahead - 1] = targets[i];
  }

  void set_complete(double* record, const double* targets) const {
    set_targets(record, targets, 1);
    record[l.record.complete] = 1;
    learn_heads(record, 1);
  }

  // Learns what does not depend on the order of events, from targets that have just come.
  void learn_heads(double* record, int64_t ahead) const {
    // Where nothing is learned there are no gains, but for heads whose targets are still to come.
    const auto is_there = [&](int64_t i) {
      return std::isfinite(record[l.record.targets + i * l.horizon + ahead - 1]);
    };
    bool useful = l.horizon > 1;
    for (int64_t i = 0; i < l.targets; ++i) useful |= is_there(i);
    if (ahead == 1 && useful) update_covariance(record);
    for (int64_t i = 0; i < l.targets; ++i) heads.learn(record, i * l.horizon + ahead - 1);
  }

  // Lets networks learn from every event that no earlier one holds up.
  void learn_complete() const {
    while (pending.count() && pending.record(0)[l.record.complete] != 0) {
      double* const first = pending.record(0);
      observe_targets(first + l.record.targets, first[l.record.seconds]);
      learn_next(first, first[l.record.stepped] != 0);
      learn_first();
    }
  }

  // The networks of what comes next learn an event whose next targets are there, or missing for
  // good.
  void learn_next(const double* record, bool stepped) const {
    for (const int64_t g : {int64_t(lethe::of_next), int64_t(lethe::of_memory)}) {
      for (int64_t i = 0; i < l.targets; ++i) {
        const int64_t head = i * l.horizon;
        m.remainder[i] = static_cast<float>(
            g == lethe::of_next
                ? record[l.record.remainder + head]
                : heads.left_over(record, i, record[l.record.targets + head], most_remembered));
      }
      learn_networks(g, record, stepped, l.targets, l.horizon);
    }
  }

  // Those that look further ahead learn the event that has waited longest.
  void learn_first() const {
    double* const record = pending.record(0);
    if (l.groups > lethe::of_far) {
      for (int64_t head = 0; head < l.heads(); ++head)
        m.remainder[head] = static_cast<float>(record[l.record.remainder + head]);
      learn_networks(lethe::of_far, record, record[l.record.stepped] != 0, l.heads(), 1);
    }
    pending.remove_first();
    if (!pending.count())
      for (int64_t g = 0; g < l.groups; ++g) networks(g).merge();
  }

  // A group learns `m.remainder`, where heads, `apart` from each other, have something of use.
  void learn_networks(int64_t group, const double* record, bool stepped, int64_t outputs,
                      int64_t apart) const {
    bool* const useful = reinterpret_cast<bool*>(m.useful.data());
    int64_t count = 0;
    for (int64_t i = 0; i < outputs; ++i) {
      useful[i] = record[l.record.useful + i * apart] != 0;
      count += useful[i];
    }
    networks(group).learn(inputs(record, group), -1, stepped, count ? m.remainder.data() : nullptr,
                          count == outputs ? nullptr : useful, -1);
  }

  // The last surprise is remembered, where nothing is learned.
  void keep_surprise(const double* record, const double* targets) const {
    for (int64_t i = 0; i < l.targets; ++i)
      b[l.surprise + i] = heads.left_over(record, i, targets[i], most_surprise);
  }
};

}  // namespace LETHE_ISA
