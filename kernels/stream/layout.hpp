// Where each part of a stream's block lies: everything follows from its sizes. The numbers come
// first, all doubles; behind them lie the networks' blocks, and the live states of networks that
// predict ahead of what they have learned.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../network/layout.hpp"
#include "parts.hpp"

namespace lethe {

constexpr int64_t remembered_events = 4096;  // that a season is looked up among
constexpr int64_t kept_residuals = 256;      // of each head
constexpr int64_t sample_size = 1000;        // errors that an anomaly is compared with
constexpr int64_t most_linear_slots = 64;  // columns that linear predictors see: cost is quadratic
constexpr int64_t season_features = 3;     // of each target and season
constexpr int64_t calendar_waves = 5;
constexpr int64_t calendar_features = 2 * calendar_waves;
constexpr int64_t linear_predictors = 2;
constexpr int64_t seasons = 2;
constexpr int64_t most_lag = 2048;     // that periods are found among
constexpr int64_t most_listened = 4;   // targets that periods are found in
constexpr int64_t most_profiled = 16;  // targets that have profiles of their seasons

// The predictors that are blended, before the networks.
enum Naive : int64_t {
  last,
  overall_mean,
  smoothed_fast,
  smoothed_slow,
  median,
  season,  // for each season; so are the next two
  season_and_level = season + seasons,
  season_and_slow_level = season_and_level + seasons,
  season_and_drift = season_and_slow_level + seasons,
  scaled_season,
  seasonal_linear,  // learned, but at home wherever these are
  naive_predictors
};

// Blends of each head: of the predictors in units of the usual error, of the predictors in the
// target's own units, and of these two.
enum Blend : int64_t { in_usual_errors, in_own_units, of_blends, blend_count };

// What every kind of stream is made of.
struct StreamSizes {
  int64_t slots;           // places for what columns say, in the features
  int64_t pending;         // events that can wait for their targets at once
  int64_t networks;        // that differ in their learning rate
  int64_t blocks, layers;  // memory blocks of a layer of each network, and layers
  int64_t scored;          // numbers of an event that the anomaly scorer looks at; 0: it is off
  int64_t timed;           // whether events have times
  int64_t ahead;           // whether networks may have to predict ahead of what they have learned
};

// A block and what lies in it. The networks' layout and their compiled body are one for all.
template <class StreamLayout>
struct Memory {
  StreamLayout layout;
  const Layout* network = nullptr;
  const Kernel<float>* kernel = nullptr;
  char* block = nullptr;
  // What a call needs and nothing remembers: an input of the networks, their outputs, a target.
  mutable std::vector<float> x, outputs, target, remainder;
  mutable std::vector<uint8_t> useful, kept_state;
  mutable std::vector<char> aside;  // states after a step that was looked at and taken back
  std::vector<double> rates;        // the networks' learning rates

  double* numbers() const { return reinterpret_cast<double*>(block); }
  int64_t first_network() const { return (layout.size * int64_t(sizeof(double)) + 63) / 64 * 64; }
  // A live state: a header and what a frozen step writes.
  int64_t live_size() const {
    return int64_t(sizeof(Header)) + network->state_end - network->state_begin;
  }
  int64_t first_live() const { return first_network() + layout.networks * network->size; }
  int64_t size() const { return first_live() + layout.ahead * layout.networks * live_size(); }
  char* network_block(int64_t n) const { return block + first_network() + n * network->size; }
  char* live(int64_t n) const { return block + first_live() + n * live_size(); }
};

// Number columns: their running scales, and the slots that they fill.
struct ColumnParts {
  int64_t used, columns, mean, variance, count, slot, missing_slot;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s) {
    part("slots used", used, holds::count, {1});
    part("columns", columns, holds::count, {1});
    part("column mean", mean, holds::value, {s.slots});
    part("column variance", variance, holds::variance, {s.slots});
    part("column count", count, holds::count, {s.slots});
    part("column slot", slot, holds::count, {s.slots});
    part("column missing slot", missing_slot, holds::count, {s.slots});  // 0: none; else 1 + slot
  }
};

// Networks that run side by side, and what their monitor has counted.
struct EnsembleParts {
  int64_t forked, waiting, diverged, redraw, lost_steps, stuck, shut, alarms;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s) {
    part("forked", forked, holds::flag, {1});
    part("waiting", waiting, holds::flag, {1});
    part("diverged", diverged, holds::count, {1});  // a bit for each network
    part("redraw", redraw, holds::count, {1});
    part("lost steps", lost_steps, holds::count, {1});
    part("stuck", stuck, holds::count, {s.networks, s.layers, 3, s.blocks});
    part("shut", shut, holds::count, {s.networks, s.layers, s.blocks});
    part("alarms", alarms, holds::count, {3});
  }
};

// Samples of past errors, and of the mean surprise over a run of events; both in order of size.
struct AnomalyParts {
  int64_t errors, means, error_count, mean_count, mean;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s) {
    part("error sample", errors, holds::not_negative, {s.scored, sample_size});
    part("surprise sample", means, holds::not_negative, {s.scored, sample_size});
    part("error count", error_count, holds::count, {s.scored});
    part("surprise count", mean_count, holds::count, {s.scored});
    part("mean surprise", mean, holds::not_negative, {s.scored});
  }
};

// Counters of the stream, and the ring of events that wait for their targets.
struct PendingParts {
  int64_t events, skipped, missed, following, first, count, sequence, records;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s, int64_t record_size) {
    part("events", events, holds::count, {1});
    part("skipped", skipped, holds::count, {1});
    part("missed", missed, holds::count, {1});
    part("following", following, holds::flag, {1});
    part("pending first", first, holds::count, {1});  // where in the ring
    part("pending count", count, holds::count, {1});
    part("pending sequence", sequence, holds::sequence, {1});  // which event the first is
    // What records hold is checked part by part.
    part("records", records, holds::anything, {s.pending, record_size});
  }
};

// What every record begins with.
struct RecordHead {
  int64_t seconds, stepped, complete;

  template <class Visit>
  void each(Visit&& part) {
    part("seconds", seconds, holds::time, {1});
    part("stepped", stepped, holds::flag, {1});
    part("complete", complete, holds::flag, {1});
  }
};

struct NumberSizes : StreamSizes {
  int64_t targets, horizon, lags, period;

  bool profiled() const { return targets <= most_profiled; }
  bool seasonal() const { return timed || period > 0 || profiled(); }
  // How many targets periods are looked for in.
  int64_t listening() const {
    return period > 0 || !seasonal() ? 0 : std::min(targets, most_listened);
  }
  int64_t heads() const { return targets * horizon; }
  int64_t predictors() const { return naive_predictors + linear_predictors + networks; }
  // Weights of each head's three blends.
  int64_t blending() const { return 2 * predictors() + 2; }
  // Features that come from no column, but for the constant.
  int64_t fixed() const {
    return targets * (1 + lags) + (seasonal() ? seasons * season_features * targets : 0) +
           (timed ? calendar_features : 0);
  }
  int64_t inputs() const { return fixed() + slots; }
  int64_t linear() const { return 1 + fixed() + std::min(slots, most_linear_slots); }
  int64_t packed() const { return linear() * (linear() + 1) / 2; }
  int64_t depth() const {
    const int64_t looked_up = timed || profiled() ? remembered_events : 0;
    return std::max({looked_up, period + 1, lags + 2});
  }
};

// An event of numbers, with all that learning from it will need.
struct NumberRecord : RecordHead {
  int64_t features, gains, last_value, scale, base, predictions, blends, blended, mean_abs_error,
      residuals_seen, targets, size;

  template <class Visit>
  void each(Visit&& part, const NumberSizes& s) {
    const int64_t m = s.heads();
    RecordHead::each(part);
    part("features", features, holds::small, {1 + s.inputs()});
    part("gains", gains, holds::small, {linear_predictors, s.linear()});
    part("last value", last_value, holds::maybe_value, {s.targets});
    part("scale", scale, holds::distance, {m});
    part("base", base, holds::small, {m});
    part("predictions", predictions, holds::prediction, {m, s.predictors()});
    part("blends", blends, holds::prediction, {m, 2});
    part("blended", blended, holds::prediction, {m});
    part("mean absolute error", mean_abs_error, holds::error, {m});
    part("residuals seen", residuals_seen, holds::count, {m});
    part("targets", targets, holds::maybe_value, {s.targets, s.horizon});
  }
};

struct NumberLayout : NumberSizes {
  ColumnParts columns;
  EnsembleParts ensemble;
  AnomalyParts anomaly;
  PendingParts pending_events;
  NumberRecord record;
  // the past of the targets
  int64_t remembered, gap, values, times, level_mean, level_variance, level_count, mean_change,
      changes, total, counted, fast, slow, median;
  // periods that are found
  int64_t heard, innovations, autocorrelation, deviation, deviations, deviation_square,
      deviation_product, usual_innovation, periods;
  // profiles of seasons
  int64_t profile_length, profile, folded, season_error, drift, profile_level, season_fast,
      season_slow;
  // linear predictors; the covariances are symmetric, and their lower triangles lie row by row
  int64_t weights, season_weights, covariance, ever_nonzero;
  // each head's blends, errors and distances from the last value
  int64_t blend_weights, regret, squares, most, mean_abs_error, errors, residuals, residual_count,
      scale, distances;
  int64_t size;

  template <class Visit>
  void each(Visit&& part) {
    const int64_t t = targets, m = heads(), n = linear(), b = blending();
    columns.each(part, *this);
    ensemble.each(part, *this);
    anomaly.each(part, *this);
    pending_events.each(part, *this, record.size);
    part("remembered", remembered, holds::count, {1});
    part("gap", gap, holds::gap, {1});
    part("values", values, holds::value, {depth(), t});
    part("times", times, holds::time, {timed ? depth() : 0});
    part("level mean", level_mean, holds::value, {t});
    part("level variance", level_variance, holds::variance, {t});
    part("level count", level_count, holds::count, {t});
    part("mean change", mean_change, holds::change, {t});
    part("changes", changes, holds::count, {t});
    part("total", total, holds::total, {t});
    part("counted", counted, holds::count, {t});
    part("fast", fast, holds::value, {t});
    part("slow", slow, holds::value, {t});
    part("median", median, holds::value, {t});
    const int64_t h = listening(), lags_heard = h ? most_lag : 0;
    part("heard", heard, holds::count, {1});
    part("innovations", innovations, holds::small, {h, most_lag});
    part("autocorrelation", autocorrelation, holds::small, {lags_heard});
    part("deviation", deviation, holds::small, {h});
    part("deviations", deviations, holds::count, {h});
    part("deviation square", deviation_square, holds::small, {h});
    part("deviation product", deviation_product, holds::small, {h});
    part("usual innovation", usual_innovation, holds::small, {h});
    part("periods", periods, holds::lag, {seasons});
    const int64_t p = profiled() ? t : 0;
    part("profile length", profile_length, holds::gap, {seasons});
    part("profile", profile, holds::profile, {seasons, depth(), p});
    part("folded", folded, holds::count, {seasons, p});
    part("season error", season_error, holds::change, {seasons, p});
    part("drift", drift, holds::profile, {seasons, p});
    part("profile level", profile_level, holds::profile, {seasons, p});
    part("season fast", season_fast, holds::profile, {seasons, p});
    part("season slow", season_slow, holds::profile, {seasons, p});
    part("weights", weights, holds::weight, {linear_predictors, m, n});
    part("season weights", season_weights, holds::weight, {m, n});
    part("covariance", covariance, holds::covariance, {linear_predictors, packed()});
    part("ever nonzero", ever_nonzero, holds::flag, {n});
    part("blend weights", blend_weights, holds::share, {m, b});
    part("regret", regret, holds::regret, {m, b});
    part("squares", squares, holds::square, {m, b});
    part("most", most, holds::square, {m, blend_count});
    part("mean absolute error", mean_abs_error, holds::error, {m});
    part("errors", errors, holds::count, {m});
    part("residuals", residuals, holds::prediction, {m, kept_residuals});
    part("residual count", residual_count, holds::count, {m});
    part("scale", scale, holds::distance, {m});
    part("distances", distances, holds::count, {m});
  }

  // False where such a block would be larger than any.
  bool place() {
    Placing in_record, in_block;
    record.each(in_record, *this);
    record.size = in_record.end();
    each(in_block);
    size = in_block.end();
    return in_record.fits() && in_block.fits();
  }
};

// The predictors of classes, before the networks: how often each came lately; the last one again.
enum NaiveClass : int64_t { frequency, last_class, naive_classes };

struct ClassSizes : StreamSizes {
  int64_t classes;  // places for classes; place 0 is any class that is new
  int64_t symbols;  // whether an event is a symbol and nothing else

  int64_t predictors() const { return naive_classes + networks; }
  int64_t fixed() const { return timed ? calendar_features : 0; }
  int64_t inputs() const { return fixed() + slots; }
};

struct ClassRecord : RecordHead {
  int64_t symbol, features, known, then, predictions, answered, size;

  template <class Visit>
  void each(Visit&& part, const ClassSizes& s) {
    RecordHead::each(part);
    part("symbol", symbol, holds::count, {1});
    part("features", features, holds::small, {s.symbols ? 0 : s.inputs()});
    part("known", known, holds::count, {1});  // places that were answered about
    part("then", then, holds::count, {1});    // the class's place among them
    part("predictions", predictions, holds::probability, {s.predictors(), s.classes});
    part("answered", answered, holds::probability, {s.classes});
  }
};

struct ClassLayout : ClassSizes {
  ColumnParts columns;
  EnsembleParts ensemble;
  AnomalyParts anomaly;
  PendingParts pending_events;
  ClassRecord record;
  int64_t known, last, events, counts, slot, repeats, fresh, weights;
  int64_t size;

  template <class Visit>
  void each(Visit&& part) {
    columns.each(part, *this);
    ensemble.each(part, *this);
    anomaly.each(part, *this);
    pending_events.each(part, *this, record.size);
    part("classes known", known, holds::count, {1});  // the new one included
    part("last class", last, holds::count, {1});
    part("class events", events, holds::count, {1});
    part("class counts", counts, holds::class_count, {classes});
    part("class slot", slot, holds::count, {classes});
    part("repeats", repeats, holds::not_negative, {2});
    part("fresh", fresh, holds::not_negative, {2});
    part("weights", weights, holds::share, {predictors()});
  }

  bool place() {
    Placing in_record, in_block;
    record.each(in_record, *this);
    record.size = in_record.end();
    each(in_block);
    size = in_block.end();
    return in_record.fits() && in_block.fits();
  }
};

}  // namespace lethe
