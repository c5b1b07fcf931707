// A stream of numbers for Python: one call an event.
#include <optional>

#include "stream_block.hpp"

// What the generated stub says that a call returns.
#define LETHE_NUMBER_OUTCOME "tuple[bytes | None, bool, float, int, float, float, int, int, int]"

namespace {

using lethe::How;
using lethe::Outcome;
using lethe::Services;

class NumberStream : public StreamBlock<lethe::NumberLayout> {
 public:
  NumberStream(int64_t targets, int64_t horizon, int64_t lags, int64_t period, int64_t long_period,
               bool timed, int64_t slots, int64_t pending, bool scored, nb::list groups)
      : kernel_(&lethe::number_kernel(horizon > 0)) {
    constexpr int64_t most = int64_t(1) << 20;
    check_size("targets", targets, 1, most);
    check_size("horizon", horizon, 0, most);
    check_size("lags", lags, 1, most);
    check_size("period", period, 0, lethe::remembered_events);
    check_size("long_period", long_period, 0, period ? lethe::remembered_events : 0);
    check_size("slots", slots, 1, most);
    check_size("pending", pending, 1, most);
    lethe::NumberLayout& l = memory_.layout;
    l.targets = targets;
    l.horizon = std::max(horizon, int64_t(1));
    l.lags = lags;
    l.period = period;
    l.long_period = long_period;
    l.timed = timed;
    l.slots = slots;
    l.pending = horizon > 0 ? horizon : pending;
    l.scored = scored ? targets : 0;
    l.ahead = horizon != 1;
    check_size("groups", static_cast<int64_t>(groups.size()), 2, lethe::most_groups);
    if (double(targets) * double(l.horizon) > double(most))
      value_error("targets and horizon must have at most 1,048,576 numbers together");
    // What comes next is known before the event after it; only what lies further ahead is waited
    // for.
    for (const nb::handle group : groups)
      add_group(group[0], nb::cast<nb::list>(group[1]), group[2], group[3],
                l.groups == lethe::of_far || horizon == 0);
    place_all();
    const auto sizes = network_sizes(l);
    for (size_t g = 0; g < networks_.size(); ++g)
      if (sizes[g] != std::pair(networks_[g].layout.inputs, networks_[g].layout.outputs))
        value_error("topology " + std::to_string(g) + " must have " +
                    std::to_string(sizes[g].first) + " inputs and " +
                    std::to_string(sizes[g].second) + " outputs");
  }
  NumberStream(const NumberStream& other)
      : StreamBlock(other), kernel_(other.kernel_), answer_(other.answer_) {}

  void start() {
    StreamBlock::start(*kernel_);
    answer_.resize(memory_.layout.answer());
  }
  void load(SavedBytes saved) {
    StreamBlock::load(saved);
    is_looked_at_ = false;
    lethe::make_scratch(memory_);
    answer_.resize(memory_.layout.answer());
  }

  int64_t inputs() const { return memory_.layout.inputs(); }

  nb::tuple learn(const EncodedEvent& event, const Changes* changes, int64_t max_delay,
                  nb::handle redraw) {
    lethe::Change change = changes ? changes->view() : lethe::Change();
    const int64_t slots = doubled(this->slots(), std::max(change.used, int64_t(1)));
    const int64_t waiting = pending_count() + (kernel_ == &lethe::number_kernel(false));
    const int64_t pending = doubled(pending_capacity(), waiting);
    check_event(event, change, slots);
    if (kernel_ != &lethe::number_kernel(false)) check_has_targets(event);
    check_targets(event);
    const bool grows = slots > this->slots() || pending > pending_capacity();
    change.grown = slots > this->slots();
    // An event that was asked about just before need not be looked at again.
    const bool again = is_looked_at_ && !changes && !grows && !is_maintained() &&
                       !pending_count() && looked_at_.is_same(event);
    is_looked_at_ = false;
    Outcome out;
    attempt(grows || is_maintained(), [&] {
      if (grows) enlarge(slots, pending);
      const Services services = {nullptr, redraw_weights, redraw.ptr()};
      const double* const targets = event.has_targets ? event.targets.data() : nullptr;
      if (!kernel_->learn(memory_, services, event.view(), change, targets, max_delay,
                          again ? record_.data() : nullptr, answer_.data(), out))
        throw nb::python_error();
    });
    if (changes) changes->edit();
    return outcome(out);
  }

  nb::tuple learn_targets(int64_t sequence, Row targets, const Changes* changes) {
    check_size("targets", static_cast<int64_t>(targets.shape(0)), memory_.layout.targets,
               memory_.layout.targets);
    Outcome out;
    is_looked_at_ = false;
    kernel_->learn_targets(memory_, nth_of(sequence), targets.data(), answer_.data(), out);
    if (changes) changes->edit();
    return outcome(out);
  }

  nb::tuple follow(const EncodedEvent& event) {
    check_event(event, {}, slots());
    check_has_targets(event);
    check_targets(event);
    Outcome out;
    is_looked_at_ = false;
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

 private:
  const double* look_at(const EncodedEvent& event) {
    record_.resize(memory_.layout.record.size);
    is_looked_at_ = kernel_->look_at(memory_, event.view(), record_.data());
    looked_at_ = event;
    return record_.data();
  }

  void enlarge(int64_t slots, int64_t pending) {
    grow(*kernel_, [&](lethe::NumberLayout& l) {
      l.slots = slots;
      l.pending = pending;
      return network_sizes(l);
    });
  }

  // Inputs and outputs of the networks of each group.
  static std::vector<std::pair<int, int>> network_sizes(const lethe::NumberLayout& l) {
    const auto inputs = static_cast<int>(l.inputs()), next = static_cast<int>(l.targets);
    return {{inputs, next},
            {static_cast<int>(l.remembered_inputs()), next},
            {inputs, static_cast<int>(l.heads())}};
  }

  static void check_has_targets(const EncodedEvent& event) {
    if (!event.has_targets) value_error("an event must bring targets, NaN where one is missing");
  }

  void check_targets(const EncodedEvent& event) const {
    if (event.has_targets)
      check_size("targets", static_cast<int64_t>(event.targets.size()), memory_.layout.targets,
                 memory_.layout.targets);
  }

  nb::tuple outcome(const Outcome& out) const {
    return nb::make_tuple(out.answered ? as_bytes(answer_, answer_.size()) : nb::none(), out.scored,
                          out.score, out.target, out.expected, out.actual, out.channel,
                          static_cast<int>(out.alarm), out.alarm_target);
  }

  const lethe::NumberKernel* kernel_;
  std::vector<double> answer_, record_;
  EncodedEvent looked_at_;  // the event of the last `predict`, while nothing has changed since
  bool is_looked_at_ = false;
  nb::object shown_[2];
  const char* shown_of_ = nullptr;
};

}  // namespace

void bind_number_stream(nb::module_& m) {
  m.attr("EVENTS_BETWEEN_INSPECTIONS") = lethe::events_between_inspections;
  m.attr("MOST_PERIOD") = lethe::remembered_events;

  auto numbers = nb::class_<NumberStream>(m, "NumberStream", "A stream of numbers: one block.");
  bind_common<NumberStream>(numbers);
  numbers
      .def(nb::init<int64_t, int64_t, int64_t, int64_t, int64_t, bool, int64_t, int64_t, bool,
                    nb::list>(),
           "targets"_a, "horizon"_a, "lags"_a, "period"_a, "long_period"_a, "timed"_a, "slots"_a,
           "pending"_a, "scored"_a, "groups"_a)
      .def("learn", &NumberStream::learn, "event"_a, "changes"_a.none(), "max_delay"_a, "redraw"_a,
           nb::sig("def learn(self, event: EncodedEvent, changes: Changes | None, max_delay: int, "
                   "redraw: " LETHE_REDRAW ") -> " LETHE_NUMBER_OUTCOME))
      .def("learn_targets", &NumberStream::learn_targets, "sequence"_a, "targets"_a,
           "changes"_a.none(),
           nb::sig("def learn_targets(self, sequence: int, targets: " LETHE_FLOATS
                   ", changes: Changes | None) -> " LETHE_NUMBER_OUTCOME))
      .def_prop_ro(
          "residuals", [](NumberStream& self) { return self.shown(0); },
          nb::sig("def residuals(self) -> " LETHE_FLOATS))
      .def_prop_ro(
          "residual_counts", [](NumberStream& self) { return self.shown(1); },
          nb::sig("def residual_counts(self) -> " LETHE_FLOATS))
      .def("follow", &NumberStream::follow, "event"_a,
           nb::sig("def follow(self, event: EncodedEvent) -> " LETHE_NUMBER_OUTCOME))
      .def("score", &NumberStream::score, "event"_a,
           nb::sig("def score(self, event: EncodedEvent) -> " LETHE_NUMBER_OUTCOME))
      .def("predict", &NumberStream::predict, "event"_a.none(),
           nb::sig("def predict(self, event: EncodedEvent | None) -> bytes | None"));
}
