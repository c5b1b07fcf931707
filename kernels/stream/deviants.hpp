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

constexpr double unusually_apart =
    10.0;                              // times as far from the blend as this predictor usually is
constexpr double far_apart = 4.0;      // and so many usual errors
constexpr double most_benefit = 50.0;  // usual errors, of one event
constexpr double trust_rate = 0.02;    // at least: trust looks back over some 50 such events
constexpr double near = 0.1;           // of the way: steps get smaller from here

// One head's: how far each predictor usually is from the blend, and the trust in it.
struct Deviants {
  double *apart, *trust, *trusted, *benefit;
  int64_t n;

  // The blend, or, of the predictors that are unusually far from it, and have been right to be,
  // some way to the one that has helped the most.
  double corrected(const double* predictions, double plain, double usual) const {
    double found = plain, most = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (!(benefit[i] > most) || !deviates(i, predictions, plain, usual)) continue;
      most = benefit[i];
      found = plain + trust[i] * (predictions[i] - plain);
    }
    return found;
  }

  // Every predictor that was unusually far is judged, whether it was followed or not. `events`:
  // that came before this one.
  void learn(const double* predictions, double plain, double target, double usual,
             double events) const {
    for (int64_t i = 0; i < n; ++i)
      if (deviates(i, predictions, plain, usual))
        judge(i, predictions[i] - plain, target - plain, usual);
    for (int64_t i = 0; i < n; ++i) {
      double count = events;
      follow_mean(apart[i], count, std::abs(predictions[i] - plain));
    }
  }

 private:
  bool deviates(int64_t i, const double* predictions, double plain, double usual) const {
    const double distance = std::abs(predictions[i] - plain);
    return apart[i] > 0 && usual > 0 && distance > far_apart * usual &&
           distance > unusually_apart * apart[i];
  }

  void judge(int64_t i, double way, double right_way, double usual) const {
    const double of_way = right_way / way;
    if (!std::isfinite(of_way)) return;
    const double gained = std::abs(right_way) - std::abs(right_way - trust[i] * way);
    trusted[i] += 1;
    benefit[i] += std::clamp(gained / usual, -most_benefit, most_benefit) - trust_rate * benefit[i];
    const double step = std::max(1 / (1 + trusted[i]), trust_rate);
    const double toward = std::clamp((of_way - trust[i]) / near, -1.0, 1.0);
    trust[i] = std::clamp(trust[i] + step * toward, 0.0, 1.0);
  }
};

}  // namespace LETHE_ISA
