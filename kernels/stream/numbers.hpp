// One event of a stream of numbers: naive predictors, linear ones, networks that learn what these
// leave, and a blend of all; learning from every target as soon as it is there.
#pragma once

#include <cmath>

#include "anomaly.hpp"
#include "columns.hpp"
#include "ensemble.hpp"
#include "features.hpp"
#include "history.hpp"
#include "linear.hpp"
#include "mixture.hpp"
#include "naive.hpp"
#include "pending.hpp"
#include "residuals.hpp"

namespace LETHE_ISA {

constexpr double linear_forgetting[lethe::linear_predictors] = {0.9999, 0.995};
constexpr double prior_covariance = 0.1, most_covariance = 10.0;
constexpr double linear_bound = 2.0,
                 network_bound = 3.0;    // errors count at most, in usual distances

struct NumberStream {
  using Memory = lethe::Memory<NumberLayout>;

  const Memory& m;
  const NumberLayout& l = m.layout;
  double* b = m.numbers();
  History history = {l, b};
  Columns columns = {l.columns, b};
  Features features = {l, b};
  NaivePredictors naive = {l, b};
  Residuals residuals = {l, b};
  Ensemble<NumberLayout> ensemble = {m};
  Pending<NumberLayout> pending = {l, b};

  // A new block: all zero but for these.
  void start() const {
    residuals.start();
    for (int64_t f = 0; f < lethe::linear_predictors; ++f)
      for (int64_t i = 0; i < l.linear(); ++i) forget_feature_of(f, i);
    for (int64_t head = 0; head < l.heads(); ++head)
      first_blend_weights(b + l.blend_weights + head * l.blending(), l.predictors());
  }

  // ---- what is called ----

  // With a horizon: an event brings the targets that earlier events wait for.
  bool learn_ahead(const Services& services, const Event& event, const Change& change,
                   const double* targets, double* answer, Outcome& out) const {
    if (change.early) admit(change);
    compare(pending.newest(), targets, How::learn, answer, out);
    for (int64_t n = pending.count(), ahead = 1; n-- > 0; ++ahead)
      set_targets(pending.record(n), targets, ahead);
    history.observe(targets, event.seconds);
    if (pending.count() == l.horizon) learn_first();
    return take(services, event, change.early ? Change() : change) != nullptr;
  }

  // Without: it waits for its own, which it mostly brings along.
  bool learn_now(const Services& services, const Event& event, const Change& change,
                 const double* targets, int64_t max_delay, const double* looked_at, double* answer,
                 Outcome& out) const {
    double* const record = looked_at ? resume(event, looked_at) : take(services, event, change);
    if (!record) return false;
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
    compare(record, targets, How::learn, answer, out);
    set_complete(record, targets);
    learn_complete();
  }

  // Takes an event without learning from it.
  void follow(const Event& event, const double* targets, bool ahead, double* answer,
              Outcome& out) const {
    ensemble.fork();
    if (ahead) {
      compare(pending.newest(), targets, How::follow, answer, out);
      history.observe(targets, event.seconds);
    }
    pending.clear();
    double* const record = pending.append();
    encode(event, record);
    ensemble.step(inputs(record), -1, true);
    predict(record);
    pending.count_event();
    if (ahead) return;
    compare(record, targets, How::follow, answer, out);
    history.observe(targets, event.seconds);
    pending.clear();
  }

  // What would be answered to this event; nothing of the block changes. True where `learn_now` may
  // be given this record if the event comes next.
  bool look_at(const Event& event, double* record) const {
    encode(event, record);
    const bool resumable = ensemble.step_aside(inputs(record), -1);
    if (!resumable) ensemble.peek(inputs(record), -1);
    predict(record);
    return resumable;
  }

  // What was predicted in this record, and how anomalous it is that these targets came.
  void compare(const double* record, const double* targets, How how, double* answer,
               Outcome& out) const {
    if (!record) return;
    out.answered = true;
    residuals.answer(record, answer);
    if (!targets || !l.scored) return;
    const AnomalyScorer scorer = {l.anomaly, b, l.scored};
    scorer.score(targets, record + l.record.blended, l.horizon, how, out);
  }

 private:
  void forget_feature_of(int64_t predictor, int64_t feature) const {
    forget_feature(b + l.covariance + predictor * l.packed(), feature, prior_covariance,
                   l.linear());
  }

  void encode(const Event& event, double* record) const {
    record[l.record.seconds] = event.seconds;
    features.encode(event, record + l.record.features);
  }

  // The networks' input: an event's features but for the constant.
  const float* inputs(const double* record) const {
    const double* const given = record + l.record.features + 1;
    for (int64_t i = 0; i < l.inputs(); ++i) m.x[i] = static_cast<float>(given[i]);
    return m.x.data();
  }

  // Takes an event: predicts what follows from it, and has it wait for its targets. Null where the
  // caller refused a service.
  double* take(const Services& services, const Event& event, const Change& change) const {
    admit(change);
    const bool training_waits = pending.count() && pending.record(0)[l.record.stepped] != 0;
    if (!training_waits && !ensemble.maintain(services, pending.is_inspection_due()))
      return nullptr;
    const bool ahead = pending.count() > 0;
    double* const record = pending.append();
    encode(event, record);
    ensemble.step(inputs(record), -1, ahead);
    predict(record);
    record[l.record.stepped] = !ahead;
    update_covariance(record);
    columns.observe(event);
    pending.count_event();
    return record;
  }

  // The same for an event that was looked at just before.
  double* resume(const Event& event, const double* looked_at) const {
    double* const record = pending.append();
    std::copy(looked_at, looked_at + l.record.size, record);
    ensemble.resume_aside();
    record[l.record.stepped] = 1;
    update_covariance(record);
    columns.observe(event);
    pending.count_event();
    return record;
  }

  // Slots that get another meaning are forgotten.
  void admit(const Change& change) const {
    columns.admit(change);
    if (change.forgotten_count || change.grown) ensemble.complete_step();
    for (int64_t i = 0; i < change.forgotten_count; ++i) {
      const int64_t feature = 1 + l.fixed() + change.forgotten[i];
      ensemble.forget_input(feature - 1);
      if (feature >= l.linear()) continue;
      for (int64_t f = 0; f < lethe::linear_predictors; ++f) {
        forget_feature_of(f, feature);
        for (int64_t head = 0; head < l.heads(); ++head) weights(f, head)[feature] = 0;
      }
      b[l.ever_nonzero + feature] = 0;
    }
  }

  double* weights(int64_t predictor, int64_t head) const {
    return b + l.weights + (predictor * l.heads() + head) * l.linear();
  }

  // ---- predicting ----

  // What all predictors say, the networks' outputs included, and their blends.
  void predict(double* record) const {
    const int64_t heads = l.heads(), n = l.linear();
    const double* const newest = history.newest();
    for (int64_t i = 0; i < l.targets; ++i)
      record[l.record.last_value + i] = b[l.counted + i] > 0 ? newest[i] : not_a_number;
    std::copy(b + l.scale, b + l.scale + heads, record + l.record.scale);
    std::fill(record + l.record.targets, record + l.record.targets + heads, not_a_number);
    record[l.record.complete] = 0;
    naive.predict(record[l.record.seconds], record + l.record.predictions);
    for (int64_t head = 0; head < heads; ++head) {
      double* const p = record + l.record.predictions + head * l.predictors();
      const double last_value = p[lethe::last];
      double* const learned = p + lethe::naive_predictors;
      for (int64_t f = 0; f < lethe::linear_predictors; ++f)
        learned[f] =
            std::clamp(dot(weights(f, head), record + l.record.features, n), -farthest, farthest);
      record[l.record.base + head] = learned[0];
      for (int64_t r = 0; r < l.networks; ++r)
        learned[lethe::linear_predictors + r] = std::clamp(
            learned[0] + static_cast<double>(m.outputs[r * heads + head]), -farthest, farthest);
      for (int64_t r = 0; r < lethe::linear_predictors + l.networks; ++r)
        learned[r] = last_value + b[l.scale + head] * learned[r];
      blend_all(head, p, record);
    }
    residuals.annotate(record);
  }

  void blend_all(int64_t head, const double* predictions, double* record) const {
    const int64_t k = l.predictors();
    const double* const w = b + l.blend_weights + head * l.blending();
    double* const blends = record + l.record.blends + 2 * head;
    blends[lethe::in_usual_errors] = blend(w, predictions, k);
    blends[lethe::in_own_units] = blend(w + k, predictions, k);
    record[l.record.blended + head] = blend(w + 2 * k, blends, 2);
  }

  // ---- learning ----

  // The linear predictors take an event's features in; its gains go into the record.
  void update_covariance(double* record) const {
    const int64_t n = l.linear();
    const double* const phi = record + l.record.features;
    double* const active = b + l.ever_nonzero;
    for (int64_t i = 0; i < n; ++i) active[i] = active[i] != 0 || phi[i] != 0;
    for (int64_t f = 0; f < lethe::linear_predictors; ++f)
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
  }

  // Learns from every event that no earlier one holds up.
  void learn_complete() const {
    while (pending.count() && pending.record(0)[l.record.complete] != 0) {
      const double* const first = pending.record(0);
      history.observe(first + l.record.targets, first[l.record.seconds]);
      learn_first();
    }
  }

  // Learns from the event that has waited longest, whose targets are there or missing for good.
  void learn_first() const {
    const double* const record = pending.record(0);
    float* const target = m.remainder.data();
    bool* const useful = reinterpret_cast<bool*>(m.useful.data());
    int64_t count = 0;
    for (int64_t head = 0; head < l.heads(); ++head) {
      target[head] = 0;
      useful[head] = learn_head(record, head, target[head]);
      count += useful[head];
    }
    const bool some = count > 0, all = count == l.heads();
    ensemble.learn(inputs(record), -1, record[l.record.stepped] != 0, some ? target : nullptr,
                   all ? nullptr : useful, -1);
    pending.remove_first();
    if (!pending.count()) ensemble.merge();
  }

  // Learns one head's target; false where the networks cannot. What they are to learn of it goes
  // into `remainder`.
  bool learn_head(const double* record, int64_t head, float& remainder) const {
    const double target = record[l.record.targets + head];
    if (!std::isfinite(target)) return false;
    const double distance = target - record[l.record.last_value + head / l.horizon];
    if (!std::isfinite(distance)) return false;  // nothing was known: there is nothing to learn
    const double scale = record[l.record.scale + head];
    if (scale > 0) {
      const double z = distance / scale;
      const int64_t n = l.linear();
      for (int64_t f = 0; f < lethe::linear_predictors; ++f) {
        double* const w = weights(f, head);
        const double* const gain = record + l.record.gains + f * n;
        const double e =
            std::clamp(z - dot(w, record + l.record.features, n), -linear_bound, linear_bound);
        for (int64_t i = 0; i < n; ++i) w[i] += e * gain[i];
      }
      remainder = static_cast<float>(
          std::clamp(z - record[l.record.base + head], -network_bound, network_bound));
    }
    learn_blends(record, head, target);
    follow_mean(b[l.scale + head], b[l.distances + head], std::abs(distance));
    return scale > 0;
  }

  void learn_blends(const double* record, int64_t head, double target) const {
    const double error = record[l.record.blended + head] - target;
    residuals.learn(record, head, target);
    double& usual = b[l.mean_abs_error + head];
    follow_mean(usual, b[l.errors + head], std::abs(error));
    const int64_t k = l.predictors(), first = head * l.blending();
    const double* const p = record + l.record.predictions + head * k;
    const double* const blends = record + l.record.blends + 2 * head;
    const auto state = [&](int64_t at, lethe::Blend which) -> BlendState {
      return {b + l.blend_weights + first + at, b + l.regret + first + at,
              b + l.squares + first + at, b[l.most + head * lethe::blend_count + which]};
    };
    learn_blend(state(0, lethe::in_usual_errors), p, k, blends[lethe::in_usual_errors], target,
                usual, false);
    learn_blend(state(k, lethe::in_own_units), p, k, blends[lethe::in_own_units], target, usual,
                true);
    learn_blend(state(2 * k, lethe::of_blends), blends, 2, record[l.record.blended + head], target,
                usual, true);
  }
};

}  // namespace LETHE_ISA
