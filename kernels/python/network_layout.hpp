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

// False, before anything is allocated, where the block would be larger than `most` bytes.
template <class T>
bool read_topology(lethe::OwnedLayout& own, nb::handle t, nb::handle cell_input,
                   nb::handle cell_output, int64_t most) {
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
  l.peepholes = truth("peepholes");
  l.initial_activation = nb::cast<double>(t.attr("initial_activation"));
  const nb::object partial_decay = t.attr("partial_decay");
  l.gate_decays = nb::isinstance<nb::str>(partial_decay);
  l.partial_decay = l.gate_decays ? 1.0 : nb::cast<double>(partial_decay);
  // Named are the equations that keep their factor.
  const std::string decay = l.gate_decays ? nb::cast<std::string>(partial_decay) : "forget_gate";
  l.kept = {decay == "eq21", decay == "eq19" || decay == "eq21",
            decay == "eq19" || decay == "eqs19_20"};
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
  if (double(l.layers) * lethe::least_layer_bytes > double(most)) return false;
  own.place_sources(truth("recurrent"));
  return true;
}

// An update rule says its own numbers: the fields of `Coefficients` in core/updates.py.
inline void read_update(lethe::Update& to, nb::handle rule) {
  const nb::object given = rule.attr("coefficients")();
  const auto number = [&](const char* field) { return nb::cast<double>(given.attr(field)); };
  const auto truth = [&](const char* field) { return nb::cast<bool>(given.attr(field)); };
  const std::string kind = nb::cast<std::string>(given.attr("kind"));
  to.rule = kind == "adam"       ? lethe::Rule::adam
            : kind == "rmsprop"  ? lethe::Rule::rmsprop
            : kind == "momentum" ? lethe::Rule::momentum
                                 : lethe::Rule::sgd;
  to.rate = number("rate");
  to.decay = number("decay");
  to.decay_per_sequence = truth("decay_per_sequence");
  to.restart = truth("restart");
  to.first = number("first");
  to.second = number("second");
  to.epsilon = number("epsilon");
  to.bound_error = number("bound_error");
  to.bound_step = number("bound_step");
}

// The layout of a network whose block has `most` bytes at most; of size 0 where it would have more.
template <class T>
lethe::OwnedLayout read_network_up_to(nb::handle topology, nb::handle update, nb::handle cell_input,
                                      nb::handle cell_output, bool snapshots, int64_t most) {
  lethe::OwnedLayout own;
  own.layout.snapshots = snapshots;
  if (!read_topology<T>(own, topology, cell_input, cell_output, most)) return own;
  read_update(own.layout.update, update);
  if (!lethe::place(own.layout, sizeof(T), most)) own.layout.size = 0;
  return own;
}

template <class T>
lethe::OwnedLayout read_network(nb::handle topology, nb::handle update, nb::handle cell_input,
                                nb::handle cell_output, bool snapshots) {
  lethe::OwnedLayout own =
      read_network_up_to<T>(topology, update, cell_input, cell_output, snapshots, most_block_bytes);
  if (own.layout.size == 0)
    value_error("topology must fit into 1 TB of memory with its partials and moments");
  return own;
}

}  // namespace
