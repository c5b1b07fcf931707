// Extremely randomised trees (Geurts, Ernst & Wehenkel 2006), one at a time grown anew from the
// last events, in turn: a forest that forgets.
#pragma once

#include <algorithm>
#include <utility>

#include "store.hpp"

namespace LETHE_ISA {

using lethe::ForestParts;
using lethe::run_counts;
using lethe::tree_nodes;
using lethe::trees;

constexpr int64_t least_leaf = 3;       // events
constexpr int64_t tries = 16;           // features that a node may be split by
constexpr double slowest_growth = 40;   // events from a tree to the next
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

// A node while its tree grows: its events, class by class.
struct Branch {
  int64_t begin, end;
};
struct Split {
  int64_t feature = -1;
  double threshold = 0, score = 0;
};
// The events of one class among those of a node.
struct ClassRun {
  int64_t begin, end, place;
};

// Grows one tree.
struct Growth {
  const Store& store;
  int64_t features;
  Draws draws;
  int32_t order[stored_events], aside[stored_events];
  Branch branches[tree_nodes];
  ClassRun runs[stored_events];
  int64_t run_count = 0;
  double x[stored_events];  // of the feature that is tried

  Growth(const Store& from, int64_t n, uint64_t seed) : store(from), features(n), draws{seed} {
    const double* const classes = store.classes();
    int64_t keys[stored_events], events = 0;
    for (int64_t i = 0, end = store.filled(); i < end; ++i)
      if (classes[i] != 0) keys[events++] = static_cast<int64_t>(classes[i]) * run_counts + i;
    std::sort(keys, keys + events);
    for (int64_t i = 0; i < events; ++i) order[i] = static_cast<int32_t>(keys[i] % run_counts);
    branches[0] = {0, events};
  }

  // The classes of a node's events.
  void find_runs(const Branch& branch) {
    run_count = 0;
    for (int64_t i = branch.begin; i < branch.end; ++i) {
      const auto place = static_cast<int64_t>(store.classes()[order[i]]);
      if (!run_count || runs[run_count - 1].place != place)
        runs[run_count++] = {i - branch.begin, i - branch.begin, place};
      runs[run_count - 1].end += 1;
    }
  }

  // A feature and a threshold at random; of several the one after which classes are told apart
  // best (Gini). Feature -1: the node is a leaf.
  Split split(const Branch& branch) {
    Split best;
    if (branch.end - branch.begin < 2 * least_leaf || run_count < 2) return best;
    int64_t shuffled[lethe::most_local_features];
    for (int64_t f = 0; f < features; ++f) shuffled[f] = f;
    for (int64_t f = 0, tried = 0; f < features && (tried < tries || best.feature < 0); ++f) {
      const auto other = f + static_cast<int64_t>(draws.next() * static_cast<double>(features - f));
      std::swap(shuffled[f], shuffled[other]);
      tried += attempt(branch, shuffled[f], best);
    }
    return best;
  }

  // The lesser events first, in the order that they have; returns where the others begin.
  int64_t divide(const Branch& branch, const Split& by) {
    const double* const value = store.feature(by.feature);
    int64_t lesser = branch.begin, rest = 0;
    for (int64_t i = branch.begin; i < branch.end; ++i) {
      const int32_t event = order[i];
      const bool is_lesser = value[event] < by.threshold;
      order[lesser] = aside[rest] = event;
      lesser += is_lesser;
      rest += !is_lesser;
    }
    std::copy(aside, aside + rest, order + lesser);
    return lesser;
  }

 private:
  // Whether this feature varies at all.
  bool attempt(const Branch& branch, int64_t feature, Split& best) {
    const double* const value = store.feature(feature);
    const int64_t size = branch.end - branch.begin;
    for (int64_t i = 0; i < size; ++i) x[i] = value[order[branch.begin + i]];
    const auto [least, most] = range(size);
    if (!(most > least)) return false;
    const double threshold = least + draws.next() * (most - least);
    int64_t count = 0;
    double of_lesser = 0, of_rest = 0;  // sums of squares over classes
    for (int64_t r = 0; r < run_count; ++r) {
      int64_t lesser = 0;
      for (int64_t i = runs[r].begin; i < runs[r].end; ++i) lesser += x[i] < threshold;
      const int64_t rest = runs[r].end - runs[r].begin - lesser;
      of_lesser += static_cast<double>(lesser * lesser);
      of_rest += static_cast<double>(rest * rest);
      count += lesser;
    }
    if (count < least_leaf || size - count < least_leaf) return true;
    const double score =
        of_lesser / static_cast<double>(count) + of_rest / static_cast<double>(size - count);
    if (score > best.score) best = {feature, threshold, score};
    return true;
  }

  // The least and the most of x, several lanes side by side.
  std::pair<double, double> range(int64_t size) const {
    constexpr int64_t lanes = 8;
    double least[lanes], most[lanes];
    std::fill_n(least, lanes, x[0]);
    std::fill_n(most, lanes, x[0]);
    int64_t i = 0;
    for (; i + lanes <= size; i += lanes)
      for (int64_t k = 0; k < lanes; ++k) {
        least[k] = x[i + k] < least[k] ? x[i + k] : least[k];
        most[k] = x[i + k] > most[k] ? x[i + k] : most[k];
      }
    for (; i < size; ++i) {
      least[0] = std::min(least[0], x[i]);
      most[0] = std::max(most[0], x[i]);
    }
    return {*std::min_element(least, least + lanes), *std::max_element(most, most + lanes)};
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
      growth.find_runs(branch);
      const Split by = nodes + 2 <= tree_nodes ? growth.split(branch) : Split();
      const bool is_leaf = by.feature < 0;
      b[at.feature + first + node] = static_cast<double>(1 + by.feature);
      b[at.threshold + first + node] = by.threshold;
      b[at.next + first + node] = static_cast<double>(is_leaf ? run : nodes);
      b[at.size + first + node] = static_cast<double>(is_leaf ? growth.run_count : 0);
      if (is_leaf) {
        for (int64_t r = 0; r < growth.run_count; ++r) {
          const ClassRun& of = growth.runs[r];
          runs[run++] = static_cast<double>(of.place * run_counts + (of.end - of.begin));
        }
        continue;
      }
      const int64_t middle = growth.divide(branch, by);
      growth.branches[nodes++] = {branch.begin, middle};
      growth.branches[nodes++] = {middle, branch.end};
    }
    std::fill(runs + run, runs + stored_events, 0.0);
  }
};

}  // namespace LETHE_ISA
