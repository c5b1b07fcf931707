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

constexpr double unusually_apart = 5.0;  // times as far from the blend as this predictor usually is
constexpr double far_apart = 2.0;        // and so many usual errors
constexpr double trust_rate = 0.02;      // at least: trust looks back over some 50 such events
constexpr double most_of_way = 2.0, least_of_way = -1.0;  // that one event counts

// One head's: how far each predictor usually is from the blend, and the trust in it.
struct Deviants {
  double *apart, *trust, *trusted;
  int64_t n;

  // 1 + the predictor that is the furthest from the blend for its kind; 0: none is unusually far.
  int64_t find(const double* predictions, double plain, double usual) const {
    int64_t found = 0;
    double most = unusually_apart;
    for (int64_t i = 0; i < n; ++i) {
      const double distance = std::abs(predictions[i] - plain);
      if (!(distance > far_apart * usual && distance > most * apart[i]) || !(apart[i] > 0)) continue;
      most = distance / apart[i];
      found = 1 + i;
    }
    return found;
  }

  double correct(int64_t deviant, const double* predictions, double plain) const {
    if (!deviant) return plain;
    const double way = std::clamp(trust[deviant - 1], 0.0, 1.0);
    return plain + way * (predictions[deviant - 1] - plain);
  }

  void learn(int64_t deviant, const double* predictions, double plain, double target,
             double events) const {
    if (deviant) {
      const int64_t i = deviant - 1;
      const double of_way = (target - plain) / (predictions[i] - plain);
      trusted[i] += 1;
      if (of_way == of_way)
        trust[i] += std::max(1 / (1 + trusted[i]), trust_rate) *
                    (std::clamp(of_way, least_of_way, most_of_way) - trust[i]);
    }
    for (int64_t i = 0; i < n; ++i) {
      double count = events;
      follow_mean(apart[i], count, std::abs(predictions[i] - plain));
    }
  }
};

}  // namespace LETHE_ISA
