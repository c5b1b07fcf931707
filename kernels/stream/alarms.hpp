// The alarm decision: one alarm for one thing that happens, from where it begins to where it is
// over, with what kind of thing it is.
//
// An alarm begins where one of the ways in which a target is watched finds what comes less often
// than the rate that was asked for, its share and the number of targets considered. It goes on
// until things have been calm for some events; what is still unusual then (a run needs time to be
// forgotten) is disarmed until it is usual again. Kinds follow from how the alarm began, to which
// sides the values have deviated since, and whether they came back.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "layout.hpp"
#include "tail.hpp"

namespace LETHE_ISA {

using lethe::AlarmState;
using lethe::AnomalyParts;

// Shares of all false alarms.
constexpr double alarm_share[lethe::alarm_channels] = {0.4, 0.1,  0.05, 0.05, 0.2,
                                                       0.1, 0.05, 0.05, 1};
constexpr double deviant = 0.01;    // an error as large comes no more often
constexpr double calm_odds = 0.05;  // what began the alarm comes at least so often again
constexpr double armed_odds = 0.1;  // and is then watched again
constexpr double calm_length = 12;  // events
constexpr double longest_alarm = 500, level_rest = 256;
constexpr double patience = lethe::most_held_values + 1;  // deviations in a row are a new level
constexpr double judged_events = 10, stays_off = 0.5, most_stay = 0.6;
constexpr double lately_rate = 0.125, most_before = 0.35;  // of a jump, that was there before
constexpr double enough = 3;                               // deviations to both sides are noise
constexpr double at_once = 3;        // events within which other targets join an alarm
constexpr double usual_part = 0.01;  // of errors lie outside of an alarm's bounds
constexpr double first_stays = 0.3, stays_rate = 0.1, least_judged = 3;
constexpr double held_errors = 5.0;  // usual ones, from which on an event is held,
constexpr double held_odds = 0.002;  // where an error as large comes no more often
constexpr double most_held = 3.0;    // what is held is seen no further away

// How often what came comes, in each way a target is watched.
struct Odds {
  double of[lethe::alarm_channels] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  double least_of_event[lethe::alarm_channels] = {};  // events of one run are odd together
  double near = 1;                                    // by its neighbourhood, which alarms nobody
  double standardised = HUGE_VAL - HUGE_VAL;          // the error, in usual ones; NaN: not known
  double usual = 0;      // how far from what is predicted a value may be
  double off_level = 0;  // how far what came is from a level that follows slowly
  bool known = false, upwards = false;

  // Of a value that is missing no more is known than that.
  bool is_known(int64_t channel) const { return known || channel == lethe::by_gap; }

  // The least of this event, their shares considered, and by which way it is the least.
  double least(int64_t& channel) const {
    double found = near;
    channel = near < 1 ? int64_t(lethe::by_neighbours) : int64_t(lethe::by_error);
    for (int64_t c = 0; c < lethe::by_gap; ++c) {
      const double p = std::max(of[c], least_of_event[c]) / alarm_share[c];
      if (p < found) found = p, channel = c;
    }
    return std::min(found, 1.0);
  }
};

struct AlarmWatch {
  const AnomalyParts& at;
  double* b;
  int64_t i, targets;

  double& operator[](int64_t number) const {
    return b[at.alarm + i * lethe::alarm_numbers + number];
  }
  double rule(int64_t which) const { return b[at.rule + i * lethe::alarm_rules + which]; }

  void start() const {
    double* const rules = b + at.rule + i * lethe::alarm_rules;
    rules[lethe::rule_rate] = 1e-3;
    rules[lethe::rule_lowest] = -HUGE_VAL;
    rules[lethe::rule_highest] = HUGE_VAL;
    rules[lethe::rule_warm_up] = 100;
  }

  // Whether a value is where it must not be.
  bool is_out(double actual) const {
    return actual < rule(lethe::rule_lowest) || actual > rule(lethe::rule_highest);
  }

  // What this event means for the target's alarm.
  AlarmState take(const Odds& odds, double actual, double predicted, int64_t of_class) const {
    arm(odds);
    const bool deviates = follow_deviations(odds, actual, predicted);
    if (deviates && rule(lethe::rule_direction) * (actual - predicted) < 0) disarm_runs();
    const bool goes_on = (*this)[lethe::alarm_state] == lethe::begins ||
                         (*this)[lethe::alarm_state] == lethe::goes_on;
    int64_t channel = 0;
    const double least = rarest_channel(odds, actual, predicted, channel) * double(targets);
    const bool alarming =
        least < rule(lethe::rule_rate) &&
        (channel == lethe::by_rule || b[at.seen + i] >= rule(lethe::rule_warm_up));
    if (!goes_on) {
      (*this)[lethe::alarm_state] = lethe::idle;
      const double ended = (*this)[lethe::alarm_end];
      const bool cools = channel != lethe::by_rule && ended > 0 &&
                         b[at.event] - ended <= rule(lethe::rule_cooldown);
      if (!alarming || cools) {
        if (odds.known) follow_lately(odds);
        return lethe::idle;
      }
      begin(odds, channel, least, actual, predicted);
    } else {
      (*this)[lethe::alarm_state] = lethe::goes_on;
      (*this)[lethe::alarm_elapsed] += 1;
      if (least < (*this)[lethe::alarm_odds]) peak(odds, least, actual, predicted);
    }
    if (deviates) (*this)[odds.upwards ? lethe::alarm_above : lethe::alarm_below] += 1;
    if (odds.known) follow_level(odds);
    const bool calm = is_calm(odds);
    (*this)[lethe::alarm_calm] = calm ? (*this)[lethe::alarm_calm] + 1 : 0;
    if (!of_class)
      (*this)[lethe::alarm_kind] = double(kind());
    else if (!goes_on)
      (*this)[lethe::alarm_kind] = double(of_class);
    const bool joined = (*this)[lethe::alarm_joined] != 0;
    if (goes_on && is_over()) {
      finish(odds);
      return joined ? lethe::idle : lethe::ends;
    }
    return joined ? lethe::idle : goes_on ? lethe::goes_on : lethe::begins;
  }

 private:
  double& disarmed(int64_t channel) const {
    return b[at.disarmed + i * lethe::alarm_channels + channel];
  }

  void arm(const Odds& odds) const {
    for (int64_t c = 0; c < lethe::alarm_channels; ++c)
      if (odds.is_known(c) && odds.of[c] >= armed_odds) disarmed(c) = 0;
  }

  // What goes to a side that nobody asked for is part of runs that are not, either.
  void disarm_runs() const {
    for (int64_t c = 0; c < lethe::alarm_channels; ++c)
      if (is_run(c)) disarmed(c) = 1;
  }

  // The way that finds what came the rarest, of those that the rules leave.
  double rarest_channel(const Odds& odds, double actual, double predicted, int64_t& channel) const {
    const double direction = rule(lethe::rule_direction), distance = std::abs(actual - predicted);
    const bool is_enough = !(distance < rule(lethe::rule_least)) &&
                           !(distance < rule(lethe::rule_least_relative) * std::abs(predicted));
    double found = 1;
    for (int64_t c = 0; c < lethe::alarm_channels; ++c) {
      const bool of_value = c == lethe::by_error || c == lethe::by_range;
      const bool of_side = of_value || (is_run(c) && c != lethe::by_quiet_run);
      // A run has the side that values have been on lately, whatever this one's is.
      const double side = of_value ? actual - predicted : b[at.off_level + i];
      if (!odds.is_known(c) || disarmed(c) || rests(c)) continue;
      if (of_side && (!is_enough || direction * side < 0)) continue;
      const double p = odds.of[c] / alarm_share[c];
      if (p < found) found = p, channel = c;
    }
    return found;
  }

  void begin(const Odds& odds, int64_t channel, double least, double actual,
             double predicted) const {
    double joined = 0;
    for (int64_t j = 0; j < targets; ++j) {
      const AlarmWatch other = {at, b, j, targets};
      const double state = other[lethe::alarm_state];
      if (j != i && (state == lethe::begins || state == lethe::goes_on) &&
          other[lethe::alarm_elapsed] <= at_once)
        joined = 1;
    }
    double* const numbers = &(*this)[0];
    std::fill(numbers, numbers + lethe::alarm_numbers, 0.0);
    (*this)[lethe::alarm_state] = lethe::begins;
    (*this)[lethe::alarm_channel] = static_cast<double>(channel);
    (*this)[lethe::alarm_begun] = b[at.event];
    (*this)[lethe::alarm_joined] = joined;
    (*this)[lethe::alarm_jump] = odds.known ? odds.off_level : 0;
    (*this)[lethe::alarm_is_jump] =
        std::abs(b[at.off_level + i]) < most_before * std::abs(odds.off_level);
    peak(odds, least, actual, predicted);
  }

  void peak(const Odds& odds, double least, double actual, double predicted) const {
    (*this)[lethe::alarm_peak_at] = b[at.event];
    (*this)[lethe::alarm_odds] = least;
    (*this)[lethe::alarm_expected] = predicted;
    (*this)[lethe::alarm_low] = predicted - odds.usual;
    (*this)[lethe::alarm_high] = predicted + odds.usual;
    (*this)[lethe::alarm_actual] = actual;
  }

  // Deviations in a row; and whether this event is held back: what is far from usual,
  // and may be gone soon, teaches nothing yet.
  bool follow_deviations(const Odds& odds, double actual, double predicted) const {
    double &row = b[at.row + i], &held = b[at.held + i];
    held = 0;
    if (!odds.known) return false;
    const bool deviates = std::min(odds.of[lethe::by_error], odds.of[lethe::by_range]) < deviant;
    if (!deviates) {
      row = 0;
      return false;
    }
    row += 1;
    // A value that comes nearer to its level than was expected may well be a new scale.
    const double level = b[at.level + i];
    const bool outwards = std::abs(actual - level) > std::abs(predicted - level);
    held = outwards && odds.of[lethe::by_error] < held_odds &&
           std::abs(odds.standardised) >= held_errors && row < patience &&
           b[at.far_errors + i] <= patience && b[at.judged + i] >= least_judged &&
           b[at.stays + i] < 0.5;
    const double most = most_held * b[at.usual_error + i];
    const double near = std::clamp(actual, predicted - most, predicted + most);
    b[at.held_value + i] = std::clamp(near, lethe::holds::value.least, lethe::holds::value.most);
    return true;
  }

  // Whether what the alarm began with stays: of the first events, how many are half as far off.
  void follow_level(const Odds& odds) const {
    const double jump = (*this)[lethe::alarm_jump], off = odds.off_level;
    if ((*this)[lethe::alarm_elapsed] < judged_events)
      (*this)[lethe::alarm_stayed] += std::abs(jump) > 0 && off / jump >= stays_off;
    follow_lately(odds);
  }

  void follow_lately(const Odds& odds) const {
    double& lately = b[at.off_level + i];
    lately += lately_rate * (odds.off_level - lately);
  }

  int64_t kind() const {
    const auto channel = static_cast<int64_t>((*this)[lethe::alarm_channel]);
    switch (channel) {
      case lethe::by_rule:
        return lethe::out_of_range;
      case lethe::by_repeats:
        return lethe::is_stuck;
      case lethe::by_gap:
        return lethe::missing_data;
      case lethe::by_quiet_run:
        return lethe::too_quiet;
    }
    const double above = (*this)[lethe::alarm_above], below = (*this)[lethe::alarm_below];
    if (std::min(above, below) >= enough) return lethe::change_of_noise;
    const double jump = (*this)[lethe::alarm_jump];
    const bool judged = (*this)[lethe::alarm_elapsed] + 1 >= patience;
    const double seen = std::min((*this)[lethe::alarm_elapsed] + 1, judged_events);
    if (judged && (*this)[lethe::alarm_stayed] >= most_stay * seen)
      return (*this)[lethe::alarm_is_jump] != 0 ? lethe::level_shift : lethe::drift;
    if (channel == lethe::by_level) return lethe::drift;
    if (channel == lethe::by_short_run || channel == lethe::by_long_run)
      return std::min(above, below) > 0 ? lethe::change_of_noise : lethe::drift;
    return jump >= 0 ? lethe::spike : lethe::dip;
  }

  // What needs time to be forgotten.
  static bool is_run(int64_t channel) {
    return channel == lethe::by_short_run || channel == lethe::by_long_run ||
           channel == lethe::by_quiet_run || channel == lethe::by_level;
  }

  // A level that has just been taken over is not told again while its season comes round.
  bool rests(int64_t channel) const {
    const double kind = (*this)[lethe::alarm_kind], ended = (*this)[lethe::alarm_end];
    return channel == lethe::by_level && (kind == lethe::level_shift || kind == lethe::drift) &&
           ended > 0 && b[at.event] - ended < level_rest;
  }

  bool is_calm(const Odds& odds) const {
    const auto channel = static_cast<int64_t>((*this)[lethe::alarm_channel]);
    if (ends_at_once(channel)) return odds.of[channel] >= calm_odds;
    return odds.known && odds.of[lethe::by_error] >= deviant && odds.of[channel] >= calm_odds;
  }

  static bool ends_at_once(int64_t channel) {
    return channel == lethe::by_repeats || channel == lethe::by_gap || channel == lethe::by_rule;
  }

  // What is plainly still so goes on; what a stream has become is no alarm any more.
  bool is_over() const {
    const double calm = (*this)[lethe::alarm_calm];
    if (ends_at_once(static_cast<int64_t>((*this)[lethe::alarm_channel]))) return calm >= 1;
    return calm >= calm_length || (*this)[lethe::alarm_elapsed] >= longest_alarm;
  }

  void finish(const Odds& odds) const {
    (*this)[lethe::alarm_state] = lethe::ends;
    (*this)[lethe::alarm_end] = b[at.event];
    const double channel = (*this)[lethe::alarm_channel];
    for (int64_t c = 0; c < lethe::alarm_channels; ++c) {
      const bool is_its_own = is_run(c) || channel == static_cast<double>(c);
      disarmed(c) = is_its_own && odds.of[c] < armed_odds;
    }
    disarmed(lethe::by_error) = 0;
  }
};

}  // namespace LETHE_ISA
