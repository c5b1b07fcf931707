// The parts of a block of a stream of numbers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stream_layout.hpp"

namespace lethe {

constexpr int64_t remembered_events = 4096;  // that a season is looked up among
constexpr int64_t most_residuals = 1024;     // of each head
constexpr int64_t residuals_in_all = 24576;  // of all heads, while each has
constexpr int64_t least_residuals = 64;
constexpr int64_t most_linear_slots = 64;  // columns that linear predictors see: cost is quadratic
constexpr int64_t delay_lags = 512;        // events that a column may act later
constexpr int64_t delay_taps = 8, tap_packed = delay_taps * (delay_taps + 1) / 2;
constexpr int64_t most_delay_sources = 16, most_delay_targets = 4;
constexpr int64_t season_features = 3;  // of each target and season
enum Linear : int64_t { slow_linear, fast_linear, open_linear, linear_predictors };
constexpr int64_t covariances = 2;  // the open one's is the slow one's
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

// Blends of each head: of the predictors in units of the usual error, of the predictors in a unit
// that hardly moves, and of these two.
enum Blend : int64_t { in_usual_errors, in_slow_units, of_blends, blend_count };

// A residual: what came, what had been predicted, and the state that the stream was in.
enum ResidualNumber : int64_t {
  was_actual,
  was_predicted,
  was_usual,   // the mean absolute error at that time
  was_last,    // the last value
  was_spread,  // how far apart predictors were
  residual_numbers
};

// Groups of networks of a stream of numbers: those that learn what linear predictors leave of the
// next event, the one made for memory, and those that look further ahead.
enum NumberGroup : int64_t { of_next, of_memory, of_far };

struct NumberSizes : StreamSizes {
  int64_t targets, horizon, lags;
  // Events after which a season repeats, and a second one; 0 is none.
  int64_t period, long_period;

  bool profiled() const { return targets <= most_profiled; }
  bool seasonal() const { return timed || period > 0 || profiled(); }
  // How many targets periods are looked for in.
  int64_t listening() const {
    return period > 0 || !seasonal() ? 0 : std::min(targets, most_listened);
  }
  int64_t heads() const { return targets * horizon; }
  // The networks, the one for memory, and what acts after a delay come last.
  int64_t predictors() const { return delayed() + 1; }
  int64_t first_network() const { return naive_predictors + linear_predictors; }
  int64_t memory() const { return first_network() + group[of_next].networks; }
  int64_t delayed() const { return memory() + 1; }
  // Columns whose delayed effects are looked for, where there are few targets.
  int64_t delay_sources() const {
    return targets <= most_delay_targets ? std::min(slots, most_delay_sources) : 0;
  }
  // Residuals that each head keeps.
  int64_t kept() const {
    return std::clamp(residuals_in_all / heads(), least_residuals, most_residuals);
  }
  // Numbers of an answer: four for each head, and of each target its last value and its range.
  int64_t answer() const { return 4 * heads() + 3 * targets; }
  // Weights of each head's three blends.
  int64_t blending() const { return 2 * predictors() + 2; }
  // Features that come from no column, but for the constant.
  int64_t fixed() const {
    return targets * (1 + lags) + (seasonal() ? seasons * season_features * targets : 0) +
           (timed ? calendar_features : 0) + targets;
  }
  int64_t inputs() const { return fixed() + slots; }
  // What the network for memory sees: the last surprises, and the columns.
  int64_t remembered_inputs() const { return targets + slots; }
  int64_t linear() const { return 1 + fixed() + std::min(slots, most_linear_slots); }
  int64_t packed() const { return linear() * (linear() + 1) / 2; }
  int64_t depth() const {
    const int64_t looked_up = timed || profiled() ? remembered_events : 0;
    return std::max({looked_up, period + 1, long_period + 1, lags + 2});
  }
};

// An event of numbers, with all that learning from it will need.
struct NumberRecord : RecordHead {
  int64_t features, gains, last_value, scale, base, predictions, blends, plain, blended,
      mean_abs_error, residuals_seen, spread, bounds, targets, remainder, useful, taps, delayed,
      number, size;

  template <class Visit>
  void each(Visit&& part, const NumberSizes& s) {
    const int64_t m = s.heads();
    RecordHead::each(part);
    part("features", features, holds::small, {1 + s.inputs()});
    part("gains", gains, holds::gain, {covariances, s.linear()});
    part("last value", last_value, holds::maybe_value, {s.targets});
    part("scale", scale, holds::distance, {m});
    part("base", base, holds::prediction, {m});
    part("predictions", predictions, holds::prediction, {m, s.predictors()});
    part("blends", blends, holds::prediction, {m, 2});
    part("plain", plain, holds::prediction, {m});
    part("blended", blended, holds::prediction, {m});
    part("mean absolute error", mean_abs_error, holds::error, {m});
    part("residuals seen", residuals_seen, holds::count, {m});
    part("spread", spread, holds::error, {m});
    part("bounds", bounds, holds::bound, {s.targets, 2});
    part("targets", targets, holds::maybe_value, {s.targets, s.horizon});
    part("remainder", remainder, holds::small, {m});
    part("useful", useful, holds::flag, {m});
    part("taps", taps, holds::small, {s.delay_sources() ? s.targets : 0, delay_taps});
    part("delayed", delayed, holds::prediction, {s.targets});
    part("number", number, holds::count, {1});  // of the event
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
  int64_t blend_weights, regret, squares, most, slow_unit, mean_abs_error, errors, calm, residuals,
      residual_count, scale, distances, reach;
  // predictors that are far from the blend, for once; the unit of large errors, and the last ones
  int64_t apart, trust, trusted, benefit, error_sum, error_squares, surprise;
  // what the targets' levels and the columns are measured from
  int64_t anchor_mean, anchor_spread, anchor_reach;
  // columns that act after a delay
  int64_t delayed_columns, delay_newest, delay_power, correlation, delay_noise, delay_events,
      tap_source, tap_lag, tap_weights, tap_covariance;
  // what was declared of the targets' range, and what is known of it
  int64_t declared, range, reached, range_count;
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
    part("covariance", covariance, holds::covariance, {covariances, packed()});
    part("ever nonzero", ever_nonzero, holds::flag, {n});
    part("blend weights", blend_weights, holds::share, {m, b});
    part("regret", regret, holds::regret, {m, b});
    part("squares", squares, holds::square, {m, b});
    part("most", most, holds::square, {m, blend_count});
    part("slow unit", slow_unit, holds::error, {m});
    part("mean absolute error", mean_abs_error, holds::error, {m});
    part("errors", errors, holds::count, {m});
    part("calm", calm, holds::count, {m});  // errors in a row that were far below the mean
    part("residuals", residuals, holds::residual, {m, kept(), residual_numbers});
    part("residual count", residual_count, holds::count, {m});
    part("scale", scale, holds::distance, {m});
    part("distances", distances, holds::count, {m});
    part("reach", reach, holds::distance, {m});
    part("apart", apart, holds::error, {t, predictors()});
    part("trust", trust, holds::share, {t, predictors()});
    part("trusted", trusted, holds::count, {t, predictors()});
    part("benefit", benefit, holds::small, {t, predictors()});
    part("error sum", error_sum, holds::distance, {t});
    part("error squares", error_squares, holds::variance, {t});
    part("surprise", surprise, holds::small, {t});
    part("anchor mean", anchor_mean, holds::value, {t + slots});
    part("anchor spread", anchor_spread, holds::distance, {t + slots});
    part("anchor reach", anchor_reach, holds::reach, {t + slots});
    const int64_t sources = delay_sources(), found = sources ? t : 0;
    part("delayed columns", delayed_columns, holds::small, {sources, 4 * delay_lags});
    part("delay newest", delay_newest, {0, 2 * delay_lags - 1, true}, {1});
    part("delay power", delay_power, holds::not_negative, {sources});
    part("correlation", correlation, holds::small, {found, sources, delay_lags});
    part("delay noise", delay_noise, holds::not_negative, {found});
    part("delay events", delay_events, holds::count, {found});
    part("tap source", tap_source, {0, double(sources), true}, {found, delay_taps});
    part("tap lag", tap_lag, {0, delay_lags, true}, {found, delay_taps});
    part("tap weights", tap_weights, holds::weight, {found, delay_taps});
    part("tap covariance", tap_covariance, holds::covariance, {found, tap_packed});
    part("declared range", declared, holds::bound, {t, 2});
    part("range", range, holds::value, {t, 2});
    part("range reached", reached, holds::count, {t, 2});
    part("range count", range_count, holds::count, {t});
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

}  // namespace lethe
