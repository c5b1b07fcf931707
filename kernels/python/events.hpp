// Events as compiled code takes them, for Python.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "stream/stream.hpp"

namespace nb = nanobind;
using namespace nb::literals;

using Row = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// An event, read: what `lethe::Event` points to.
struct EncodedEvent {
  std::vector<double> numbers;
  std::vector<int64_t> slots;
  double seconds = 0;
  int64_t symbol = 0;
  std::vector<double> targets;
  bool has_targets = false;

  // To the bit: NaN is the same as NaN.
  bool is_same(const EncodedEvent& other) const {
    return numbers.size() == other.numbers.size() && slots == other.slots &&
           !std::memcmp(numbers.data(), other.numbers.data(), numbers.size() * sizeof(double)) &&
           !std::memcmp(&seconds, &other.seconds, sizeof seconds);
  }
  lethe::Event view() const {
    return {numbers.data(), slots.data(), static_cast<int64_t>(slots.size()), symbol, seconds};
  }
};

// What an event changes: slots, and the words that belong to them. `edits` are (container, key,
// value): an item of a dict, which Ellipsis takes out; one more of a list; an attribute of any
// other object. They are made in the same call as the numbers' changes, so that nothing can come
// between.
struct Changes {
  std::vector<int64_t> forgotten, column_slots, missing_columns, missing_slots;
  int64_t used = -1;
  bool early = false;
  nb::list edits;

  lethe::Change view() const {
    return {forgotten.data(),
            static_cast<int64_t>(forgotten.size()),
            column_slots.data(),
            static_cast<int64_t>(column_slots.size()),
            missing_columns.data(),
            missing_slots.data(),
            static_cast<int64_t>(missing_columns.size()),
            used,
            false,
            early};
  }

  void edit() const {
    for (const nb::handle change : edits) {
      const nb::tuple parts = nb::borrow<nb::tuple>(change);
      const nb::handle container = parts[0], key = parts[1], value = parts[2];
      int failed = 0;
      if (PyList_CheckExact(container.ptr()))
        failed = PyList_Append(container.ptr(), value.ptr());
      else if (!PyDict_CheckExact(container.ptr()))
        failed = PyObject_SetAttr(container.ptr(), key.ptr(), value.ptr());
      else if (value.is(nb::ellipsis()))
        failed = PyDict_DelItem(container.ptr(), key.ptr());
      else
        failed = PyDict_SetItem(container.ptr(), key.ptr(), value.ptr());
      if (failed) throw nb::python_error();
    }
  }
};

// A class that came, as Python knows it.
struct Arrival {
  lethe::ClassChange change;
  Arrival(int64_t before, int64_t place, int64_t slot, bool evicts, bool missing)
      : change{before, place, slot, evicts, missing} {}
};

void bind_events(nb::module_& m);
