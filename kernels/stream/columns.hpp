// The columns of an event as features: numbers in units of their spread, categories as ones.
#pragma once

#include "layout.hpp"
#include "scales.hpp"
#include "stream.hpp"

namespace LETHE_ISA {

using lethe::Change;
using lethe::ColumnParts;
using lethe::Event;

struct Columns {
  const ColumnParts& at;
  double* b;

  // Number columns and missing values that an event brings for the first time get their slots.
  void admit(const Change& change) const {
    for (int64_t i = 0; i < change.new_columns; ++i) {
      const auto column = static_cast<int64_t>(b[at.columns]);
      b[at.slot + column] = static_cast<double>(change.column_slots[i]);
      b[at.columns] += 1;
    }
    for (int64_t i = 0; i < change.new_missing; ++i)
      b[at.missing_slot + change.missing_columns[i]] =
          static_cast<double>(1 + change.missing_slots[i]);
    if (change.used >= 0) b[at.used] = static_cast<double>(change.used);
  }

  // Writes one number for each slot. Columns that this block does not know yet say nothing.
  void encode(const Event& event, double* out, int64_t slots) const {
    std::fill(out, out + slots, 0.0);
    const auto columns = static_cast<int64_t>(b[at.columns]);
    for (int64_t i = 0; i < columns; ++i) {
      const double value = event.numbers[i];
      out[static_cast<int64_t>(b[at.slot + i])] =
          standardised(value, b[at.mean + i], b[at.variance + i]);
      const auto missing = static_cast<int64_t>(b[at.missing_slot + i]);
      if (missing > 0) out[missing - 1] = value == value ? 0.0 : 1.0;
    }
    for (int64_t i = 0; i < event.slot_count; ++i) out[event.slots[i]] = 1.0;
  }

  void observe(const Event& event) const {
    observe_levels(event.numbers, b + at.mean, b + at.variance, b + at.count,
                   static_cast<int64_t>(b[at.columns]));
  }
};

}  // namespace LETHE_ISA
