// Predictors that are right on rare events alone, and believed there.
//
// What a mixture believes is decided by the events of every day. So a predictor that says something
// quite unusual, for once, is judged by how it fared on such events alone: how much of the way from
// the blend to it would have been right.
#pragma once

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "scales.hpp"

namespace LETHE_ISA {

constexpr double unusually_apart = 10.0;  // times as far from the blend as this predictor usually is
constexpr double far_apart = 4.0;        // and so many usual errors
constexpr double same = 1e-6;  // what differs by this part does: the first of them is taken
constexpr double most_benefit = 50.0;  // usual errors, of one event
constexpr double trust_rate = 0.02;      // at least: trust looks back over some 50 such events

// One head's: how far each predictor usually is from the blend, and the trust in it.
struct Deviants {
  double *apart, *trust, *trusted, *benefit;
  int64_t n;

  // 1 + the predictor that is the furthest from the blend for its kind; 0: none is unusually far.
  int64_t find(const double* predictions, double plain, double usual) const {
    int64_t found = 0;
    double most = unusually_apart;
    for (int64_t i = 0; i < n; ++i) {
      const double distance = std::abs(predictions[i] - plain);
      if (!(distance > far_apart * usual && distance > most * apart[i]) || !(apart[i] > 0)) continue;
      most = (1 + same) * distance / apart[i];
      found = 1 + i;
    }
    return found;
  }

  double correct(int64_t deviant, const double* predictions, double plain) const {
    if (!deviant || !(benefit[deviant - 1] > 0)) return plain;
    return plain + trust[deviant - 1] * (predictions[deviant - 1] - plain);
  }

  // `events`: that came before this one.
  void learn(int64_t deviant, const double* predictions, double plain, double target, double usual,
             double events) const {
    if (deviant && usual > 0) {
      const int64_t i = deviant - 1;
      const double way = predictions[i] - plain, of_way = (target - plain) / way;
      if (of_way == of_way) {
        const double gained = std::abs(target - plain) - std::abs(target - (plain + trust[i] * way));
        trusted[i] += 1;
        benefit[i] += std::clamp(gained / usual, -most_benefit, most_benefit) - trust_rate * benefit[i];
        const double step = std::max(1 / (1 + trusted[i]), trust_rate);
        trust[i] = std::clamp(trust[i] + (of_way > trust[i] ? step : -step), 0.0, 1.0);
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      double count = events;
      follow_mean(apart[i], count, std::abs(predictions[i] - plain));
    }
  }
};

}  // namespace LETHE_ISA
