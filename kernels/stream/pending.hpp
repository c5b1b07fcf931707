// Events that wait for their targets, in a ring, and the stream's counters.
#pragma once

#include <cstdint>

#include "layout.hpp"
#include "stream.hpp"

namespace LETHE_ISA {

template <class StreamLayout>
struct Pending {
  const StreamLayout& l;
  double* b;
  const lethe::PendingParts& at = l.pending_events;

  int64_t count() const { return static_cast<int64_t>(b[at.count]); }

  // The nth of those that wait, from the one that has waited longest.
  double* record(int64_t nth) const {
    const int64_t place = (static_cast<int64_t>(b[at.first]) + nth) % l.pending;
    return b + at.records + place * l.record.size;
  }
  double* newest() const { return count() ? record(count() - 1) : nullptr; }

  // The number of an event, from 1: of the nth that waits, or, with their count, of the next one.
  double number(int64_t nth) const { return b[at.sequence] + static_cast<double>(nth + 1); }

  double* append() const {
    b[at.count] += 1;
    return record(count() - 1);
  }
  void remove_first() const {
    b[at.first] = static_cast<double>((static_cast<int64_t>(b[at.first]) + 1) % l.pending);
    b[at.count] -= 1;
    b[at.sequence] += 1;
  }
  void clear() const {
    b[at.sequence] += b[at.count];
    b[at.first] = b[at.count] = 0;
  }

  void count_event() const { b[at.events] += 1; }
  void count_missed() const { b[at.missed] += 1; }
  bool is_inspection_due() const {
    return static_cast<int64_t>(b[at.events]) % lethe::events_between_inspections == 0;
  }
};

}  // namespace LETHE_ISA
