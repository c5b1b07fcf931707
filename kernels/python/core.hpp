// One network's block of memory and the compiled functions on it, as Python holds them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "calls.hpp"
#include "network/allocate.hpp"
#include "network/dispatch.hpp"
#include "network/layout.hpp"
#include "network_layout.hpp"

using namespace nb::literals;

namespace {
template <class T>
using Row = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Table = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Indices = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Flags = nb::ndarray<const bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Record = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using Bytes = nb::ndarray<uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using SavedBlock = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// One network of one dtype: the block and what follows from its layout.
template <class T>
class Core {
 public:
  Core(nb::handle topology, nb::handle update, nb::handle cell_input, nb::handle cell_output) {
    own_ = read_network<T>(topology, update, cell_input, cell_output, true);
    allocate();
    lethe::set_initial_activations<T>(layout_, block_);
    kernel_ = lethe::choose_kernel(layout_, T());
    header().rate = layout_.update.rate;
    header().symbol = -1;
    header().snapshot_due = 1;
  }

  // On a block that lies in somebody else's memory, without a snapshot.
  Core(nb::handle topology, nb::handle update, nb::handle cell_input, nb::handle cell_output,
       Bytes memory)
      : outside_(memory) {
    own_ = read_network<T>(topology, update, cell_input, cell_output, false);
    if (static_cast<int64_t>(memory.shape(0)) != layout_.size)
      value_error("memory must have " + std::to_string(layout_.size) + " bytes, got " +
                  std::to_string(memory.shape(0)));
    block_ = reinterpret_cast<char*>(memory.data());
    kernel_ = lethe::choose_kernel(layout_, T());
  }

  // The network whose `save` this is. Its size is compared before any memory is taken.
  static std::unique_ptr<Core> from_block(nb::handle topology, nb::handle update,
                                          nb::handle cell_input, nb::handle cell_output,
                                          SavedBlock block) {
    const auto size = static_cast<int64_t>(block.shape(0));
    lethe::OwnedLayout own =
        read_network_up_to<T>(topology, update, cell_input, cell_output, true, size);
    if (own.layout.size != size)
      value_error(own.layout.size == 0
                      ? "block must have more bytes for this topology, got " + std::to_string(size)
                      : "block must have " + std::to_string(own.layout.size) + " bytes, got " +
                            std::to_string(size));
    for (int64_t at = 0; at < size; at += own.layout.state_size)
      if (const char* const wrong =
              lethe::check_header(own.layout, reinterpret_cast<const char*>(block.data()) + at))
        value_error(std::string("block must be what a network of this topology and update rule "
                                "saved, but not ") +
                    wrong);
    return std::unique_ptr<Core>(new Core(own, block));
  }

  // Returns a copy of `outputs`, a view of this network's; x is checked before anything changes.
  nb::object step(Row<T> x, bool learn, nb::handle outputs) {
    const Turn turn(turns_);  // first: while it is waited for, the caller's array may change
    check_length("x", x.shape(0), layout_.inputs, "inputs");
    check_finite("x", x.data(), layout_.inputs);
    step(x.data(), -1, learn);
    return outputs.attr("copy")();
  }
  nb::object step_symbol(int64_t symbol, bool learn, nb::handle outputs) {
    check_index("x", symbol, layout_.inputs);
    const Turn turn(turns_);
    step(nullptr, symbol, learn);
    return outputs.attr("copy")();
  }

  // Writes into y what `step` would answer.
  void peek(std::optional<Row<T>> x, int64_t symbol, Record<T> y) {
    const Turn turn(turns_);
    if (x) {
      check_length("x", x->shape(0), layout_.inputs, "inputs");
      check_finite("x", x->data(), layout_.inputs);
    } else {
      check_index("x", symbol, layout_.inputs);
    }
    // A frozen step writes the header and the state; both go back to what they were.
    const int64_t state = layout_.state_end - layout_.state_begin;
    std::vector<char>& before = before_;
    before.resize(sizeof(lethe::Header) + state);
    std::memcpy(before.data(), block_, sizeof(lethe::Header));
    std::memcpy(before.data() + sizeof(lethe::Header), block_ + layout_.state_begin, state);
    header().pending = 0;
    const lethe::Status status =
        kernel_->step(layout_, block_, x ? x->data() : nullptr, x ? -1 : symbol, false);
    std::memcpy(y.data(), block_ + layout_.output_y, layout_.outputs * sizeof(T));
    std::memcpy(block_, before.data(), sizeof(lethe::Header));
    std::memcpy(block_ + layout_.state_begin, before.data() + sizeof(lethe::Header), state);
    if (status == lethe::Status::not_finite) raise_not_finite(0);
  }

  void learn(Row<T> target, bool is_error) {
    const Turn turn(turns_);
    const char* name = is_error ? "error" : "target";
    check_length(name, target.shape(0), layout_.outputs, "outputs");
    check_finite(name, target.data(), layout_.outputs);
    learn(is_error ? nullptr : target.data(), -1, is_error ? target.data() : nullptr);
  }
  void learn_class(int64_t one_hot) {
    const Turn turn(turns_);
    check_index("target", one_hot, layout_.outputs);
    learn(nullptr, one_hot, nullptr);
  }

  std::tuple<bool, int64_t> run(std::optional<Table<T>> inputs, std::optional<Indices> symbols,
                                std::optional<Table<T>> targets, std::optional<Indices> classes,
                                std::optional<Table<T>> target_table,
                                std::optional<Flags> has_target, std::optional<Flags> starts,
                                bool reset_at_starts, bool learn, double stop_bound,
                                bool stop_learns, nb::dict records) {
    const Turn turn(turns_);
    if (learn)
      check_fresh(starts && reset_at_starts && starts->shape(0) && starts->data()[0]);
    else
      before_frozen();
    SignalWatch watch;
    lethe::RunArguments<T> a = {};
    a.steps = static_cast<int64_t>(symbols ? symbols->shape(0) : inputs->shape(0));
    a.inputs = inputs ? inputs->data() : nullptr;
    // Indices are copied before they are checked: the caller's array may change while this runs
    // without the interpreter's lock.
    const std::vector<int64_t> own_symbols = own_indices(symbols, layout_.inputs);
    a.symbols = symbols ? own_symbols.data() : nullptr;
    a.targets = targets ? targets->data() : nullptr;
    a.target_table = target_table ? target_table->data() : nullptr;
    a.target_rows = target_table ? static_cast<int64_t>(target_table->shape(0)) : 0;
    std::vector<int64_t> own_classes;
    if (classes) {
      own_classes.assign(classes->data(), classes->data() + classes->shape(0));
      for (size_t t = 0; t < own_classes.size(); ++t)  // what has no target is not read
        if (!has_target || has_target->data()[t])
          check_index("targets", own_classes[t],
                      static_cast<int>(target_table ? a.target_rows : layout_.outputs));
        else
          own_classes[t] = 0;
      a.classes = own_classes.data();
    }
    a.has_target = has_target ? reinterpret_cast<const uint8_t*>(has_target->data()) : nullptr;
    a.starts = starts ? reinterpret_cast<const uint8_t*>(starts->data()) : nullptr;
    a.reset_at_starts = reset_at_starts;
    a.learn = learn;
    a.stop_bound = stop_bound;
    a.stop_learns = stop_learns;
    const auto record = [&](const char* name, auto& pointer) {
      using U = std::remove_pointer_t<std::remove_reference_t<decltype(pointer)>>;
      if (records.contains(name)) pointer = nb::cast<Record<U>>(records[name]).data();
    };
    record("output", a.record_output);
    record("loss", a.record_loss);
    record("input_gate", a.record_gate[0]);
    record("forget_gate", a.record_gate[1]);
    record("output_gate", a.record_gate[2]);
    record("cell_state", a.record_cell_state);
    record("cell_output", a.record_cell_output);
    a.interrupted = SignalWatch::look;
    a.context = &watch;
    lethe::Status status;
    {
      const nb::gil_scoped_release release;
      status = kernel_->run(layout_, block_, a);
    }
    if (status == lethe::Status::interrupted) throw nb::python_error();
    check_status(status);
    return {status == lethe::Status::stopped, a.done};
  }

  void complete_step() {
    const Turn turn(turns_);
    complete_step_now();
  }
  void reset() {
    const Turn turn(turns_);
    complete_step_now();
    kernel_->clear(layout_, block_);
    header().since_start = 0;
    if (layout_.update.restart) header().rate = layout_.update.rate;
  }
  void reset_partials() {
    const Turn turn(turns_);
    complete_step_now();
    kernel_->reset_partials(layout_, block_);
  }
  void start_sequence(bool reset) {
    const Turn turn(turns_);
    complete_step_now();
    kernel_->start_sequence(layout_, block_, reset, true);
  }
  // Somebody may write weights through a view: look at them, and keep them, at the next pass.
  void snapshot_due() {
    const Turn turn(turns_);
    header().snapshot_due = 1;
  }
  // The network as it is now becomes what a roll-back goes back to.
  void snapshot() {
    const Turn turn(turns_);
    header().snapshot_due = 0;
    if (layout_.snapshots) std::memcpy(block_ + layout_.state_size, block_, layout_.state_size);
  }

  // A part of the block as an array in its own order of lanes, padding included.
  nb::ndarray<nb::numpy> array(nb::handle self, const std::string& name, int layer) {
    const Turn turn(turns_);
    if (layer < 0 || layer >= layout_.layers)
      value_error("layer must be from 0 to " + std::to_string(layout_.layers - 1) + ", got " +
                  std::to_string(layer));
    // The pass skips inputs that were always zero, whose partials and moments are zero too; who
    // holds a view can make them something else.
    if (name == "partials" || name.find("moment") != std::string::npos)
      std::memset(block_ + layout_.ever_nonzero, 1, layout_.inputs);
    const size_t lanes = layout_.padded_blocks, cells = layout_.cells;
    const size_t outputs = layout_.padded_outputs;
    const lethe::LayerLayout& at = layout_.layer[layer];
    const size_t rows = at.rows, output_rows = layout_.output_rows;
    const auto view = [&](int64_t offset, std::vector<size_t> shape) {
      return nb::ndarray<nb::numpy>(block_ + offset, shape.size(), shape.data(), self, nullptr,
                                    nb::dtype<T>());
    };
    if (name == "weights") return view(at.weights, {rows, 3 + cells, lanes});
    if (name == "first_moment") return view(at.moment1, {rows, 3 + cells, lanes});
    if (name == "second_moment") return view(at.moment2, {rows, 3 + cells, lanes});
    if (name == "partials") return view(at.partials, {rows, 3, cells, lanes});
    if (layout_.peepholes) {
      if (name == "peepholes") return view(at.peepholes, {cells, 3, lanes});
      if (name == "peephole_first_moment") return view(at.peephole_moment1, {cells, 3, lanes});
      if (name == "peephole_second_moment") return view(at.peephole_moment2, {cells, 3, lanes});
      if (name == "peephole_partials") return view(at.peephole_partials, {cells, 2, cells, lanes});
    }
    if (name == "output_weights") return view(layout_.output_weights, {output_rows, outputs});
    if (name == "output_first_moment") return view(layout_.output_moment1, {output_rows, outputs});
    if (name == "output_second_moment") return view(layout_.output_moment2, {output_rows, outputs});
    if (name == "input_gate") return view(at.gate[0], {lanes});
    if (name == "forget_gate") return view(at.gate[1], {lanes});
    if (name == "output_gate") return view(at.gate[2], {lanes});
    if (name == "cell_state") return view(at.cell_state, {cells, lanes});
    if (name == "cell_output") return view(at.cell_output, {cells, lanes});
    if (name == "output") return view(layout_.output_y, {size_t(layout_.outputs)});
    value_error("no array is called " + name);
  }
  // The whole state and its snapshot.
  nb::bytes save() {
    const Turn turn(turns_);
    return nb::bytes(block_, layout_.size);
  }

  lethe::Header header_now() {
    const Turn turn(turns_);
    return header();
  }
  double rate() { return header_now().rate; }
  // In the snapshot too: a roll-back does not undo what was meant to prevent the next one.
  void set_rate(double rate) {
    const Turn turn(turns_);
    header().rate = rate;
    if (layout_.snapshots)
      reinterpret_cast<lethe::Header*>(block_ + layout_.state_size)->rate = rate;
  }
  int64_t steps() { return header_now().steps; }
  int64_t updates() { return header_now().updates; }

 private:
  Core(const lethe::OwnedLayout& own, const SavedBlock& block) : own_(own) {
    allocate();
    kernel_ = lethe::choose_kernel(layout_, T());
    std::memcpy(block_, block.data(), layout_.size);
  }

  lethe::Header& header() { return *reinterpret_cast<lethe::Header*>(block_); }

  void allocate() {
    memory_ = lethe::allocate_block(layout_.size);
    block_ = memory_.get();
  }

  void complete_step_now() { check_status(kernel_->complete_step(layout_, block_)); }

  void step(const T* x, int64_t symbol, bool learn) {
    if (learn)
      check_fresh(false);
    else
      before_frozen();
    check_status(kernel_->step(layout_, block_, x, symbol, learn));
  }
  void learn(const T* target, int64_t one_hot, const T* error) {
    if (!header().pending)
      throw std::runtime_error("learn() needs a step() before it, and takes each step once");
    check_status(kernel_->learn(layout_, block_, target, one_hot, error));
  }

  // What was learned is not lost when a frozen step fails: it is what a roll-back then goes back
  // to.
  void before_frozen() {
    if (header().stale) return;
    check_status(kernel_->complete_step(layout_, block_));
    check_status(kernel_->guard(layout_, block_));
  }

  void check_fresh(bool starts_anew) {
    if (header().stale && !starts_anew)
      throw std::runtime_error(
          "the partials belong to the past before the frozen steps; "
          "call reset() or reset_partials() before learning again");
  }
  void check_length(const char* name, size_t got, int expected, const char* what) {
    if (got != static_cast<size_t>(expected))
      value_error(std::string(name) + " must have shape (" + std::to_string(expected) +
                  ",), one number for each of the " + what + ", got shape (" + std::to_string(got) +
                  ",)");
  }
  std::vector<int64_t> own_indices(const std::optional<Indices>& given, int end) {
    if (!given) return {};
    std::vector<int64_t> own(given->data(), given->data() + given->shape(0));
    for (const int64_t index : own) check_index("inputs", index, end);
    return own;
  }
  void check_index(const char* name, int64_t got, int expected) {
    if (got < 0 || got >= expected)
      value_error(std::string(name) + " must be a symbol from 0 to " +
                  std::to_string(expected - 1) + ", got " + std::to_string(got));
  }
  void check_finite(const char* name, const T* x, int n) {
    T bad = 0;
    for (int i = 0; i < n; ++i) bad += x[i] - x[i];
    if (bad == 0) return;
    for (int i = 0; i < n; ++i)
      if (!std::isfinite(x[i]))
        value_error(std::string(name) + " must be finite in " +
                    (sizeof(T) == 4 ? "float32" : "float64") + ", got " + std::to_string(x[i]) +
                    " at index " + std::to_string(i));
  }
  void check_status(lethe::Status status) {
    if (status != lethe::Status::not_finite) return;
    const int64_t steps = header().steps;
    if (layout_.snapshots) std::memcpy(block_, block_ + layout_.state_size, layout_.state_size);
    raise_not_finite(steps - header().steps);
  }
  [[noreturn]] void raise_not_finite(int64_t steps_lost) {
    PyErr_SetObject(not_finite_error().ptr(), nb::int_(steps_lost).ptr());
    throw nb::python_error();
  }

 public:
  static nb::object& not_finite_error() {
    static nb::object* type = new nb::object();
    return *type;
  }

 private:
  lethe::OwnedLayout own_;
  lethe::Layout& layout_ = own_.layout;
  Bytes outside_;
  lethe::AllocatedBlock memory_;
  char* block_ = nullptr;
  const lethe::Kernel<T>* kernel_ = nullptr;
  Turns turns_;
  std::vector<char> before_;  // where `peek` keeps what it must not change
};

}  // namespace
