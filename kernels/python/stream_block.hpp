// A stream's block of memory as Python holds it: made, copied, grown, saved, restored whole.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "events.hpp"
#include "network/allocate.hpp"
#include "network/dispatch.hpp"
#include "network_layout.hpp"
#include "stream/memory.hpp"
#include "stream/stream.hpp"

namespace nb = nanobind;

namespace {

using SavedBytes = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

using SharedBlock = std::shared_ptr<char>;

// A doubled size, until `needed` fits.
inline int64_t doubled(int64_t size, int64_t needed) {
  while (size < needed) size *= 2;
  return size;
}

inline void check_size(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most)
    value_error(std::string(name) + " must be from " + std::to_string(least) + " to " +
                std::to_string(most) + ", got " + std::to_string(value));
}

template <class StreamLayout>
class StreamBlock {
 public:
  using Memory = lethe::Memory<StreamLayout>;

  int64_t size() const { return memory_.size(); }
  int64_t slots() const { return memory_.layout.slots; }
  int64_t pending_capacity() const { return memory_.layout.pending; }

  nb::bytes save() const { return nb::bytes(memory_.block, memory_.size()); }

  // Takes over a whole block from outside, checked.
  void load(SavedBytes saved) {
    if (static_cast<int64_t>(saved.shape(0)) != memory_.size())
      value_error("block must have " + std::to_string(memory_.size()) + " bytes, got " +
                  std::to_string(saved.shape(0)));
    Memory other = memory_;
    const SharedBlock block = lethe::allocate_block(memory_.size());
    std::memcpy(block.get(), saved.data(), saved.shape(0));
    other.block = block.get();
    const std::string wrong = lethe::check_block(other);
    if (!wrong.empty())
      value_error("block must be what a stream of these sizes saved, but not its " + wrong);
    memory_.block = block.get();
    block_ = block;
  }

  // A part of the block by its name, as a view.
  nb::ndarray<nb::numpy, double> view(const std::string& name) const {
    std::vector<size_t> shape;
    double* start = nullptr;
    StreamLayout layout = memory_.layout;
    layout.each([&](const char* part, int64_t& at, const lethe::Holds&, const lethe::Shape& of) {
      if (name != part) return;
      start = memory_.numbers() + at;
      shape.assign(of.of, of.of + of.dimensions);
    });
    if (!start) value_error("no part is called " + name);
    return nb::ndarray<nb::numpy, double>(start, shape.size(), shape.data(), owner());
  }
  double number(const char* name) const {
    double found = 0;
    StreamLayout layout = memory_.layout;
    layout.each([&](const char* part, int64_t& at, const lethe::Holds&, const lethe::Shape&) {
      if (!std::strcmp(part, name)) found = memory_.numbers()[at];
    });
    return found;
  }
  std::vector<std::string> parts() const {
    std::vector<std::string> names;
    StreamLayout layout = memory_.layout;
    layout.each([&](const char* part, int64_t&, const lethe::Holds&, const lethe::Shape&) {
      names.emplace_back(part);
    });
    return names;
  }

  // A part of an event that waits, by its name, as a view.
  nb::ndarray<nb::numpy, double> record_view(const std::string& name, int64_t nth) const {
    check_size("event", nth, 0, pending_count() - 1);
    std::vector<size_t> shape;
    double* start = nullptr;
    auto layout = memory_.layout.record;
    layout.each(
        [&](const char* part, int64_t& at, const lethe::Holds&, const lethe::Shape& of) {
          if (name != part) return;
          start = record(nth) + at;
          shape.assign(of.of, of.of + of.dimensions);
        },
        memory_.layout);
    if (!start) value_error("no part of an event is called " + name);
    return nb::ndarray<nb::numpy, double>(start, shape.size(), shape.data(), owner());
  }

  // The bytes of one network.
  nb::ndarray<nb::numpy, uint8_t> network(int64_t n) const {
    check_size("network", n, 0, memory_.layout.networks - 1);
    const size_t shape[] = {static_cast<size_t>(memory_.group_of(n).network->size)};
    return nb::ndarray<nb::numpy, uint8_t>(reinterpret_cast<uint8_t*>(memory_.network_block(n)), 1,
                                           shape, owner());
  }

  // The inputs and outputs that one network has by now.
  nb::tuple network_size(int64_t n) const {
    check_size("network", n, 0, memory_.layout.networks - 1);
    const lethe::Layout& l = *memory_.group_of(n).network;
    return nb::make_tuple(l.inputs, l.outputs);
  }

  // A copy of one network as it answers now: with its live state, where that goes ahead.
  nb::bytes live_network(int64_t n) const {
    check_size("network", n, 0, memory_.layout.networks - 1);
    const lethe::Group& group = memory_.group_of(n);
    const lethe::Layout& l = *group.network;
    std::string copy(memory_.network_block(n), l.size);
    const auto number = &group - memory_.group;
    if (group.ahead && memory_.numbers()[memory_.layout.ensemble.forked + number] != 0) {
      std::memcpy(copy.data(), memory_.live(n), sizeof(lethe::Header));
      std::memcpy(copy.data() + l.state_begin, memory_.live(n) + sizeof(lethe::Header),
                  l.state_end - l.state_begin);
    }
    return nb::bytes(copy.data(), copy.size());
  }

  int64_t events() const { return counter(pending().events); }
  int64_t missed() const { return counter(pending().missed); }
  int64_t skipped() const { return counter(pending().skipped); }
  void skip() { memory_.numbers()[pending().skipped] += 1; }
  bool is_following() const { return memory_.numbers()[pending().following] != 0; }
  int64_t pending_count() const { return counter(pending().count); }
  int64_t pending_sequence() const { return counter(pending().sequence); }
  int64_t used() const { return counter(memory_.layout.columns.used); }
  int64_t columns() const { return counter(memory_.layout.columns.columns); }
  // Whether the event that has waited longest has its target by now.
  bool is_first_complete() const {
    return pending_count() && record(0)[memory_.layout.record.complete] != 0;
  }

 protected:
  StreamBlock() = default;
  StreamBlock(const StreamBlock& other)
      : memory_(other.memory_),
        networks_(other.networks_),
        block_(lethe::allocate_block(other.size())) {
    point_to_layouts();
    memory_.block = block_.get();
    std::memcpy(memory_.block, other.memory_.block, other.size());
  }

  // A group of networks: its layout is read. `place` follows the last one.
  void add_group(nb::handle topology, nb::list updates, nb::handle cell_input,
                 nb::handle cell_output, bool ahead) {
    StreamLayout& l = memory_.layout;
    const auto count = static_cast<int64_t>(updates.size());
    check_size("networks", count, 1, 16);
    check_size("groups", static_cast<int64_t>(networks_.size()), 0, lethe::most_groups - 1);
    networks_.push_back(read_network<float>(topology, updates[0], cell_input, cell_output, false));
    const lethe::Layout& network = networks_.back().layout;
    l.groups = static_cast<int64_t>(networks_.size());
    l.group[l.groups - 1] = {count, network.blocks, network.layers};
    l.networks += count;
    memory_.group[l.groups - 1].ahead = ahead;
    for (const nb::handle update : updates)
      memory_.rates.push_back(nb::cast<double>(update.attr("rate")));
  }
  void place_all() {
    if (!place()) value_error("sizes must fit into 1 TB of memory");
  }

  bool place() {
    point_to_layouts();
    for (size_t g = 0; g < networks_.size(); ++g)
      memory_.group[g].kernel = lethe::choose_kernel(networks_[g].layout, float());
    return memory_.layout.place() && memory_.place_networks();
  }
  void point_to_layouts() {
    for (size_t g = 0; g < networks_.size(); ++g) memory_.group[g].network = &networks_[g].layout;
  }

  // A new block, all zero but for what its kernel starts.
  template <class Kernel>
  void start(const Kernel& kernel) {
    block_ = lethe::allocate_block(memory_.size());
    memory_.block = block_.get();
    lethe::make_scratch(memory_);
    kernel.start(memory_);
    for (int64_t n = 0; n < memory_.layout.networks; ++n) {
      auto& header = *reinterpret_cast<lethe::Header*>(memory_.network_block(n));
      header.rate = memory_.rates[n];
      header.symbol = -1;
    }
  }

  // A larger block takes the place of this one: `resize` sets the new sizes and says the inputs and
  // outputs that each group's networks then have.
  template <class Kernel, class Resize>
  void grow(const Kernel& kernel, Resize&& resize) {
    const Memory before = memory_;
    const Networks old_networks = networks_;
    Memory from = before;
    for (size_t g = 0; g < old_networks.size(); ++g)
      from.group[g].network = &old_networks[g].layout;
    const SharedBlock old_block = block_;
    try {
      const std::vector<std::pair<int, int>> sizes = resize(memory_.layout);
      for (size_t g = 0; g < networks_.size(); ++g)
        if (!networks_[g].resize(sizes[g].first, sizes[g].second, sizeof(float), most_block_bytes))
          throw std::bad_alloc();
      if (!place()) throw std::bad_alloc();
      start(kernel);
    } catch (...) {
      memory_ = before;
      networks_ = old_networks;
      point_to_layouts();
      block_ = old_block;
      throw;
    }
    lethe::copy_into_larger(from, memory_);
  }

  using Networks = std::vector<lethe::OwnedLayout>;

  // What an event may have changed when something fails in the midst of it.
  struct RestorePoint {
    Memory memory;
    Networks networks;
    SharedBlock block;
    std::vector<char> bytes;
  };
  RestorePoint restore_point() const {
    return {memory_, networks_, block_,
            std::vector<char>(memory_.block, memory_.block + memory_.size())};
  }
  // Swaps, and so never fails for want of memory.
  void restore(RestorePoint& point) {
    std::swap(memory_, point.memory);
    networks_.swap(point.networks);
    point_to_layouts();
    std::swap(block_, point.block);
    std::memcpy(memory_.block, point.bytes.data(), point.bytes.size());
  }

  // Runs a call; where it may fail in the midst, what fails leaves the stream as it was.
  template <class Call>
  void attempt(bool may_fail, Call&& call) {
    if (!may_fail) return call();
    RestorePoint point = restore_point();
    try {
      call();
    } catch (...) {
      restore(point);
      throw;
    }
  }

  // Whether an event may ask for a service, which may fail.
  bool is_maintained() const {
    if (events() % lethe::events_between_inspections == 0) return true;
    for (int64_t g = 0; g < memory_.layout.groups; ++g)
      if (memory_.numbers()[memory_.layout.ensemble.redraw + g] != 0) return true;
    return false;
  }

  void check_event(const EncodedEvent& event, const lethe::Change& change, int64_t slots) const {
    const int64_t columns = counter(memory_.layout.columns.columns) + change.new_columns;
    if (static_cast<int64_t>(event.numbers.size()) != columns)
      value_error("event must have " + std::to_string(columns) + " numbers, got " +
                  std::to_string(event.numbers.size()));
    check_slots(event.slots.data(), static_cast<int64_t>(event.slots.size()), slots);
    check_slots(&event.symbol, 1, slots);
    check_slots(change.forgotten, change.forgotten_count, slots);
    check_slots(change.column_slots, change.new_columns, slots);
    check_slots(change.missing_slots, change.new_missing, slots);
    check_slots(change.missing_columns, change.new_missing, columns);
    if (columns > slots) value_error("columns must have slots");
  }
  static void check_slots(const int64_t* slots, int64_t n, int64_t end) {
    for (int64_t i = 0; i < n; ++i) check_size("slot", slots[i], 0, end - 1);
  }

  const lethe::PendingParts& pending() const { return memory_.layout.pending_events; }
  int64_t counter(int64_t at) const { return static_cast<int64_t>(memory_.numbers()[at]); }
  double* record(int64_t nth) const {
    const int64_t place = (counter(pending().first) + nth) % memory_.layout.pending;
    return memory_.numbers() + pending().records + place * memory_.layout.record.size;
  }
  int64_t nth_of(int64_t sequence) const {
    const int64_t nth = sequence - pending_sequence();
    check_size("event", nth, 0, pending_count() - 1);
    return nth;
  }

  // Views hold the block that they show, also when a larger one has taken its place.
  nb::object owner() const {
    return nb::capsule(new SharedBlock(block_),
                       [](void* shared) noexcept { delete static_cast<SharedBlock*>(shared); });
  }

  Memory memory_;
  Networks networks_;  // a layout for each group
  SharedBlock block_;
};

// Calls a Python function that draws weights.
inline bool redraw_weights(void* function, int64_t network, int64_t layer, int64_t block) {
  PyObject* const done = PyObject_CallFunction(
      static_cast<PyObject*>(function), "LLL", static_cast<long long>(network),
      static_cast<long long>(layer), static_cast<long long>(block));
  Py_XDECREF(done);
  return done != nullptr;
}

// What the generated stub says where a C++ type alone would say less.
#define LETHE_FLOATS "numpy.typing.NDArray[numpy.float64]"
#define LETHE_REDRAW "collections.abc.Callable[[int, int, int], None]"

template <class Stream, class Class>
void bind_common(Class& bound) {
  bound.def("save", &Stream::save)
      .def("start", &Stream::start)
      .def("load", &Stream::load, "saved"_a)
      .def("clone", [](const Stream& self) { return Stream(self); })
      .def("view", &Stream::view, "part"_a)
      .def("parts", &Stream::parts)
      .def("record_view", &Stream::record_view, "part"_a, "nth"_a)
      .def("network", &Stream::network, "n"_a)
      .def("network_size", &Stream::network_size, "n"_a,
           nb::sig("def network_size(self, n: int) -> tuple[int, int]"))
      .def("live_network", &Stream::live_network, "n"_a)
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

inline nb::object as_bytes(const std::vector<double>& answer, size_t n) {
  return nb::bytes(answer.data(), n * sizeof(double));
}

}  // namespace
