// A stream of classes for Python: one call an event.
#include <optional>

#include "stream_block.hpp"

// What the generated stub says that a call returns.
#define LETHE_CLASS_OUTCOME "tuple[bytes | None, int, bool, float, int, int]"

namespace {

using lethe::How;
using lethe::Outcome;
using lethe::Services;

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
    add_group(topology, updates, cell_input, cell_output, l.ahead);
    place_all();
    if (l.inputs() != networks_[0].layout.inputs || l.classes != networks_[0].layout.outputs)
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
      return std::vector{std::pair(static_cast<int>(l.inputs()), static_cast<int>(l.classes))};
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
                          out.scored, out.score, out.channel, static_cast<int>(out.alarm));
  }

  const lethe::ClassKernel* kernel_;
  std::vector<double> answer_, record_;
};

}  // namespace

void bind_class_stream(nb::module_& m) {
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
           "max_delay"_a, "redraw"_a,
           nb::sig("def learn(self, event: EncodedEvent, changes: Changes | None, "
                   "came: Arrival | None, max_delay: int, "
                   "redraw: " LETHE_REDRAW ") -> " LETHE_CLASS_OUTCOME))
      .def("set_pending_class", &ClassStream::set_pending_class, "sequence"_a, "came"_a,
           "changes"_a.none(),
           nb::sig("def set_pending_class(self, sequence: int, came: Arrival, "
                   "changes: Changes | None) -> " LETHE_CLASS_OUTCOME))
      .def("learn_complete", &ClassStream::learn_complete, "came"_a, "changes"_a.none(), "redraw"_a,
           nb::sig("def learn_complete(self, came: Arrival, changes: Changes | None, "
                   "redraw: " LETHE_REDRAW ") -> None"))
      .def("follow", &ClassStream::follow, "event"_a, "came"_a,
           nb::sig("def follow(self, event: EncodedEvent, came: Arrival) -> " LETHE_CLASS_OUTCOME))
      .def("score", &ClassStream::score, "event"_a, "came"_a,
           nb::sig("def score(self, event: EncodedEvent, came: Arrival) -> " LETHE_CLASS_OUTCOME))
      .def("predict", &ClassStream::predict, "event"_a.none(),
           nb::sig("def predict(self, event: EncodedEvent | None) -> bytes | None"));
}
