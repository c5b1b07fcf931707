// The experts that learn classes from the columns themselves, as one.
#pragma once

#include "bayes.hpp"
#include "forest.hpp"
#include "newton.hpp"
#include "softmax.hpp"
#include "store.hpp"

namespace LETHE_ISA {

using lethe::ClassLayout;

constexpr double frequency_share = 0.05;  // of what each says: no class is impossible

struct Experts {
  const ClassLayout& l;
  double* b;

  bool any() const { return l.experts() > 0; }
  // Features that are in use, of those that experts see.
  int64_t features() const {
    const int64_t used = l.fixed() + static_cast<int64_t>(b[l.columns.used]);
    return std::min(used, l.local());
  }
  Store store() const { return {l.store, b}; }
  Forest trees() const { return {l.forest, b}; }
  Bayes bayes() const { return {l.bayes, b, l.local(), l.expert_classes()}; }
  Softmax softmax() const { return {l.softmax, b, l.local(), l.expert_classes()}; }
  Newton newton() const { return {l.newton, b, l.local(), l.expert_classes()}; }

  void start() const {
    if (!any()) return;
    bayes().start();
    newton().start();
    start_features(0, static_cast<int64_t>(b[l.columns.used]));
  }

  // Writes a row of probabilities for each expert, of the classes below `known`, but for class 0.
  // The rows are zero before.
  void predict(const double* x, int64_t known, const double* frequency, double* rows) const {
    if (!any()) return;
    const int64_t n = features();
    int64_t seen[lethe::most_local_features];
    const Nearest near = store().look_up(x, seen, look_at(n, known, seen));
    double* const few = rows + lethe::few_nearest * l.classes;
    finish(few, store().vote(near, fewer_events, few), known, frequency);
    double* const many = rows + lethe::many_nearest * l.classes;
    finish(many, store().vote(near, nearest_events, many), known, frequency);
    double* const grown = rows + lethe::forest * l.classes;
    finish(grown, trees().vote(x, grown), known, frequency);
    const int64_t told = std::min(known, l.expert_classes());
    double rest = 1;  // of all probability, for classes that these three tell apart
    for (int64_t c = told; c < known; ++c) rest -= frequency[c];
    double* const counted = rows + lethe::bayes * l.classes;
    const bool is_counted = bayes().predict(x, n, told, counted);
    double* const weighed = rows + lethe::softmax * l.classes;
    softmax().predict(x, n, told, weighed);
    double* const solved = rows + lethe::newton * l.classes;
    newton().predict(x, n, told, solved);
    for (double* const row : {counted, weighed, solved}) {
      for (int64_t c = 1; c < told; ++c) row[c] *= rest;
      std::copy(frequency + told, frequency + known, row + told);
      finish(row, row != counted || is_counted ? 1 : 0, known, frequency);
    }
  }

  void learn(const double* x, int64_t place) const {
    if (!any()) return;
    const int64_t n = features();
    const auto known = static_cast<int64_t>(b[l.known]);
    store().observe(x, n, place);
    trees().observe(store(), n);
    bayes().observe(x, n, place);
    const int64_t told = std::min(known, l.expert_classes());
    softmax().learn(x, n, told, place);
    newton().learn(x, n, told, place);
  }

  // Slots that are used from now on: their features have always been 0.
  void start_features(int64_t first_slot, int64_t end_slot) const {
    if (!any()) return;
    const int64_t first = first_slot ? l.fixed() + first_slot : 0;
    for (int64_t f = first; f < std::min(l.fixed() + end_slot, l.local()); ++f)
      bayes().forget_feature(f);
  }
  void forget_slot(int64_t slot) const {
    const int64_t f = l.fixed() + slot;
    if (!any() || f >= l.local()) return;
    store().forget_feature(f);
    trees().forget_feature(f);
    bayes().forget_feature(f);
    softmax().forget_feature(f);
    newton().forget_feature(f);
  }
  void forget_class(int64_t place) const {
    if (!any()) return;
    store().forget_class(place);
    trees().forget_class(place);
    bayes().forget_class(place);
    softmax().forget_class(place);
    newton().forget_class(place);
  }

 private:
  // The features that tell how near events are, and how many there are: what the last class says
  // is left out, which mostly has nothing to do with it, unless there is nothing else.
  int64_t look_at(int64_t n, int64_t known, int64_t* seen) const {
    bool is_of_class[lethe::most_local_features] = {};
    for (int64_t c = 1; c < known; ++c) {
      const int64_t f = l.fixed() + static_cast<int64_t>(b[l.slot + c]);
      if (f < n) is_of_class[f] = true;
    }
    int64_t count = 0;
    for (int64_t f = l.fixed() ? 0 : 1; f < n; ++f)  // slot 0 is that of other classes
      if (!is_of_class[f]) seen[count++] = f;
    if (count) return count;
    for (int64_t f = 0; f < n; ++f) seen[f] = f;
    return n;
  }

  // Votes whose sum is `sum` become probabilities; where there are none, they are the frequencies.
  static void finish(double* row, double sum, int64_t known, const double* frequency) {
    const double share = sum > 0 ? frequency_share : 1.0;
    const double scale = sum > 0 ? (1 - frequency_share) / sum : 0.0;
    for (int64_t c = 1; c < known; ++c) row[c] = scale * row[c] + share * frequency[c];
  }
};

}  // namespace LETHE_ISA
