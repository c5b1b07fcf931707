// Streams of numbers and of classes for Python: one call an event.
#include "stream_block.hpp"

#include <nanobind/stl/optional.h>

#include <datetime.h>

#include <limits>
#include <optional>

namespace {

using lethe::How;
using lethe::Outcome;
using lethe::Services;

class NumberStream : public StreamBlock<lethe::NumberLayout> {
 public:
  NumberStream(int64_t targets, int64_t horizon, int64_t lags, int64_t period, bool timed,
               int64_t slots, int64_t pending, bool scored, nb::handle topology, nb::list updates,
               nb::handle cell_input, nb::handle cell_output)
      : kernel_(&lethe::number_kernel(horizon > 0)) {
    constexpr int64_t most = int64_t(1) << 20;
    check_size("targets", targets, 1, most);
    check_size("horizon", horizon, 0, most);
    check_size("lags", lags, 1, most);
    check_size("period", period, 0, lethe::remembered_events);
    check_size("slots", slots, 1, most);
    check_size("pending", pending, 1, most);
    lethe::NumberLayout& l = memory_.layout;
    l.targets = targets;
    l.horizon = std::max(horizon, int64_t(1));
    l.lags = lags;
    l.period = period;
    l.timed = timed;
    l.slots = slots;
    l.pending = horizon > 0 ? horizon : pending;
    l.scored = scored ? targets : 0;
    l.ahead = horizon != 1;
    if (double(targets) * double(l.horizon) > double(most))
      value_error("targets and horizon must have at most 1,048,576 numbers together");
    build(topology, updates, cell_input, cell_output);
    if (l.inputs() != network_.layout.inputs || l.heads() != network_.layout.outputs)
      value_error("topology must have " + std::to_string(l.inputs()) + " inputs and " +
                  std::to_string(l.heads()) + " outputs");
  }
  NumberStream(const NumberStream& other)
      : StreamBlock(other), kernel_(other.kernel_), answer_(other.answer_) {}

  void start() {
    StreamBlock::start(*kernel_);
    answer_.resize(3 * memory_.layout.heads());
  }
  void load(SavedBytes saved) {
    StreamBlock::load(saved);
    lethe::make_scratch(memory_);
    answer_.resize(3 * memory_.layout.heads());
  }

  int64_t inputs() const { return memory_.layout.inputs(); }

  nb::tuple learn(const EncodedEvent& event, const Changes* changes, int64_t max_delay,
                  nb::handle redraw) {
    lethe::Change change = changes ? changes->view() : lethe::Change();
    const int64_t slots = doubled(this->slots(), std::max(change.used, int64_t(1)));
    const int64_t waiting = pending_count() + (kernel_ == &lethe::number_kernel(false));
    const int64_t pending = doubled(pending_capacity(), waiting);
    check_event(event, change, slots);
    check_targets(event);
    if (kernel_ != &lethe::number_kernel(false)) check_has_targets(event);
    const bool grows = slots > this->slots() || pending > pending_capacity();
    change.grown = slots > this->slots();
    Outcome out;
    attempt(grows || is_maintained(), [&] {
      if (grows) enlarge(slots, pending);
      const Services services = {nullptr, redraw_weights, redraw.ptr()};
      const double* const targets = event.has_targets ? event.targets.data() : nullptr;
      if (!kernel_->learn(memory_, services, event.view(), change, targets, max_delay,
                          answer_.data(), out))
        throw nb::python_error();
    });
    if (changes) changes->edit();
    return outcome(out);
  }

  nb::tuple learn_targets(int64_t sequence, Row targets, const Changes* changes) {
    check_size("targets", static_cast<int64_t>(targets.shape(0)), memory_.layout.targets,
               memory_.layout.targets);
    Outcome out;
    kernel_->learn_targets(memory_, nth_of(sequence), targets.data(), answer_.data(), out);
    if (changes) changes->edit();
    return outcome(out);
  }

  nb::tuple follow(const EncodedEvent& event) {
    check_event(event, {}, slots());
    check_targets(event);
    check_has_targets(event);
    Outcome out;
    memory_.numbers()[pending().following] = 1;
    kernel_->follow(memory_, event.view(), event.targets.data(), answer_.data(), out);
    return outcome(out);
  }

  // What `learn` would report of this event; without one, of the targets that come next.
  nb::tuple score(const EncodedEvent& event) {
    check_event(event, {}, slots());
    check_targets(event);
    Outcome out;
    const double* record = nullptr;
    if (kernel_ != &lethe::number_kernel(false)) {
      record = pending_count() ? this->record(pending_count() - 1) : nullptr;
    } else {
      record = look_at(event);
    }
    kernel_->compare(memory_, record, event.has_targets ? event.targets.data() : nullptr,
                     How::score, answer_.data(), out);
    return outcome(out);
  }

  // The residuals and their counts, as views that are made once for each block.
  nb::object shown(int which) {
    if (shown_of_ != memory_.block) {
      shown_[0] = nb::cast(view("residuals"));
      shown_[1] = nb::cast(view("residual count"));
      shown_of_ = memory_.block;
    }
    return shown_[which];
  }

  // What was answered to the last event, or would be answered to this one.
  nb::object predict(const EncodedEvent* event) {
    Outcome out;
    const double* record = pending_count() ? this->record(pending_count() - 1) : nullptr;
    if (event) {
      check_event(*event, {}, slots());
      record = look_at(*event);
    }
    kernel_->compare(memory_, record, nullptr, How::score, answer_.data(), out);
    return out.answered ? as_bytes(answer_, answer_.size()) : nb::none();
  }
  // What was answered to one that waits.
  nb::object pending_answer(int64_t sequence) {
    Outcome out;
    kernel_->compare(memory_, record(nth_of(sequence)), nullptr, How::score, answer_.data(), out);
    return as_bytes(answer_, answer_.size());
  }

 private:
  const double* look_at(const EncodedEvent& event) {
    record_.resize(memory_.layout.record.size);
    kernel_->look_at(memory_, event.view(), record_.data());
    return record_.data();
  }

  void enlarge(int64_t slots, int64_t pending) {
    grow(*kernel_, [&](lethe::NumberLayout& l) {
      l.slots = slots;
      l.pending = pending;
      return std::pair(static_cast<int>(l.inputs()), static_cast<int>(l.heads()));
    });
  }

  void check_targets(const EncodedEvent& event) const {
    if (event.has_targets)
      check_size("targets", static_cast<int64_t>(event.targets.size()), memory_.layout.targets,
                 memory_.layout.targets);
  }

  static void check_has_targets(const EncodedEvent& event) {
    if (!event.has_targets) value_error("an event must bring targets, NaN where one is missing");
  }

  nb::tuple outcome(const Outcome& out) const {
    return nb::make_tuple(out.answered ? as_bytes(answer_, answer_.size()) : nb::none(), out.scored,
                          out.score, out.target, out.expected, out.actual);
  }

  const lethe::NumberKernel* kernel_;
  std::vector<double> answer_, record_;
  nb::object shown_[2];
  const char* shown_of_ = nullptr;
};

// A class that came, as Python knows it.
struct Arrival {
  lethe::ClassChange change;
  Arrival(int64_t before, int64_t place, int64_t slot, bool evicts, bool missing)
      : change{before, place, slot, evicts, missing} {}
};

class ClassStream : public StreamBlock<lethe::ClassLayout> {
 public:
  ClassStream(int64_t horizon, bool timed, bool symbols, int64_t slots, int64_t classes,
              int64_t pending, bool scored, nb::handle topology, nb::list updates,
              nb::handle cell_input, nb::handle cell_output)
      : kernel_(&lethe::class_kernel(horizon > 0)) {
    constexpr int64_t most = int64_t(1) << 20;
    check_size("horizon", horizon, 0, 1);
    check_size("slots", slots, 1, most);
    check_size("classes", classes, 1, most);
    check_size("pending", pending, 1, most);
    lethe::ClassLayout& l = memory_.layout;
    l.timed = timed && !symbols;
    l.symbols = symbols;
    l.slots = slots;
    l.classes = classes;
    l.pending = horizon > 0 ? 1 : pending;
    l.scored = scored;
    l.ahead = horizon == 0;
    build(topology, updates, cell_input, cell_output);
    if (l.inputs() != network_.layout.inputs || l.classes != network_.layout.outputs)
      value_error("topology must have " + std::to_string(l.inputs()) + " inputs and " +
                  std::to_string(l.classes) + " outputs");
  }
  ClassStream(const ClassStream&) = default;

  void start() {
    StreamBlock::start(*kernel_);
    answer_.resize(memory_.layout.classes);
  }
  void load(SavedBytes saved) {
    StreamBlock::load(saved);
    lethe::make_scratch(memory_);
    answer_.resize(memory_.layout.classes);
  }

  int64_t inputs() const { return memory_.layout.inputs(); }
  int64_t classes() const { return memory_.layout.classes; }
  int64_t known() const { return counter(memory_.layout.known); }
  int64_t last() const { return counter(memory_.layout.last); }

  nb::tuple learn(const EncodedEvent& event, const Changes* changes, const Arrival* came,
                  int64_t max_delay, nb::handle redraw) {
    lethe::Change change = changes ? changes->view() : lethe::Change();
    const bool now = kernel_ == &lethe::class_kernel(false);
    if (!now && !came) value_error("an event must bring the class that the last one waits for");
    const int64_t slots = doubled(this->slots(), std::max(change.used, int64_t(1)));
    const int64_t pending = doubled(pending_capacity(), pending_count() + now);
    check_event(event, change, slots);
    if (came) check_arrival(came->change);
    answer_.resize(classes());
    const bool is_new = came && !came->change.missing && !came->change.before;
    const bool grows = slots > this->slots() || pending > pending_capacity();
    Outcome out;
    attempt(grows || is_new || is_maintained(), [&] {
      if (pending > pending_capacity()) enlarge(this->slots(), classes(), pending);
      Calls calls = {this, redraw.ptr()};
      if (!kernel_->learn(memory_, calls.services(), event.view(), change,
                          came ? &came->change : nullptr, max_delay, answer_.data(), out))
        calls.fail();
    });
    if (changes) changes->edit();
    return outcome(out);
  }

  // The class of one event that waits; what becomes of it, `learn_complete` learns.
  nb::tuple set_pending_class(int64_t sequence, const Arrival& came, const Changes* changes) {
    Outcome out;
    const int64_t nth = nth_of(sequence);
    answer_.resize(classes());
    kernel_->set_pending_class(memory_, nth, came.change, answer_.data(), out);
    if (changes) changes->edit();
    return outcome(out);
  }

  void learn_complete(const Arrival& came, const Changes* changes, nb::handle redraw) {
    if (!is_first_complete()) value_error("no event that waits is complete");
    check_arrival(came.change);
    attempt(!came.change.missing && !came.change.before, [&] {
      Calls calls = {this, redraw.ptr()};
      if (!kernel_->learn_complete(memory_, calls.services(), came.change)) calls.fail();
    });
    if (changes) changes->edit();
  }

  nb::tuple follow(const EncodedEvent& event, const Arrival& came) {
    answer_.resize(classes());
    check_event(event, {}, slots());
    Outcome out;
    memory_.numbers()[pending().following] = 1;
    kernel_->follow(memory_, event.view(), came.change, answer_.data(), out);
    return outcome(out);
  }

  nb::tuple score(const EncodedEvent& event, const Arrival& came) {
    answer_.resize(classes());
    check_event(event, {}, slots());
    Outcome out;
    const double* record = pending_count() ? this->record(pending_count() - 1) : nullptr;
    if (kernel_ == &lethe::class_kernel(false)) record = look_at(event);
    kernel_->compare(memory_, record, &came.change, How::score, answer_.data(), out);
    return outcome(out);
  }

  nb::object predict(const EncodedEvent* event) {
    Outcome out;
    answer_.resize(classes());
    const double* record = pending_count() ? this->record(pending_count() - 1) : nullptr;
    if (event) {
      check_event(*event, {}, slots());
      record = look_at(*event);
    }
    kernel_->compare(memory_, record, nullptr, How::score, answer_.data(), out);
    return out.answered ? as_bytes(answer_, out.known) : nb::none();
  }

 private:
  // The services that an event may ask for.
  struct Calls {
    ClassStream* stream;
    PyObject* redraw;
    bool no_memory = false;

    Services services() { return {reserve, draw, this}; }
    static bool reserve(void* context, int64_t slots, int64_t classes) {
      auto& self = *static_cast<Calls*>(context);
      try {
        ClassStream& s = *self.stream;
        s.enlarge(doubled(s.slots(), slots), doubled(s.classes(), classes), s.pending_capacity());
        return true;
      } catch (const std::bad_alloc&) {
        self.no_memory = true;
        return false;
      }
    }
    static bool draw(void* context, int64_t network, int64_t layer, int64_t block) {
      return redraw_weights(static_cast<Calls*>(context)->redraw, network, layer, block);
    }
    [[noreturn]] void fail() const {
      if (no_memory) throw std::bad_alloc();
      throw nb::python_error();
    }
  };

  const double* look_at(const EncodedEvent& event) {
    record_.resize(memory_.layout.record.size);
    kernel_->look_at(memory_, event.view(), record_.data());
    return record_.data();
  }

  void enlarge(int64_t slots, int64_t classes, int64_t pending) {
    grow(*kernel_, [&](lethe::ClassLayout& l) {
      l.slots = slots;
      l.classes = classes;
      l.pending = pending;
      return std::pair(static_cast<int>(l.inputs()), static_cast<int>(l.classes));
    });
  }

  void check_arrival(const lethe::ClassChange& came) const {
    if (came.missing) return;
    check_size("class", came.before, 0, known() - 1);
    check_size("class", came.place, 1, known());
    check_size("slot", came.slot, 0, int64_t(1) << 20);
    if (came.before ? came.place != came.before : came.evicts == (came.place == known()))
      value_error("a class must keep its place, take a new one or that of another");
  }

  nb::tuple outcome(const Outcome& out) const {
    return nb::make_tuple(out.answered ? as_bytes(answer_, out.known) : nb::none(), out.best,
                          out.scored, out.score);
  }

  const lethe::ClassKernel* kernel_;
  std::vector<double> answer_, record_;
};

// ---- reading events ----

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

template <class Stream, class Class>
void bind_common(Class& bound) {
  bound.def("save", &Stream::save)
      .def("start", &Stream::start)
      .def("load", &Stream::load, "saved"_a)
      .def("clone", [](const Stream& self) { return Stream(self); })
      .def("view", &Stream::view, "part"_a)
      .def("parts", &Stream::parts)
      .def("network", &Stream::network, "n"_a)
      .def("skip", &Stream::skip)
      .def("is_first_complete", &Stream::is_first_complete)
      .def_prop_ro("size", &Stream::size)
      .def_prop_ro("inputs", &Stream::inputs)
      .def_prop_ro("slots", &Stream::slots)
      .def_prop_ro("pending_capacity", &Stream::pending_capacity)
      .def_prop_ro("events", &Stream::events)
      .def_prop_ro("skipped", &Stream::skipped)
      .def_prop_ro("missed", &Stream::missed)
      .def_prop_ro("is_following", &Stream::is_following)
      .def_prop_ro("pending_count", &Stream::pending_count)
      .def_prop_ro("pending_sequence", &Stream::pending_sequence)
      .def_prop_ro("slots_used", &Stream::used)
      .def_prop_ro("columns", &Stream::columns);
}

}  // namespace

void bind_streams(nb::module_& m) {
  PyDateTime_IMPORT;
  if (!PyDateTimeAPI) throw nb::python_error();
  nb::class_<EncodedEvent>(m, "EncodedEvent", "An event, read: numbers, slots, time, targets.")
      .def("__init__",
           [](EncodedEvent* self, Row numbers, std::vector<int64_t> slots, double seconds,
              std::optional<Row> targets, int64_t symbol) {
             new (self) EncodedEvent(
                 encoded_event(numbers, std::move(slots), seconds, targets, symbol));
           },
           "numbers"_a, "slots"_a, "seconds"_a, "targets"_a.none(), "symbol"_a = 0)
      .def_ro("numbers", &EncodedEvent::numbers)
      .def_ro("slots", &EncodedEvent::slots)
      .def_ro("seconds", &EncodedEvent::seconds)
      .def_ro("targets", &EncodedEvent::targets)
      .def_ro("has_targets", &EncodedEvent::has_targets)
      .def(
          "set_targets",
          [](EncodedEvent& self, Row targets) {
            self.targets.assign(targets.data(), targets.data() + targets.shape(0));
            self.has_targets = true;
          },
          "targets"_a);
  nb::class_<Changes>(m, "Changes", "What an event changes in the meaning of slots, and in words.")
      .def("__init__",
           [](Changes* self, std::vector<int64_t> forgotten, std::vector<int64_t> column_slots,
              std::vector<int64_t> missing_columns, std::vector<int64_t> missing_slots,
              int64_t used, bool early, nb::list edits) {
             if (missing_columns.size() != missing_slots.size())
               value_error("each column that is missing must have a slot");
             new (self) Changes{std::move(forgotten),       std::move(column_slots),
                                std::move(missing_columns), std::move(missing_slots),
                                used,                       early,
                                std::move(edits)};
           },
           "forgotten"_a, "column_slots"_a, "missing_columns"_a, "missing_slots"_a, "used"_a,
           "early"_a, "edits"_a);
  nb::class_<Arrival>(m, "Arrival", "A class that came: its place before, and from now on.")
      .def(nb::init<int64_t, int64_t, int64_t, bool, bool>(), "before"_a, "place"_a, "slot"_a,
           "evicts"_a, "missing"_a);
  m.def("read_event", &read_event, "event"_a, "columns"_a, "targets"_a,
        "skipped"_a.none(), "time"_a.none(), "bound"_a);
  m.attr("EVENTS_BETWEEN_INSPECTIONS") = lethe::events_between_inspections;
  m.attr("KEPT_RESIDUALS") = lethe::kept_residuals;
  m.attr("MOST_PERIOD") = lethe::remembered_events;

  auto numbers = nb::class_<NumberStream>(m, "NumberStream", "A stream of numbers: one block.");
  bind_common<NumberStream>(numbers);
  numbers
      .def(nb::init<int64_t, int64_t, int64_t, int64_t, bool, int64_t, int64_t, bool, nb::handle,
                    nb::list, nb::handle, nb::handle>(),
           "targets"_a, "horizon"_a, "lags"_a, "period"_a, "timed"_a, "slots"_a, "pending"_a,
           "scored"_a, "topology"_a, "updates"_a, "cell_input"_a, "cell_output"_a)
      .def("learn", &NumberStream::learn, "event"_a, "changes"_a.none(), "max_delay"_a, "redraw"_a)
      .def("learn_targets", &NumberStream::learn_targets, "sequence"_a, "targets"_a,
           "changes"_a.none())
      .def_prop_ro("residuals", [](NumberStream& self) { return self.shown(0); })
      .def_prop_ro("residual_counts", [](NumberStream& self) { return self.shown(1); })
      .def("follow", &NumberStream::follow, "event"_a)
      .def("score", &NumberStream::score, "event"_a)
      .def("predict", &NumberStream::predict, "event"_a.none())
      .def("pending_answer", &NumberStream::pending_answer, "sequence"_a);

  auto classes = nb::class_<ClassStream>(m, "ClassStream", "A stream of classes: one block.");
  bind_common<ClassStream>(classes);
  classes
      .def(nb::init<int64_t, bool, bool, int64_t, int64_t, int64_t, bool, nb::handle, nb::list,
                    nb::handle, nb::handle>(),
           "horizon"_a, "timed"_a, "symbols"_a, "slots"_a, "classes"_a, "pending"_a, "scored"_a,
           "topology"_a, "updates"_a, "cell_input"_a, "cell_output"_a)
      .def_prop_ro("classes", &ClassStream::classes)
      .def_prop_ro("known", &ClassStream::known)
      .def_prop_ro("last", &ClassStream::last)
      .def("learn", &ClassStream::learn, "event"_a, "changes"_a.none(), "came"_a.none(),
           "max_delay"_a, "redraw"_a)
      .def("set_pending_class", &ClassStream::set_pending_class, "sequence"_a, "came"_a,
           "changes"_a.none())
      .def("learn_complete", &ClassStream::learn_complete, "came"_a, "changes"_a.none(),
           "redraw"_a)
      .def("follow", &ClassStream::follow, "event"_a, "came"_a)
      .def("score", &ClassStream::score, "event"_a, "came"_a)
      .def("predict", &ClassStream::predict, "event"_a.none());
}
