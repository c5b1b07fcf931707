// The last events with their classes, and the classes of the nearest among them.
#pragma once

#include <algorithm>

#include "layout.hpp"

namespace LETHE_ISA {

using lethe::stored_events;
using lethe::StoreParts;

constexpr int64_t nearest_events = 20, fewer_events = 4;
constexpr double least_distance = 1e-9;
constexpr double shared_distance = 0.1;  // of the mean, added to each: the very nearest is not all

// The nearest first.
struct Nearest {
  int64_t count = 0;
  int64_t event[nearest_events];
  double distance[nearest_events];
};

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

  // The nearest events; of those that are equally far the newest. `seen` are the `n` features that
  // distances are of.
  Nearest look_up(const double* features, const int64_t* seen, int64_t n) const {
    double distance[stored_events] = {};
    int64_t k = 0;
    for (; k + 8 <= n; k += 8) add_squares<8>(features, seen + k, distance);
    for (; k < n; ++k) add_squares<1>(features, seen + k, distance);
    Nearest near;
    int64_t& count = near.count;
    auto i = static_cast<int64_t>(b[at.count]) % stored_events;
    for (int64_t left = filled(); left > 0; --left) {
      i = (i ? i : stored_events) - 1;
      if (classes()[i] == 0) continue;
      if (count == nearest_events && !(distance[i] < near.distance[count - 1])) continue;
      int64_t place = count < nearest_events ? count++ : count - 1;
      for (; place && distance[i] < near.distance[place - 1]; --place) {
        near.distance[place] = near.distance[place - 1];
        near.event[place] = near.event[place - 1];
      }
      near.distance[place] = distance[i];
      near.event[place] = i;
    }
    return near;
  }

  // Adds to each class's votes those of the first `most` of them, which weigh less the farther they
  // are. Returns the sum of all votes.
  double vote(const Nearest& near, int64_t most, double* votes) const {
    const int64_t count = std::min(near.count, most);
    double mean = 0, sum = 0;
    for (int64_t k = 0; k < count; ++k) mean += near.distance[k];
    mean /= static_cast<double>(std::max(count, int64_t(1)));
    for (int64_t k = 0; k < count; ++k) {
      const double vote = 1 / (near.distance[k] + shared_distance * mean + least_distance);
      votes[static_cast<int64_t>(classes()[near.event[k]])] += vote;
      sum += vote;
    }
    return sum;
  }

  void forget_feature(int64_t f) const { std::fill_n(feature(f), stored_events, 0.0); }
  void forget_class(int64_t place) const {
    std::replace(classes(), classes() + stored_events, static_cast<double>(place), 0.0);
  }

 private:
  // Adds how far all events are in several features at once, which saves memory traffic.
  template <int N>
  void add_squares(const double* features, const int64_t* seen, double* distance) const {
    const double* rows[N];
    double x[N];
    for (int k = 0; k < N; ++k) {
      rows[k] = feature(seen[k]);
      x[k] = features[seen[k]];
    }
    for (int64_t i = 0; i < stored_events; ++i) {
      double sum = distance[i];
      for (int k = 0; k < N; ++k) sum += (rows[k][i] - x[k]) * (rows[k][i] - x[k]);
      distance[i] = sum;
    }
  }
};

}  // namespace LETHE_ISA
