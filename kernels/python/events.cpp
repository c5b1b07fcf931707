// Reading events: from a Python dict to numbers, in one call.
// clang-format off: Python.h comes with nanobind, and before datetime.h.
#include "events.hpp"
#include <datetime.h>
// clang-format on

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace {

// The number of seconds that a float, an int, or a datetime without a zone or in UTC stands for;
// false where Python has to look at it.
bool read_seconds(PyObject* value, double bound, double& seconds) {
  if (PyDateTime_CheckExact(value)) {
    PyObject* const zone = PyDateTime_DATE_GET_TZINFO(value);
    if ((zone != Py_None && zone != PyDateTime_TimeZone_UTC) ||
        PyDateTime_DATE_GET_MICROSECOND(value))
      return false;
    // Days from civil, of the proleptic Gregorian calendar (Howard Hinnant).
    const int64_t month = PyDateTime_GET_MONTH(value);
    const int64_t year = PyDateTime_GET_YEAR(value) - (month <= 2), era = year / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year =
        (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + PyDateTime_GET_DAY(value) - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    const int64_t days = era * 146097 + day_of_era - 719468;
    seconds = static_cast<double>(days * 86400 + PyDateTime_DATE_GET_HOUR(value) * 3600 +
                                  PyDateTime_DATE_GET_MINUTE(value) * 60 +
                                  PyDateTime_DATE_GET_SECOND(value));
    return true;
  }
  if (!PyFloat_CheckExact(value)) return false;
  seconds = PyFloat_AS_DOUBLE(value);
  return seconds > -bound && seconds < bound;
}

bool read_floats(PyObject* event, nb::tuple names, double bound, std::vector<double>& out) {
  const size_t n = names.size();
  out.resize(n);
  for (size_t i = 0; i < n; ++i) {
    PyObject* const value = PyDict_GetItemWithError(event, PyTuple_GET_ITEM(names.ptr(), i));
    if (!value || !PyFloat_CheckExact(value)) return false;
    out[i] = PyFloat_AS_DOUBLE(value);
    if (!(out[i] > -bound && out[i] < bound)) return false;
  }
  return true;
}

// An event of floats within the bound, and of a time, in exactly these columns: most events of most
// streams. None where it is anything else, and Python has to look at it. A column that is `skipped`
// may hold anything.
std::optional<EncodedEvent> read_event(nb::dict event, nb::tuple columns, nb::tuple targets,
                                       nb::handle skipped, nb::handle time, double bound) {
  EncodedEvent read;
  const bool timed = !time.is_none();
  size_t expected = columns.size() + targets.size() + timed;
  if (!skipped.is_none()) expected += PyDict_Contains(event.ptr(), skipped.ptr()) == 1;
  read.seconds = std::numeric_limits<double>::quiet_NaN();
  if (event.size() != expected) return std::nullopt;
  bool known = read_floats(event.ptr(), columns, bound, read.numbers) &&
               read_floats(event.ptr(), targets, bound, read.targets);
  read.has_targets = !read.targets.empty();
  if (known && timed) {
    PyObject* const value = PyDict_GetItemWithError(event.ptr(), time.ptr());
    known = value && read_seconds(value, bound, read.seconds);
  }
  if (known) return read;
  PyErr_Clear();
  return std::nullopt;
}

EncodedEvent encoded_event(Row numbers, std::vector<int64_t> slots, double seconds,
                           std::optional<Row> targets, int64_t symbol) {
  EncodedEvent event;
  event.numbers.assign(numbers.data(), numbers.data() + numbers.shape(0));
  event.slots = std::move(slots);
  event.seconds = seconds;
  event.symbol = symbol;
  event.has_targets = targets.has_value();
  if (targets) event.targets.assign(targets->data(), targets->data() + targets->shape(0));
  return event;
}

}  // namespace

void bind_events(nb::module_& m) {
  PyDateTime_IMPORT;
  if (!PyDateTimeAPI) throw nb::python_error();
  nb::class_<EncodedEvent>(m, "EncodedEvent", "An event, read: numbers, slots, time, targets.")
      .def(
          "__init__",
          [](EncodedEvent* self, Row numbers, std::vector<int64_t> slots, double seconds,
             std::optional<Row> targets, int64_t symbol) {
            new (self)
                EncodedEvent(encoded_event(numbers, std::move(slots), seconds, targets, symbol));
          },
          "numbers"_a, "slots"_a, "seconds"_a, "targets"_a.none(), "symbol"_a = 0)
      .def_ro("numbers", &EncodedEvent::numbers)
      .def_ro("slots", &EncodedEvent::slots)
      .def_ro("seconds", &EncodedEvent::seconds)
      .def_ro("targets", &EncodedEvent::targets)
      .def_ro("has_targets", &EncodedEvent::has_targets)
      .def(
          "set_target",
          [](EncodedEvent& self, double target) {
            self.targets.assign(1, target);
            self.has_targets = true;
          },
          "target"_a)
      .def(
          "set_targets",
          [](EncodedEvent& self, Row targets) {
            self.targets.assign(targets.data(), targets.data() + targets.shape(0));
            self.has_targets = true;
          },
          "targets"_a);
  nb::class_<Changes>(m, "Changes", "What an event changes in the meaning of slots, and in words.")
      .def(
          "__init__",
          [](Changes* self, std::vector<int64_t> forgotten, std::vector<int64_t> column_slots,
             std::vector<int64_t> missing_columns, std::vector<int64_t> missing_slots, int64_t used,
             bool early, nb::list edits) {
            if (missing_columns.size() != missing_slots.size())
              throw nb::value_error("each column that is missing must have a slot");
            new (self) Changes{std::move(forgotten),
                               std::move(column_slots),
                               std::move(missing_columns),
                               std::move(missing_slots),
                               used,
                               early,
                               std::move(edits)};
          },
          "forgotten"_a, "column_slots"_a, "missing_columns"_a, "missing_slots"_a, "used"_a,
          "early"_a, "edits"_a);
  nb::class_<Arrival>(m, "Arrival", "A class that came: its place before, and from now on.")
      .def(nb::init<int64_t, int64_t, int64_t, bool, bool>(), "before"_a, "place"_a, "slot"_a,
           "evicts"_a, "missing"_a);
  m.def("read_event", &read_event, "event"_a, "columns"_a, "targets"_a, "skipped"_a.none(),
        "time"_a.none(), "bound"_a);
}
