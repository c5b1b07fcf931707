// The last events with their classes, and the classes of the nearest among them.
#pragma once

#include <algorithm>

#include "layout.hpp"

namespace LETHE_ISA {

using lethe::stored_events;
using lethe::StoreParts;

constexpr int64_t nearest_events = 10;
constexpr double least_distance = 1e-9;
constexpr double shared_distance = 0.1;  // of the mean, added to each: the very nearest is not all

struct Store {
  const StoreParts& at;
  double* b;

  double* feature(int64_t f) const { return b + at.features + f * stored_events; }
  double* classes() const { return b + at.classes; }
  int64_t filled() const {
    return static_cast<int64_t>(std::min(b[at.count], static_cast<double>(stored_events)));
  }

  void observe(const double* features, int64_t n, int64_t place) const {
    const auto next = static_cast<int64_t>(b[at.count]) % stored_events;
    for (int64_t f = 0; f < n; ++f) feature(f)[next] = features[f];
    classes()[next] = static_cast<double>(place);
    b[at.count] += 1;
  }

  // Adds to each class's votes those of the nearest events, which weigh less the farther they are.
  // Returns the sum of all votes.
  double vote(const double* features, int64_t n, double* votes) const {
    double distance[stored_events] = {};
    for (int64_t f = 0; f < n; ++f) {
      const double* const row = feature(f);
      const double x = features[f];
      for (int64_t i = 0; i < stored_events; ++i) distance[i] += (row[i] - x) * (row[i] - x);
    }
    int64_t found[nearest_events], count = 0;
    for (int64_t i = 0, end = filled(); i < end; ++i) {
      if (classes()[i] == 0) continue;
      if (count == nearest_events && !(distance[i] < distance[found[count - 1]])) continue;
      int64_t place = count < nearest_events ? count++ : count - 1;
      for (; place && distance[i] < distance[found[place - 1]]; --place)
        found[place] = found[place - 1];
      found[place] = i;
    }
    double mean = 0;
    for (int64_t k = 0; k < count; ++k) mean += distance[found[k]];
    mean /= static_cast<double>(std::max(count, int64_t(1)));
    double sum = 0;
    for (int64_t k = 0; k < count; ++k) {
      const double vote = 1 / (distance[found[k]] + shared_distance * mean + least_distance);
      votes[static_cast<int64_t>(classes()[found[k]])] += vote;
      sum += vote;
    }
    return sum;
  }

  void forget_feature(int64_t f) const { std::fill_n(feature(f), stored_events, 0.0); }
  void forget_class(int64_t place) const {
    std::replace(classes(), classes() + stored_events, static_cast<double>(place), 0.0);
  }
};

}  // namespace LETHE_ISA
