// The parts of a block of a stream of classes or symbols.
#pragma once

#include <cstdint>

#include "expert_parts.hpp"
#include "stream_layout.hpp"

namespace lethe {

// The predictors of classes, before the networks: how often each came lately; the last one again.
enum NaiveClass : int64_t { frequency, last_class, naive_classes };

struct ClassSizes : StreamSizes {
  int64_t classes;  // places for classes; place 0 is any class that is new
  int64_t symbols;  // whether an event is a symbol and nothing else

  int64_t experts() const { return symbols ? 0 : int64_t(class_experts); }
  int64_t predictors() const { return naive_classes + experts() + networks; }
  int64_t fixed() const { return timed ? calendar_features : 0; }
  int64_t inputs() const { return fixed() + slots; }
  // Features and classes that experts see.
  int64_t local() const { return symbols ? 0 : std::min(inputs(), most_local_features); }
  int64_t expert_classes() const { return symbols ? 0 : std::min(classes, most_expert_classes); }
  ExpertSizes expert_sizes() const { return {local(), expert_classes(), predictors()}; }
};

struct ClassRecord : RecordHead {
  int64_t symbol, features, known, then, predictions, answered, size;

  template <class Visit>
  void each(Visit&& part, const ClassSizes& s) {
    RecordHead::each(part);
    part("symbol", symbol, holds::count, {1});
    part("features", features, holds::small, {s.symbols ? 0 : s.inputs()});
    part("known", known, holds::count, {1});  // places that were answered about
    part("then", then, holds::count, {1});    // the class's place among them
    part("predictions", predictions, holds::probability, {s.predictors(), s.classes});
    part("answered", answered, holds::probability, {s.classes});
  }
};

struct ClassLayout : ClassSizes {
  ColumnParts columns;
  EnsembleParts ensemble;
  AnomalyParts anomaly;
  PendingParts pending_events;
  ClassRecord record;
  StoreParts store;
  ForestParts forest;
  BayesParts bayes;
  SoftmaxParts softmax;
  NewtonParts newton;
  StackingParts stacking;
  int64_t known, last, events, counts, slot, repeats, fresh, weights;
  int64_t size;

  template <class Visit>
  void each(Visit&& part) {
    columns.each(part, *this);
    ensemble.each(part, *this);
    anomaly.each(part, *this);
    pending_events.each(part, *this, record.size);
    part("classes known", known, holds::count, {1});  // the new one included
    part("last class", last, holds::count, {1});
    part("class events", events, holds::count, {1});
    part("class counts", counts, holds::class_count, {classes});
    part("class slot", slot, holds::count, {classes});
    part("repeats", repeats, holds::not_negative, {2});
    part("fresh", fresh, holds::not_negative, {2});
    part("weights", weights, holds::share, {predictors()});
    const ExpertSizes sizes = expert_sizes();
    store.each(part, sizes);
    forest.each(part, sizes);
    bayes.each(part, sizes);
    softmax.each(part, sizes);
    newton.each(part, sizes);
    stacking.each(part, sizes);
  }

  bool place() {
    Placing in_record, in_block;
    record.each(in_record, *this);
    record.size = in_record.end();
    each(in_block);
    size = in_block.end();
    return in_record.fits() && in_block.fits();
  }
};

}  // namespace lethe
