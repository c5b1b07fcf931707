// Extremely randomised trees (Geurts, Ernst & Wehenkel 2006), one at a time grown anew from the
// last events, in turn: a forest that forgets.
#pragma once

#include <algorithm>

#include "store.hpp"

namespace LETHE_ISA {

using lethe::ForestParts;
using lethe::run_counts;
using lethe::tree_nodes;
using lethe::trees;

constexpr int64_t least_leaf = 3;       // events
constexpr int64_t tries = 16;           // features that a node may be split by
constexpr double slowest_growth = 25;   // events from a tree to the next
constexpr double growth_share = 0.125;  // of all events so far, while they are few

// Numbers from 0 to 1 that repeat everywhere (splitmix64).
struct Draws {
  uint64_t state;

  double next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
};

// A node while its tree grows.
struct Branch {
  int64_t begin, end;
};
struct Split {
  int64_t feature = -1;
  double threshold = 0, score = 0;
};

// Grows one tree.
struct Growth {
  const Store& store;
  int64_t features;
  Draws draws;
  int64_t events = 0, kinds = 0;
  int32_t order[stored_events], kind[stored_events];  // kind: of the event stored there
  int64_t places[stored_events];                      // of each kind's class
  Branch branches[tree_nodes];

  Growth(const Store& from, int64_t n, uint64_t seed) : store(from), features(n), draws{seed} {
    const double* const classes = store.classes();
    for (int64_t i = 0, end = store.filled(); i < end; ++i) {
      if (classes[i] == 0) continue;
      order[events++] = static_cast<int32_t>(i);
      places[kinds++] = static_cast<int64_t>(classes[i]);
    }
    std::sort(places, places + kinds);
    kinds = std::unique(places, places + kinds) - places;
    for (int64_t k = 0; k < events; ++k) {
      const auto place = static_cast<int64_t>(classes[order[k]]);
      kind[order[k]] =
          static_cast<int32_t>(std::lower_bound(places, places + kinds, place) - places);
    }
    branches[0] = {0, events};
  }

  // A feature and a threshold at random; of several the one after which classes are told apart
  // best (Gini). Feature -1: the node is a leaf.
  Split split(const Branch& branch) {
    const int64_t size = branch.end - branch.begin;
    Split best;
    if (size < 2 * least_leaf || is_pure(branch)) return best;
    int32_t total[stored_events];
    std::fill_n(total, kinds, 0);
    for (int64_t i = branch.begin; i < branch.end; ++i) total[kind[order[i]]] += 1;
    double squares = 0;
    for (int64_t k = 0; k < kinds; ++k) squares += double(total[k]) * double(total[k]);
    int64_t shuffled[lethe::most_local_features];
    for (int64_t f = 0; f < features; ++f) shuffled[f] = f;
    for (int64_t f = 0, tried = 0; f < features && (tried < tries || best.feature < 0); ++f) {
      const auto other = f + static_cast<int64_t>(draws.next() * static_cast<double>(features - f));
      std::swap(shuffled[f], shuffled[other]);
      tried += attempt(branch, shuffled[f], total, squares, best);
    }
    return best;
  }

  // The lesser events first; returns where the others begin.
  int64_t divide(const Branch& branch, const Split& by) {
    const double* const x = store.feature(by.feature);
    return std::partition(order + branch.begin, order + branch.end,
                          [&](int32_t i) { return x[i] < by.threshold; }) -
           order;
  }

 private:
  bool is_pure(const Branch& branch) const {
    for (int64_t i = branch.begin + 1; i < branch.end; ++i)
      if (kind[order[i]] != kind[order[branch.begin]]) return false;
    return true;
  }

  // Whether this feature varies at all.
  bool attempt(const Branch& branch, int64_t feature, const int32_t* total, double squares,
               Split& best) {
    const double* const x = store.feature(feature);
    double least = x[order[branch.begin]], most = least;
    for (int64_t i = branch.begin; i < branch.end; ++i) {
      least = std::min(least, x[order[i]]);
      most = std::max(most, x[order[i]]);
    }
    if (!(most > least)) return false;
    const double threshold = least + draws.next() * (most - least);
    int32_t lesser[stored_events];
    std::fill_n(lesser, kinds, 0);
    int64_t count = 0, of_lesser = 0, of_both = 0;  // sums over classes, of squares and products
    for (int64_t i = branch.begin; i < branch.end; ++i) {
      const int32_t is_lesser = x[order[i]] < threshold, k = kind[order[i]];
      of_lesser += is_lesser * (2 * lesser[k] + 1);
      of_both += is_lesser * total[k];
      lesser[k] += is_lesser;
      count += is_lesser;
    }
    const int64_t rest = branch.end - branch.begin - count;
    if (count < least_leaf || rest < least_leaf) return true;
    const double of_rest = squares - 2 * double(of_both) + double(of_lesser);
    const double score = double(of_lesser) / double(count) + of_rest / double(rest);
    if (score > best.score) best = {feature, threshold, score};
    return true;
  }
};

struct Forest {
  const ForestParts& at;
  double* b;

  int64_t alive() const {
    return static_cast<int64_t>(std::min(b[at.grown], static_cast<double>(trees)));
  }

  // A tree where one is due.
  void observe(const Store& store, int64_t features) const {
    const double count = b[store.at.count];
    const double due = std::min(slowest_growth, std::max(1.0, count * growth_share));
    if (count - b[at.grown_at] < due) return;
    b[at.grown_at] = count;
    const auto grown = static_cast<int64_t>(b[at.grown]);
    grow(store, features, grown % trees, static_cast<uint64_t>(grown));
    b[at.grown] += 1;
  }

  // Adds to each class's votes what the trees' leaves say; returns the sum of all votes.
  double vote(const double* features, double* votes) const {
    double sum = 0;
    for (int64_t tree = 0, end = alive(); tree < end; ++tree) {
      const int64_t first = tree * tree_nodes;
      int64_t node = first;
      while (b[at.feature + node] != 0) {
        const double x = features[static_cast<int64_t>(b[at.feature + node]) - 1];
        node = first + static_cast<int64_t>(b[at.next + node]) + !(x < b[at.threshold + node]);
      }
      const double* const runs =
          b + at.runs + tree * stored_events + static_cast<int64_t>(b[at.next + node]);
      const auto size = static_cast<int64_t>(b[at.size + node]);
      double total = 0;
      for (int64_t i = 0; i < size; ++i) total += count_of(runs[i]);
      if (total == 0) continue;
      for (int64_t i = 0; i < size; ++i) votes[place_of(runs[i])] += count_of(runs[i]) / total;
      sum += 1;
    }
    return sum;
  }

  // Nodes that are split by this feature are split no more.
  void forget_feature(int64_t f) const {
    for (int64_t node = 0; node < trees * tree_nodes; ++node)
      if (b[at.feature + node] == static_cast<double>(1 + f))
        b[at.threshold + node] = lethe::holds::small.most;
  }
  void forget_class(int64_t place) const {
    const double first = static_cast<double>(place * run_counts), end = first + run_counts;
    double* const runs = b + at.runs;
    for (int64_t i = 0; i < trees * stored_events; ++i)
      if (runs[i] >= first && runs[i] < end) runs[i] = first;
  }

  static int64_t place_of(double run) { return static_cast<int64_t>(run) / run_counts; }
  static double count_of(double run) {
    return static_cast<double>(static_cast<int64_t>(run) % run_counts);
  }

 private:
  void grow(const Store& store, int64_t features, int64_t tree, uint64_t seed) const {
    Growth growth(store, features, seed);
    const int64_t first = tree * tree_nodes;
    double* const runs = b + at.runs + tree * stored_events;
    int64_t nodes = 1, run = 0;
    for (int64_t node = 0; node < nodes; ++node) {
      const Branch branch = growth.branches[node];
      const Split by = nodes + 2 <= tree_nodes ? growth.split(branch) : Split();
      b[at.feature + first + node] = static_cast<double>(1 + by.feature);
      b[at.threshold + first + node] = by.threshold;
      b[at.next + first + node] = static_cast<double>(by.feature < 0 ? run : nodes);
      b[at.size + first + node] = 0;
      if (by.feature < 0) {
        const int64_t size = write_leaf(growth, branch, runs + run);
        b[at.size + first + node] = static_cast<double>(size);
        run += size;
        continue;
      }
      const int64_t middle = growth.divide(branch, by);
      growth.branches[nodes++] = {branch.begin, middle};
      growth.branches[nodes++] = {middle, branch.end};
    }
    std::fill(runs + run, runs + stored_events, 0.0);
  }

  // The classes of a leaf's events and how many there are of each, in the order of places.
  static int64_t write_leaf(Growth& growth, const Branch& branch, double* runs) {
    int32_t kinds[stored_events];
    const int64_t n = branch.end - branch.begin;
    for (int64_t i = 0; i < n; ++i) kinds[i] = growth.kind[growth.order[branch.begin + i]];
    std::sort(kinds, kinds + n);
    int64_t size = 0;
    for (int64_t i = 0, from = 0; i < n; ++i) {
      if (i + 1 < n && kinds[i + 1] == kinds[i]) continue;
      runs[size++] = static_cast<double>(growth.places[kinds[i]] * run_counts + (i + 1 - from));
      from = i + 1;
    }
    return size;
  }
};

}  // namespace LETHE_ISA
