// One event of a stream of classes or symbols: how often each class came lately, the last one
// again, networks, and, where events have columns, experts that learn from these themselves; all
// weighed by Bayes' rule and stacked.
#pragma once

#include <cmath>

#include "anomaly.hpp"
#include "columns.hpp"
#include "ensemble.hpp"
#include "experts.hpp"
#include "history.hpp"
#include "pending.hpp"
#include "stacking.hpp"

namespace LETHE_ISA {

using lethe::ClassChange;

constexpr double class_fading = 0.999;  // how much a class weighs less with each event that follows
constexpr double first_count = 0.5;     // of a class, beside how often it came
constexpr double least_output = 1e-6;   // a little of all keeps each class above zero
constexpr double least_probability = 1e-12;
constexpr double shared_weight = 0.002;  // that is shared out at every event

struct ClassStream {
  using Memory = lethe::Memory<ClassLayout>;

  const Memory& m;
  const ClassLayout& l = m.layout;

  // A larger block may take this one's place in the midst of an event, so nothing of it is kept.
  double* b() const { return m.numbers(); }
  Columns columns() const { return {l.columns, b()}; }
  Ensemble<ClassLayout> ensemble() const { return {m}; }
  Pending<ClassLayout> pending() const { return {l, b()}; }
  Experts experts() const { return {l, b()}; }
  Stacking stacking() const { return {l.stacking, b(), l.predictors()}; }

  void start() const {
    AnomalyScorer::start(l.anomaly, b(), l.scored);
    const double predictors = static_cast<double>(l.predictors());
    std::fill(b() + l.weights, b() + l.weights + l.predictors(), 1.0 / predictors);
    b()[l.columns.used] = 1;  // the slot of other classes
    b()[l.known] = 1;
    b()[l.repeats] = b()[l.fresh] = 1;
    b()[l.repeats + 1] = b()[l.fresh + 1] = 2;
    experts().start();
    if (experts().any()) stacking().start();
  }

  // ---- what is called ----

  // With a horizon: an event brings the class that the last one waits for.
  bool learn_ahead(const Services& services, const Event& event, const Change& change,
                   const ClassChange& came, double* answer, Outcome& out) const {
    if (change.early && !admit(services, change)) return false;
    watch(pending().count());
    compare(pending().newest(), &came, How::learn, answer, out);
    for (int64_t n = pending().count(); n-- > 0;) set_class(pending().record(n), came);
    if (!came.missing && !observe(services, came)) return false;
    if (pending().count()) learn_first(came);
    return take(services, event, change.early ? Change() : change) != nullptr;
  }

  // Without: it waits for its own. `came` is null where it comes later; learning from events that
  // are complete is left to `learn_complete`, an event a call, but for this one.
  bool learn_now(const Services& services, const Event& event, const Change& change,
                 const ClassChange* came, int64_t max_delay, double* answer, Outcome& out) const {
    double* const record = take(services, event, change);
    if (!record) return false;
    watch(pending().count() - 1);
    compare(record, came, How::learn, answer, out);
    if (!came) {
      if (pending().count() > max_delay) give_up_first();
      return true;
    }
    set_class(record, *came);
    record[l.record.complete] = 1;
    if (pending().count() == 1) return learn_complete(services, *came);
    if (pending().count() > max_delay) give_up_first();
    return true;
  }

  // The class of one event that waits is there; nothing is learned yet.
  void set_pending_class(int64_t nth, const ClassChange& came, double* answer, Outcome& out) const {
    double* const record = pending().record(nth);
    watch(nth);
    compare(record, &came, How::learn, answer, out);
    set_class(record, came);
    record[l.record.complete] = 1;
  }

  // Learns from the event that has waited longest, which must be complete.
  bool learn_complete(const Services& services, const ClassChange& came) const {
    if (!came.missing && !observe(services, came)) return false;
    learn_first(came);
    return true;
  }

  void follow(const Event& event, const ClassChange& came, bool ahead, double* answer,
              Outcome& out) const {
    ensemble().fork();
    if (ahead) {
      watch(pending().count());
      compare(pending().newest(), &came, How::follow, answer, out);
      if (!came.missing) b()[l.last] = static_cast<double>(came.before);
    }
    pending().clear();
    double* const record = pending().append();
    encode(event, record);
    ensemble().step(inputs(record), symbol(record), true);
    predict(record);
    pending().count_event();
    if (ahead) return;
    watch(pending().count() - 1);
    compare(record, &came, How::follow, answer, out);
    if (!came.missing) b()[l.last] = static_cast<double>(came.before);
    pending().clear();
  }

  void look_at(const Event& event, double* record) const {
    encode(event, record);
    ensemble().peek(inputs(record), symbol(record));
    predict(record);
  }

  // What was predicted in this record, and how surprising the class is that came.
  void compare(const double* record, const ClassChange* came, How how, double* answer,
               Outcome& out) const {
    if (!record) return;
    const double* const answered = record + l.record.answered;
    out.answered = true;
    out.known = static_cast<int64_t>(record[l.record.known]);
    std::copy(answered, answered + out.known, answer);
    for (int64_t i = 1; i < out.known; ++i)
      if (!out.best || answered[i] > answered[out.best]) out.best = i;
    if (!came || came->missing || !l.scored) return;
    const double probability = answered[came->before < out.known ? came->before : 0];
    const double surprise = -std::log(std::max(probability, least_probability)), none = 0;
    const AnomalyScorer scorer = {l.anomaly, b(), 1,
                                  came->before ? AnomalyScorer::classes : AnomalyScorer::new_class};
    scorer.score(&surprise, &none, 1, nullptr, 0, how, out);
  }

 private:
  // Which event is compared: alarms have its number.
  void watch(int64_t nth) const {
    if (l.scored) b()[l.anomaly.event] = pending().number(nth);
  }

  const float* inputs(const double* record) const {
    if (l.symbols) return nullptr;
    for (int64_t i = 0; i < l.inputs(); ++i)
      m.x[i] = static_cast<float>(record[l.record.features + i]);
    return m.x.data();
  }
  int64_t symbol(const double* record) const {
    return l.symbols ? static_cast<int64_t>(record[l.record.symbol]) : -1;
  }

  // Takes an event: predicts what follows from it, and has it wait for its class. Null where the
  // caller refused a service.
  double* take(const Services& services, const Event& event, const Change& change) const {
    if (!admit(services, change)) return nullptr;
    const bool ahead = pending().count() > 0;
    const bool training_waits = ahead && pending().record(0)[l.record.stepped] != 0;
    if (!training_waits && !ensemble().maintain(services, pending().is_inspection_due()))
      return nullptr;
    double* const record = pending().append();
    encode(event, record);
    ensemble().step(inputs(record), symbol(record), ahead);
    predict(record);
    record[l.record.stepped] = !ahead;
    columns().observe(event);
    pending().count_event();
    return record;
  }

  // Slots that get another meaning are forgotten, and there is room for those that are new.
  bool admit(const Services& services, const Change& change) const {
    if (change.forgotten_count || change.used > l.slots) ensemble().complete_step();
    if (change.used > l.slots && !services.reserve(services.context, change.used, l.classes))
      return false;
    const auto used = static_cast<int64_t>(b()[l.columns.used]);
    columns().admit(change);
    experts().start_features(used, static_cast<int64_t>(b()[l.columns.used]));
    for (int64_t i = 0; i < change.forgotten_count; ++i) forget_slot(change.forgotten[i]);
    return true;
  }

  void forget_slot(int64_t slot) const {
    ensemble().forget_input(l.fixed() + slot);
    experts().forget_slot(slot);
  }

  // What the columns, and the last class, say to the networks and experts.
  void encode(const Event& event, double* record) const {
    record[l.record.seconds] = event.seconds;
    record[l.record.symbol] = static_cast<double>(event.symbol);
    if (l.symbols) return;
    double* const f = record + l.record.features;
    if (l.timed) encode_calendar(event.seconds, f);
    columns().encode(event, f + l.fixed(), l.slots);
    const auto last = static_cast<int64_t>(b()[l.last]);
    if (last) f[l.fixed() + static_cast<int64_t>(b()[l.slot + last])] = 1.0;
  }

  // Sines, then cosines, of the time of day (one and two turns), of the week, and of the year.
  static void encode_calendar(double seconds, double* f) {
    constexpr double circle = 6.283185307179586;
    constexpr double turns[lethe::calendar_waves] = {1 / day * circle, 2 / day * circle,
                                                     1 / week * circle, 1 / year * circle,
                                                     2 / year * circle};
    const bool known = std::isfinite(seconds);
    for (int64_t i = 0; i < lethe::calendar_waves; ++i) {
      f[i] = known ? std::sin(seconds * turns[i]) : 0.0;
      f[lethe::calendar_waves + i] = known ? std::cos(seconds * turns[i]) : 0.0;
    }
  }

  // What all predictors say, the networks' outputs included, and their mean.
  void predict(double* record) const {
    const auto n = static_cast<int64_t>(b()[l.known]), k = l.predictors();
    const auto last = static_cast<int64_t>(b()[l.last]);
    double* const p = record + l.record.predictions;
    double* const answered = record + l.record.answered;
    record[l.record.known] = static_cast<double>(n);
    record[l.record.then] = record[l.record.complete] = 0;
    std::fill(p, p + k * l.classes, 0.0);
    if (n == 1) {
      for (int64_t r = 0; r < k; ++r) p[r * l.classes] = 1.0;
      answered[0] = 1.0;
      return;
    }
    double* const frequency = p + lethe::frequency * l.classes;
    const double* const counts = b() + l.counts;
    double total = 0;
    for (int64_t i = 1; i < n; ++i) total += counts[i] + first_count;
    for (int64_t i = 1; i < n; ++i) frequency[i] = (counts[i] + first_count) / total;
    double* const again = p + lethe::last_class * l.classes;
    const double repeats = last ? b()[l.repeats] / b()[l.repeats + 1] : 0.0;
    for (int64_t i = 1; i < n; ++i) again[i] = (1 - repeats) * frequency[i];
    again[last] += repeats;
    experts().predict(record + l.record.features, n, frequency,
                      p + lethe::naive_classes * l.classes);
    for (int64_t r = 0; r < l.networks; ++r) {
      // The new class is no output's business.
      double* const given = p + (k - l.networks + r) * l.classes;
      const float* const y = m.outputs.data() + r * l.classes;
      double sum = 0;
      for (int64_t i = 1; i < n; ++i) sum += given[i] = static_cast<double>(y[i]) + least_output;
      for (int64_t i = 1; i < n; ++i) given[i] /= sum;
    }
    const double fresh = b()[l.fresh] / b()[l.fresh + 1];
    std::fill(answered, answered + n, 0.0);
    for (int64_t r = 0; r < k; ++r) {
      double* const row = p + r * l.classes;
      row[0] = fresh;
      for (int64_t i = 1; i < n; ++i) row[i] *= 1 - fresh;
      for (int64_t i = 0; i < n; ++i) answered[i] += b()[l.weights + r] * row[i];
    }
    if (!experts().any()) return;
    double* const stacked = m.stacked.data();
    stacking().predict(p, l.classes, n, stacked);
    const double* const shares = stacking().shares();
    for (int64_t i = 1; i < n; ++i)
      answered[i] = shares[0] * (1 - fresh) * stacked[i] + shares[1] * answered[i];
  }

  void set_class(double* record, const ClassChange& came) const {
    const auto known = static_cast<int64_t>(record[l.record.known]);  // it may be newer
    record[l.record.then] = came.before < known ? static_cast<double>(came.before) : 0.0;
  }

  // A class becomes part of the past, and so of what the next event is predicted from.
  bool observe(const Services& services, const ClassChange& came) const {
    const auto last = static_cast<int64_t>(b()[l.last]);
    b()[l.events] += 1;
    const double rate = std::max(1 / (b()[l.events] + 2), 1 - class_fading);
    const double again = came.before == last && came.before > 0;
    b()[l.repeats] += rate * (again - b()[l.repeats]);
    b()[l.repeats + 1] += rate * (1 - b()[l.repeats + 1]);
    b()[l.fresh] += came.before == 0;
    b()[l.fresh + 1] += 1;
    if (!came.before && !admit_class(services, came)) return false;
    double* const counts = b() + l.counts;
    for (int64_t i = 0; i < l.classes; ++i) counts[i] *= class_fading;
    counts[came.place] += 1;
    b()[l.last] = static_cast<double>(came.place);
    return true;
  }

  // A class that is new takes a place that is free, or that of the least recently used.
  bool admit_class(const Services& services, const ClassChange& came) const {
    const int64_t outputs = l.classes;
    if (came.place >= l.classes || came.slot >= l.slots) {
      ensemble().complete_step();
      if (!services.reserve(services.context, came.slot + 1, came.place + 1)) return false;
      if (l.classes > outputs) ensemble().start_outputs_low(outputs);
    }
    b()[l.slot + came.place] = static_cast<double>(came.slot);
    if (came.evicts) {
      ensemble().complete_step();
      b()[l.counts + came.place] = 0;
      ensemble().forget_output(came.place);
      experts().forget_class(came.place);
      if (!l.symbols) forget_slot(came.slot);
    } else {
      b()[l.known] = static_cast<double>(came.place + 1);
      const auto used = static_cast<int64_t>(b()[l.columns.used]);
      if (l.symbols || came.slot < used) return true;
      b()[l.columns.used] = static_cast<double>(came.slot + 1);
      experts().start_features(used, came.slot + 1);
    }
    return true;
  }

  // Learns from the event that has waited longest: its class is there, or missing for good.
  void learn_first(const ClassChange& came) const {
    const double* const record = pending().record(0);
    const bool stepped = record[l.record.stepped] != 0;
    if (!came.missing) {
      const auto then = static_cast<int64_t>(record[l.record.then]);
      if (then && record[l.record.known] > 2) learn_stack(record, then);
      learn_weights(record + l.record.predictions + then);
      experts().learn(record + l.record.features, came.place);
    }
    ensemble().learn(inputs(record), symbol(record), stepped, nullptr, nullptr,
                     came.missing ? -1 : came.place);
    pending().remove_first();
    if (!pending().count()) ensemble().merge();
  }

  void learn_stack(const double* record, int64_t then) const {
    if (!experts().any()) return;
    const double* const rows = record + l.record.predictions;
    double mixed = 0;
    for (int64_t r = 0; r < l.predictors(); ++r)
      mixed += b()[l.weights + r] * rows[r * l.classes + then];
    const auto known = static_cast<int64_t>(record[l.record.known]);
    stacking().learn(rows, l.classes, known, then, m.stacked.data());
    stacking().learn_shares((1 - rows[0]) * m.stacked[then], mixed);
  }

  // Bayes' rule, with a little of all weight shared out at every event (Herbster & Warmuth 1998),
  // so that the best predictor may change with time.
  void learn_weights(const double* likelihoods) const {
    double* const w = b() + l.weights;
    const int64_t k = l.predictors();
    double sum = 0;
    for (int64_t r = 0; r < k; ++r) {
      w[r] *= std::max(likelihoods[r * l.classes], least_probability);
      sum += w[r];
    }
    const double share = shared_weight / static_cast<double>(k);
    for (int64_t r = 0; r < k; ++r) w[r] = (1 - shared_weight) * (w[r] / sum) + share;
  }

  void give_up_first() const {
    pending().count_missed();
    pending().record(0)[l.record.complete] = 1;  // its class is missing
  }
};

}  // namespace LETHE_ISA
