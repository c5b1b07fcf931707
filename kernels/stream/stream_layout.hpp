// Where each part of a stream's block lies: everything follows from its sizes. The numbers come
// first, all doubles; behind them lie the networks' blocks, and the live states of networks that
// predict ahead of what they have learned. This is what every kind of stream has.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../network/layout.hpp"
#include "parts.hpp"

namespace lethe {

constexpr int64_t calendar_waves = 5;
constexpr int64_t calendar_features = 2 * calendar_waves;

// Networks of one topology, which differ in their learning rate.
constexpr int64_t most_groups = 3;
struct GroupSizes {
  int64_t networks = 0;
  int64_t blocks = 0, layers = 0;  // memory blocks of a layer of each network, and layers
  int64_t all_blocks() const { return networks * layers * blocks; }
};

// What every kind of stream is made of.
struct StreamSizes {
  int64_t slots;         // places for what columns say, in the features
  int64_t pending;       // events that can wait for their targets at once
  int64_t networks = 0;  // of all groups
  int64_t groups = 0;
  GroupSizes group[most_groups];
  int64_t scored;  // numbers of an event that the anomaly scorer looks at; 0: it is off
  int64_t timed;   // whether events have times
  int64_t ahead;   // whether networks may have to predict ahead of what they have learned
};

// Networks of one topology in a block: their layout and their compiled body are one for all.
struct Group {
  const Layout* network = nullptr;
  const Kernel<float>* kernel = nullptr;
  int64_t first = 0, count = 0;    // which of all networks
  int64_t begin = 0, live = 0;     // bytes from the block's start to the networks, to live states
  int64_t outputs = 0, aside = 0;  // where theirs begin in Memory's scratch
  int64_t blocks = 0;              // memory blocks of all networks before
  bool ahead = false;              // whether they may have to predict ahead of what they learned

  // A live state: a header and what a frozen step writes.
  int64_t live_size() const {
    return int64_t(sizeof(Header)) + network->state_end - network->state_begin;
  }
};

// A block and what lies in it.
template <class StreamLayout>
struct Memory {
  StreamLayout layout;
  Group group[most_groups];
  char* block = nullptr;
  int64_t bytes = 0;  // of the block
  // What a call needs and nothing remembers: an input of the networks, their outputs, a target.
  mutable std::vector<float> x, outputs, target, remainder;
  mutable std::vector<uint8_t> useful, kept_state;
  mutable std::vector<char> aside;      // states after a step that was looked at and taken back
  mutable std::vector<double> says;     // which predictors say something of their own
  mutable std::vector<double> stacked;  // what stacking looks at
  std::vector<double> rates;            // the networks' learning rates

  double* numbers() const { return reinterpret_cast<double*>(block); }
  int64_t size() const { return bytes; }
  // Which group a network belongs to.
  const Group& group_of(int64_t n) const {
    int64_t g = 0;
    while (n >= group[g].first + group[g].count) ++g;
    return group[g];
  }
  char* network_block(int64_t n) const {
    const Group& of = group_of(n);
    return block + of.begin + (n - of.first) * of.network->size;
  }
  char* live(int64_t n) const {
    const Group& of = group_of(n);
    return block + of.live + (n - of.first) * of.live_size();
  }

  // Lays the networks out behind the numbers; false where they would be larger than any block.
  bool place_networks() {
    int64_t at = (layout.size * int64_t(sizeof(double)) + 63) / 64 * 64, n = 0, blocks = 0;
    double estimate = double(at);
    for (int64_t g = 0; g < layout.groups; ++g) {
      Group& of = group[g];
      of.first = n;
      of.count = layout.group[g].networks;
      of.blocks = blocks;
      of.begin = at;
      estimate += double(of.count) * (double(of.network->size) + double(of.live_size()));
      if (!(estimate < 8.0 * double(most_numbers))) return false;
      at += of.count * of.network->size;
      of.live = at;
      if (of.ahead) at += (of.count * of.live_size() + 63) / 64 * 64;
      n += of.count;
      blocks += layout.group[g].all_blocks();
    }
    bytes = at;
    return true;
  }
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
    int64_t blocks = 0;
    for (int64_t g = 0; g < s.groups; ++g) blocks += s.group[g].all_blocks();
    part("forked", forked, holds::flag, {s.groups});
    part("waiting", waiting, holds::flag, {s.groups});
    part("diverged", diverged, holds::count, {s.groups});  // a bit for each network
    part("redraw", redraw, holds::count, {s.groups});
    part("lost steps", lost_steps, holds::count, {1});
    part("stuck", stuck, holds::count, {blocks, 3});
    part("shut", shut, holds::count, {blocks});
    part("alarms", alarms, holds::count, {3});
  }
};

// What is known of the past of each scored target: how often which numbers came (tail.hpp).
enum TailOf : int64_t {
  of_errors,
  of_short_runs,
  of_long_runs,
  of_neighbourhoods,
  of_quiet_runs,
  of_ranges,
  of_levels,
  of_repeats,
  of_gaps,
  tails
};
struct TailShape {
  int64_t bins;
  double per_octave, first;  // the first bin's logarithm to base 2; errors have their own
  double largest;            // numbers that say how the tail goes on; neighbours are much alike
  int64_t delay;  // events until a number is one of the past, so that no run hides itself
};
constexpr TailShape tail_shapes[tails] = {
    {640, 16, 0, 20, 0},      {256, 32, -4, 100, 32}, {256, 32, -4, 200, 256},
    {256, 32, -4, 200, 0},    {256, 32, -4, 100, 64}, {128, 8, -10, 20, 0},
    {256, 16, -11, 100, 128}, {64, 4, -1, 20, 0},     {64, 4, -1, 20, 0}};
constexpr int64_t delayed_numbers() {
  int64_t sum = 0;
  for (const TailShape& shape : tail_shapes) sum += shape.delay;
  return sum;
}
constexpr TailShape shape_of_scores = {512, 8, 0, 20, 0},
                    shape_of_joint_errors = {256, 16, -6, 20, 0};
constexpr int64_t most_held_values = holds::most_held;  // of a spike
constexpr int64_t most_joint = 16;  // targets that are looked at together: cost is quadratic

// What an alarm can be asked to heed, and what it remembers.
enum AlarmRule : int64_t {
  rule_rate,  // alarms in an event
  rule_direction,
  rule_least,
  rule_least_relative,
  rule_lowest,
  rule_highest,
  rule_warm_up,
  rule_cooldown,
  alarm_rules
};
enum AlarmKind : int64_t {
  no_alarm,
  spike,
  dip,
  level_shift,
  drift,
  change_of_noise,
  too_quiet,
  is_stuck,
  missing_data,
  unseen_category,
  unlikely_category,
  out_of_range,
  alarm_kinds
};
enum AlarmState : int64_t { idle, begins, goes_on, ends };
enum AlarmChannel : int64_t {
  by_error,
  by_short_run,
  by_long_run,
  by_quiet_run,
  by_range,
  by_level,
  by_repeats,
  by_gap,
  by_rule,
  alarm_channels,
  by_neighbours = alarm_channels,  // which alarm nobody
  by_joint
};
enum AlarmNumber : int64_t {
  alarm_state,
  alarm_kind,
  alarm_channel,
  alarm_begun,    // the event's number
  alarm_peak_at,  // and that of the least likely one
  alarm_end,
  alarm_odds,  // of the peak
  alarm_expected,
  alarm_low,
  alarm_high,
  alarm_actual,
  alarm_elapsed,
  alarm_calm,
  alarm_above,  // deviations upwards, and downwards
  alarm_below,
  alarm_jump,  // how far the first value was from its level; drifts have no jump
  alarm_is_jump,
  alarm_stayed,  // events that stayed so far off, of the first ones
  alarm_joined,
  alarm_numbers
};

struct AnomalyParts {
  int64_t tail[tails], largest, first, delayed, delayed_count, scores, scores_largest, joint,
      joint_largest, joint_inverse, event, seen, short_run, long_run, neighbourhood, quiet_run,
      usual_error, far_errors, last, level, change, range, repeats, gap, window, window_sum,
      window_level, level_odds, stays, judged, awaited, rule, alarm, disarmed, told, held,
      held_value, held_count, held_values, row, off_level;

  static int64_t joined(int64_t scored) { return scored > 1 && scored <= most_joint ? scored : 0; }

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s) {
    static constexpr const char* names[tails] = {
        "errors so far",         "short runs so far", "long runs so far",
        "neighbourhoods so far", "quiet runs so far", "ranges so far",
        "levels so far",         "repeats so far",    "gaps so far"};
    for (int64_t k = 0; k < tails; ++k)
      part(names[k], tail[k], holds::not_negative, {s.scored, tail_shapes[k].bins});
    part("largest so far", largest, holds::not_negative, {s.scored, tails});
    part("first bins", first, holds::bin, {s.scored, tails});
    part("delayed", delayed, holds::not_negative, {s.scored, delayed_numbers()});
    part("delayed count", delayed_count, holds::count, {s.scored, tails});
    const int64_t any = s.scored > 0, j = joined(s.scored);
    part("scores so far", scores, holds::not_negative, {any, shape_of_scores.bins});
    part("largest score so far", scores_largest, holds::not_negative, {any});
    part("joint errors so far", joint, holds::not_negative, {j > 0, shape_of_joint_errors.bins});
    part("largest joint error so far", joint_largest, holds::not_negative, {j > 0});
    part("joint inverse", joint_inverse, holds::covariance, {j * (j + 1) / 2});
    part("watched event", event, holds::count, {any});  // its number
    part("scored events", seen, holds::count, {s.scored});
    part("short run", short_run, holds::not_negative, {s.scored});
    part("long run", long_run, holds::not_negative, {s.scored});
    part("neighbourhood", neighbourhood, holds::not_negative, {s.scored});
    part("quiet run", quiet_run, holds::not_negative, {s.scored});
    part("usual error", usual_error, holds::error, {s.scored});
    part("far errors", far_errors, holds::count, {s.scored});  // lately
    part("last scored", last, holds::maybe_value, {s.scored});
    part("scored level", level, holds::value, {s.scored});
    part("scored change", change, holds::change, {s.scored});
    part("scored range", range, holds::value, {s.scored, 2});
    part("repeats", repeats, holds::count, {s.scored});
    part("missing in a row", gap, holds::count, {s.scored});
    part("level window", window, holds::count, {any});
    part("level window sum", window_sum, holds::total, {s.scored});
    part("window level", window_level, holds::maybe_value, {s.scored});
    part("level odds", level_odds, holds::probability, {s.scored});
    part("deviations that stay", stays, holds::probability, {s.scored});
    part("deviations judged", judged, holds::count, {s.scored});
    part("awaited", awaited, holds::anything, {s.scored, 2});
    part("alarm rule", rule, holds::bound, {s.scored, alarm_rules});
    part("alarm", alarm, holds::anything, {s.scored, alarm_numbers});
    part("disarmed", disarmed, holds::flag, {s.scored, alarm_channels});
    part("told", told, holds::probability, {s.scored, alarm_channels});
    part("held", held, holds::flag, {s.scored});
    part("held value", held_value, holds::value, {s.scored});
    part("held count", held_count, holds::held, {s.scored});
    part("held values", held_values, holds::value, {s.scored, most_held_values});
    part("off level", off_level, holds::prediction, {s.scored});  // lately, in the mean
    part("deviations in a row", row, holds::count, {s.scored});
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

}  // namespace lethe
