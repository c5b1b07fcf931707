// The parts of the experts for classes that learn from the columns themselves, beside the networks.
#pragma once

#include "parts.hpp"

namespace lethe {

constexpr int64_t stored_events = 1000;       // the last, with their classes
constexpr int64_t most_local_features = 64;   // that experts see: cost grows with them
constexpr int64_t most_expert_classes = 256;  // that naive Bayes and the softmax tell apart
constexpr int64_t bins = 8;                   // of a feature, for naive Bayes
constexpr int64_t trees = 10;
constexpr int64_t tree_nodes = 512;
constexpr int64_t run_counts =
    1024;  // a run of events of one class: class times this, and how many

// The predictors that follow the naive ones, where an event is more than a symbol.
enum ClassExpert : int64_t {
  few_nearest,
  many_nearest,
  forest,
  bayes,
  softmax,
  newton,
  class_experts
};

// What experts are made for.
struct ExpertSizes {
  int64_t features = 0;    // that they see; 0: there are no experts
  int64_t classes = 0;     // those of naive Bayes and of the softmax
  int64_t predictors = 0;  // that are stacked

  int64_t if_any(int64_t n) const { return features ? n : 0; }
};

// The last events, feature by feature: the nearest are looked up, and trees grow from them.
struct StoreParts {
  int64_t count, features, classes;

  template <class Visit>
  void each(Visit&& part, const ExpertSizes& s) {
    part("stored count", count, holds::count, {1});
    part("stored features", features, holds::small, {s.features, stored_events});
    part("stored class", classes, holds::count, {s.if_any(stored_events)});  // 0: none
  }
};

// Trees, each grown from the events stored at one time. A leaf's runs lie one after the other.
struct ForestParts {
  int64_t grown, grown_at, feature, threshold, next, size, runs;

  template <class Visit>
  void each(Visit&& part, const ExpertSizes& s) {
    const int64_t n = s.if_any(trees);
    part("trees grown", grown, holds::sequence, {1});
    part("tree grown at", grown_at, holds::count, {1});
    part("tree feature", feature, holds::count, {n, tree_nodes});  // 0: a leaf; else 1 + feature
    part("tree threshold", threshold, holds::small, {n, tree_nodes});
    part("tree next", next, holds::count, {n, tree_nodes});  // the lesser child; a leaf's first run
    part("tree size", size, holds::count, {n, tree_nodes});  // how many runs a leaf has
    part("tree runs", runs, holds::count, {n, stored_events});
  }
};

// Naive Bayes: how often each class came with each bin of a feature. What counts is the recent
// past: an event's weight grows, which saves fading all that came before.
struct BayesParts {
  int64_t weight, classes, counts;

  template <class Visit>
  void each(Visit&& part, const ExpertSizes& s) {
    part("bayes weight", weight, holds::event_weight, {s.if_any(1)});
    part("bayes classes", classes, holds::event_weights, {s.classes});
    part("bayes counts", counts, holds::event_weights, {s.features, bins, s.classes});
  }
};

// Softmax regression; the constant comes before the features.
struct SoftmaxParts {
  int64_t weights, squares;

  template <class Visit>
  void each(Visit&& part, const ExpertSizes& s) {
    part("softmax weights", weights, holds::weight, {s.classes, s.if_any(1 + s.features)});
    part("softmax squares", squares, holds::not_negative, {s.classes, s.if_any(1 + s.features)});
  }
};

// Softmax regression by Newton's method; of the covariance, the lower triangle, row by row.
struct NewtonParts {
  int64_t weights, covariance, active;

  template <class Visit>
  void each(Visit&& part, const ExpertSizes& s) {
    const int64_t n = s.if_any(1 + s.features);
    part("newton weights", weights, holds::weight, {s.classes, n});
    part("newton covariance", covariance, holds::covariance, {n * (n + 1) / 2});
    part("newton active", active, holds::flag, {n});
  }
};

// All predictors' logarithms, weighed; and what that is mixed with.
struct StackingParts {
  int64_t weights, curvature, shares;

  template <class Visit>
  void each(Visit&& part, const ExpertSizes& s) {
    const int64_t n = s.if_any(s.predictors);
    part("stack weights", weights, holds::stack_weight, {n});
    part("stack curvature", curvature, holds::curvature, {n, n});
    part("stack share", shares, holds::share, {s.if_any(2)});  // of the stack, of Bayes' mixture
  }
};

}  // namespace lethe
