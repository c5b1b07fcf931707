// A network's layout, read from the Python objects that describe it.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "network/growth.hpp"
#include "network/layout.hpp"

namespace nb = nanobind;

namespace {

[[noreturn]] void value_error(const std::string& text) { throw nb::value_error(text.c_str()); }

constexpr int64_t most_block_bytes = int64_t(1) << 40;

template <class T>
lethe::Squash<T> as_squash(nb::handle four) {
  return {nb::cast<T>(four[0]), nb::cast<T>(four[1]), nb::cast<T>(four[2]), nb::cast<T>(four[3])};
}

template <class T>
void read_topology(lethe::OwnedLayout& own, nb::handle t, nb::handle cell_input,
                   nb::handle cell_output) {
  lethe::Layout& l = own.layout;
  const auto whole = [&](const char* name) { return nb::cast<int>(t.attr(name)); };
  const auto truth = [&](const char* name) { return nb::cast<bool>(t.attr(name)); };
  l.inputs = whole("inputs");
  l.outputs = whole("outputs");
  l.blocks = whole("blocks");
  l.cells = whole("cells_per_block");
  l.layers = whole("layers");
  l.padded_blocks = lethe::padded(l.blocks);
  l.padded_outputs = lethe::padded(l.outputs);
  l.gates_are_sources = truth("gates_are_sources");
  l.shortcuts = truth("shortcuts");
  l.printed_eq21 = truth("printed_eq21");
  const char* kinds[] = {"input_gate", "forget_gate", "output_gate", "cell", "output"};
  const nb::object biased = t.attr("biased");
  for (int kind = 0; kind < 5; ++kind)
    l.biased[kind] = nb::cast<bool>(biased.attr("__contains__")(kinds[kind]));
  lethe::Squashes<T>& squash = const_cast<lethe::Squashes<T>&>(l.squash<T>());
  for (int kind = 0; kind < 3; ++kind) {
    l.gate_present[kind] = truth(kinds[kind]);
    // A gate that is absent is open, or, for the forget gate, the state's decay.
    const T constant = kind == lethe::forget_gate ? nb::cast<T>(t.attr("state_decay")) : T(1);
    squash.gate[kind] =
        l.gate_present[kind] ? lethe::Squash<T>{0, 1, 1, 0} : lethe::Squash<T>{0, 0, 1, constant};
  }
  squash.cell_input = as_squash<T>(cell_input);
  squash.cell_output = as_squash<T>(cell_output);
  const std::string units = nb::cast<std::string>(t.attr("output_units"));
  l.output_units = units == "softmax"                  ? lethe::OutputUnits::softmax
                   : units == "linear"                 ? lethe::OutputUnits::linear
                   : units == "logistic_cross_entropy" ? lethe::OutputUnits::logistic_cross_entropy
                                                       : lethe::OutputUnits::logistic;
  if (double(l.blocks) * l.cells * l.layers > (1 << 24))
    value_error("topology must have at most 16,777,216 cells");
  own.place_sources(truth("recurrent"));
}

inline void read_update(lethe::Update& to, nb::handle u) {
  const std::string name = nb::cast<std::string>(u.type().attr("__name__"));
  const auto number = [&](const char* attribute) { return nb::cast<double>(u.attr(attribute)); };
  to.rate = number("rate");
  to.decay = number("decay");
  to.decay_per_sequence = nb::cast<std::string>(u.attr("decay_per")) == "sequence";
  to.restart = nb::cast<bool>(u.attr("restart"));
  to.bound_error = number("bound_error");
  to.bound_step = number("bound_step");
  if (name == "SGD") {
    to.first = number("momentum");
    to.rule = to.first > 0 ? lethe::Rule::momentum : lethe::Rule::sgd;
  } else if (name == "RMSprop") {
    to.rule = lethe::Rule::rmsprop;
    to.second = number("smoothing");
    to.epsilon = number("epsilon");
  } else {
    to.rule = lethe::Rule::adam;
    to.first = number("first");
    to.second = number("second");
    to.epsilon = number("epsilon");
  }
}

template <class T>
lethe::OwnedLayout read_network(nb::handle topology, nb::handle update, nb::handle cell_input,
                                nb::handle cell_output, bool snapshots) {
  lethe::OwnedLayout own;
  read_topology<T>(own, topology, cell_input, cell_output);
  read_update(own.layout.update, update);
  own.layout.snapshots = snapshots;
  if (!lethe::place(own.layout, sizeof(T), most_block_bytes))
    value_error("topology must fit into 1 TB of memory with its partials and moments");
  return own;
}

}  // namespace
