// Where each part of a stream's block lies: everything follows from its sizes. The numbers come
// first, all doubles; behind them lie the networks' blocks, and the live states of networks that
// predict ahead of what they have learned. This is what every kind of stream has.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../network/layout.hpp"
#include "parts.hpp"

namespace lethe {

constexpr int64_t sample_size = 1000;  // errors that an anomaly is compared with
constexpr int64_t calendar_waves = 5;
constexpr int64_t calendar_features = 2 * calendar_waves;

// Networks of one topology, which differ in their learning rate.
constexpr int64_t most_groups = 3;
struct GroupSizes {
  int64_t networks = 0;
  int64_t blocks = 0, layers = 0;  // memory blocks of a layer of each network, and layers
  int64_t all_blocks() const { return networks * layers * blocks; }
};

// What every kind of stream is made of.
struct StreamSizes {
  int64_t slots;         // places for what columns say, in the features
  int64_t pending;       // events that can wait for their targets at once
  int64_t networks = 0;  // of all groups
  int64_t groups = 0;
  GroupSizes group[most_groups];
  int64_t scored;  // numbers of an event that the anomaly scorer looks at; 0: it is off
  int64_t timed;   // whether events have times
  int64_t ahead;   // whether networks may have to predict ahead of what they have learned
};

// Networks of one topology in a block: their layout and their compiled body are one for all.
struct Group {
  const Layout* network = nullptr;
  const Kernel<float>* kernel = nullptr;
  int64_t first = 0, count = 0;    // which of all networks
  int64_t begin = 0, live = 0;     // bytes from the block's start to the networks, to live states
  int64_t outputs = 0, aside = 0;  // where theirs begin in Memory's scratch
  int64_t blocks = 0;              // memory blocks of all networks before
  bool ahead = false;              // whether they may have to predict ahead of what they learned

  // A live state: a header and what a frozen step writes.
  int64_t live_size() const {
    return int64_t(sizeof(Header)) + network->state_end - network->state_begin;
  }
};

// A block and what lies in it.
template <class StreamLayout>
struct Memory {
  StreamLayout layout;
  Group group[most_groups];
  char* block = nullptr;
  int64_t bytes = 0;  // of the block
  // What a call needs and nothing remembers: an input of the networks, their outputs, a target.
  mutable std::vector<float> x, outputs, target, remainder;
  mutable std::vector<uint8_t> useful, kept_state;
  mutable std::vector<char> aside;      // states after a step that was looked at and taken back
  mutable std::vector<double> says;     // which predictors say something of their own
  mutable std::vector<double> stacked;  // what stacking looks at
  std::vector<double> rates;            // the networks' learning rates

  double* numbers() const { return reinterpret_cast<double*>(block); }
  int64_t size() const { return bytes; }
  // Which group a network belongs to.
  const Group& group_of(int64_t n) const {
    int64_t g = 0;
    while (n >= group[g].first + group[g].count) ++g;
    return group[g];
  }
  char* network_block(int64_t n) const {
    const Group& of = group_of(n);
    return block + of.begin + (n - of.first) * of.network->size;
  }
  char* live(int64_t n) const {
    const Group& of = group_of(n);
    return block + of.live + (n - of.first) * of.live_size();
  }

  // Lays the networks out behind the numbers; false where they would be larger than any block.
  bool place_networks() {
    int64_t at = (layout.size * int64_t(sizeof(double)) + 63) / 64 * 64, n = 0, blocks = 0;
    double estimate = double(at);
    for (int64_t g = 0; g < layout.groups; ++g) {
      Group& of = group[g];
      of.first = n;
      of.count = layout.group[g].networks;
      of.blocks = blocks;
      of.begin = at;
      estimate += double(of.count) * (double(of.network->size) + double(of.live_size()));
      if (!(estimate < 8.0 * double(most_numbers))) return false;
      at += of.count * of.network->size;
      of.live = at;
      if (of.ahead) at += (of.count * of.live_size() + 63) / 64 * 64;
      n += of.count;
      blocks += layout.group[g].all_blocks();
    }
    bytes = at;
    return true;
  }
};

// Number columns: their running scales, and the slots that they fill.
struct ColumnParts {
  int64_t used, columns, mean, variance, count, slot, missing_slot;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s) {
    part("slots used", used, holds::count, {1});
    part("columns", columns, holds::count, {1});
    part("column mean", mean, holds::value, {s.slots});
    part("column variance", variance, holds::variance, {s.slots});
    part("column count", count, holds::count, {s.slots});
    part("column slot", slot, holds::count, {s.slots});
    part("column missing slot", missing_slot, holds::count, {s.slots});  // 0: none; else 1 + slot
  }
};

// Networks that run side by side, and what their monitor has counted.
struct EnsembleParts {
  int64_t forked, waiting, diverged, redraw, lost_steps, stuck, shut, alarms;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s) {
    int64_t blocks = 0;
    for (int64_t g = 0; g < s.groups; ++g) blocks += s.group[g].all_blocks();
    part("forked", forked, holds::flag, {s.groups});
    part("waiting", waiting, holds::flag, {s.groups});
    part("diverged", diverged, holds::count, {s.groups});  // a bit for each network
    part("redraw", redraw, holds::count, {s.groups});
    part("lost steps", lost_steps, holds::count, {1});
    part("stuck", stuck, holds::count, {blocks, 3});
    part("shut", shut, holds::count, {blocks});
    part("alarms", alarms, holds::count, {3});
  }
};

// Samples of past errors, and of the mean surprise over a run of events; both in order of size.
struct AnomalyParts {
  int64_t errors, means, error_count, mean_count, mean;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s) {
    part("error sample", errors, holds::not_negative, {s.scored, sample_size});
    part("surprise sample", means, holds::not_negative, {s.scored, sample_size});
    part("error count", error_count, holds::count, {s.scored});
    part("surprise count", mean_count, holds::count, {s.scored});
    part("mean surprise", mean, holds::not_negative, {s.scored});
  }
};

// Counters of the stream, and the ring of events that wait for their targets.
struct PendingParts {
  int64_t events, skipped, missed, following, first, count, sequence, records;

  template <class Visit>
  void each(Visit&& part, const StreamSizes& s, int64_t record_size) {
    part("events", events, holds::count, {1});
    part("skipped", skipped, holds::count, {1});
    part("missed", missed, holds::count, {1});
    part("following", following, holds::flag, {1});
    part("pending first", first, holds::count, {1});  // where in the ring
    part("pending count", count, holds::count, {1});
    part("pending sequence", sequence, holds::sequence, {1});  // which event the first is
    // What records hold is checked part by part.
    part("records", records, holds::anything, {s.pending, record_size});
  }
};

// What every record begins with.
struct RecordHead {
  int64_t seconds, stepped, complete;

  template <class Visit>
  void each(Visit&& part) {
    part("seconds", seconds, holds::time, {1});
    part("stepped", stepped, holds::flag, {1});
    part("complete", complete, holds::flag, {1});
  }
};

}  // namespace lethe
