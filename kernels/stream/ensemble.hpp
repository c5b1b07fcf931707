// Networks that differ in their learning rate and run side by side, each with two states.
//
// The training state, with the partials, takes events in order up to the oldest that still waits
// for its target. The live state takes every event at once, with the weights current at that time.
// While nothing waits the training state itself is live; from the first event that has to go ahead
// the two are forked, until they can be merged. Weights exist once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "layout.hpp"
#include "stream.hpp"

namespace LETHE_ISA {

using lethe::EnsembleParts;
using lethe::Group;
using lethe::Header;
using lethe::Layout;
using lethe::Memory;
using lethe::Services;
using lethe::Status;

constexpr double saturated = 0.001;  // a gate this near to 0 or 1
constexpr double drifting = 1000.0;  // a state beyond this
constexpr double stuck_inspections =
    20;  // in a row, after which what was always so is called stuck
enum Alarm : int64_t { saturated_gate, drifting_state, restarted_block };

template <class StreamLayout>
struct Ensemble {
  const Memory<StreamLayout>& m;
  int64_t number = 0;  // of the group
  const EnsembleParts& at = m.layout.ensemble;
  const Group& group = m.group[number];
  double* b = m.numbers();
  double &forked = b[at.forked + number], &waiting = b[at.waiting + number],
         &diverged = b[at.diverged + number], &undrawn = b[at.redraw + number];

  const Layout& net() const { return *group.network; }
  int64_t networks() const { return group.count; }
  char* network_block(int64_t n) const { return m.block + group.begin + n * net().size; }
  char* aside(int64_t n) const { return m.aside.data() + group.aside + n * net().state_end; }
  char* live(int64_t n) const { return m.block + group.live + n * group.live_size(); }
  float* outputs(int64_t n) const { return m.outputs.data() + group.outputs + n * net().outputs; }
  Header& header(int64_t n) const { return *reinterpret_cast<Header*>(network_block(n)); }
  bool has_diverged(int64_t n) const { return static_cast<int64_t>(diverged) >> n & 1; }
  static void set_bit(double& bits, int64_t n) {
    bits = static_cast<double>(static_cast<int64_t>(bits) | int64_t(1) << n);
  }

  // Takes an event: at the live state if it goes ahead of learning. Outputs go into m.outputs; a
  // network whose numbers stop being finite answers 0.
  void step(const float* x, int64_t symbol, bool ahead) const {
    if (ahead) fork();
    if (forked != 0)
      step_live(x, symbol);
    else
      step_training(x, symbol);
  }

  void fork() const {
    if (forked != 0) return;
    forked = 1;
    if (!group.ahead) return;  // a follower, whose training state is used no more
    for (int64_t n = 0; n < networks(); ++n) save_state(n, live(n));
  }

  void merge() const { forked = 0; }

  void step_training(const float* x, int64_t symbol) const {
    diverged = 0;
    for (int64_t n = 0; n < networks(); ++n) {
      float* const y = outputs(n);
      if (group.kernel->step(net(), network_block(n), x, symbol, true) == Status::ok) {
        std::memcpy(y, network_block(n) + net().output_y, net().outputs * sizeof(float));
      } else {
        std::fill(y, y + net().outputs, 0.0f);
        restart(n);
      }
    }
    waiting = 1;
  }

  // What `step` would answer; nothing changes.
  void peek(const float* x, int64_t symbol) const {
    uint8_t* const kept = m.kept_state.data();
    for (int64_t n = 0; n < networks(); ++n) {
      save_state(n, reinterpret_cast<char*>(kept));
      if (is_apart()) restore_state(n, live(n));
      step_frozen(n, x, symbol);
      restore_state(n, reinterpret_cast<const char*>(kept));
    }
  }

  // As `peek`, with all that learning from the step will need kept aside: where the event comes
  // next, `resume_aside` takes the step without computing it again. False where it cannot.
  bool step_aside(const float* x, int64_t symbol) const {
    const int64_t size = net().state_end;
    if (forked != 0) return false;
    for (int64_t n = 0; n < networks(); ++n)
      if (header(n).pending) return false;  // its pass over the weights would have to come first
    bool ok = true;
    for (int64_t n = 0; n < networks(); ++n) {
      char* const block = network_block(n);
      std::memcpy(m.kept_state.data(), block, size);
      ok &= group.kernel->step(net(), block, x, symbol, true) == Status::ok;
      std::memcpy(outputs(n), block + net().output_y, net().outputs * sizeof(float));
      std::memcpy(aside(n), block, size);
      std::memcpy(block, m.kept_state.data(), size);
    }
    return ok;
  }

  void resume_aside() const {
    diverged = 0;
    for (int64_t n = 0; n < networks(); ++n)
      std::memcpy(network_block(n), aside(n), net().state_end);
    waiting = 1;
  }

  // Lets the networks learn an event that waits no more. `stepped`: the training state has taken it
  // already. A target is a vector, `useful` says which of its numbers are there; or a class; or
  // neither, where it is missing for good: then the step has advanced the partials.
  void learn(const float* x, int64_t symbol, bool stepped, const float* target, const bool* useful,
             int64_t one_hot) const {
    if (!stepped) step_training(x, symbol);
    waiting = 0;
    if (!target && one_hot < 0) return;
    for (int64_t n = 0; n < networks(); ++n) {
      if (has_diverged(n)) continue;
      const float* wanted = target;
      if (target && useful) {
        const auto* const y = reinterpret_cast<const float*>(network_block(n) + net().output_y);
        for (int k = 0; k < net().outputs; ++k) m.target[k] = useful[k] ? target[k] : y[k];
        wanted = m.target.data();
      }
      if (group.kernel->learn(net(), network_block(n), wanted, one_hot, nullptr) != Status::ok)
        restart(n);
    }
  }

  // Weights are to be written: a step that waits for its target will not learn from it.
  void complete_step() const {
    for (int64_t n = 0; n < networks(); ++n) {
      if (group.kernel->complete_step(net(), network_block(n)) != Status::ok) restart(n);
      if (waiting != 0) set_bit(diverged, n);
    }
  }

  // ---- surgery on weights; complete_step comes before it ----

  // An input's weights, moments and partials become zero.
  void forget_input(int64_t input) const {
    const Layout& l = net();
    const int64_t units = int64_t(3 + l.cells) * l.padded_blocks;
    for (int64_t n = 0; n < networks(); ++n) {
      char* const block = network_block(n);
      for (int i = 0; i < l.layers; ++i) {
        const lethe::LayerLayout& layer = l.layer[i];
        for (const int64_t rows : {layer.weights, layer.moment1, layer.moment2})
          clear(block, rows, input, units);
        clear(block, layer.partials, input, l.layer_partials());
      }
      if (!l.shortcuts) continue;
      const int64_t row = int64_t(l.layers) * l.blocks * l.cells + input;
      for (const int64_t rows : {l.output_weights, l.output_moment1, l.output_moment2})
        clear(block, rows, row, l.padded_outputs);
    }
  }

  // An output's weights and moments become zero.
  void forget_output(int64_t output) const {
    const Layout& l = net();
    for (int64_t n = 0; n < networks(); ++n)
      for (const int64_t rows : {l.output_weights, l.output_moment1, l.output_moment2})
        for (int64_t row = 0; row < l.output_rows; ++row)
          singles(n, rows)[row * l.padded_outputs + output] = 0;
  }

  // New outputs begin as the least likely of those before them.
  void start_outputs_low(int64_t first) const {
    const Layout& l = net();
    for (int64_t n = 0; n < networks(); ++n) {
      float* const bias =
          singles(n, l.output_weights) + int64_t(l.output_rows - 1) * l.padded_outputs;
      std::fill(bias + first, bias + l.outputs, *std::min_element(bias, bias + first));
    }
  }

  // ---- looking after networks that live long ----

  // Before an event, unless the training state waits for a target: new weights for networks that
  // need them, and an inspection where one is due. False where the caller refused to draw weights.
  bool maintain(const Services& services, bool inspection_due) const {
    return redraw(services) && (!inspection_due || inspect(services));
  }

 private:
  // Counts, for each block of each layer of each network, how many inspections in a row found it
  // stuck, and has those restarted that were shut all that time: no error reaches them.
  bool inspect(const Services& services) const {
    const Layout& l = net();
    for (int64_t n = 0; n < networks(); ++n)
      for (int i = 0; i < l.layers; ++i)
        for (int64_t block = 0; block < l.blocks; ++block)
          if (!inspect_block(services, n, i, block)) return false;
    return true;
  }

  // Networks whose numbers stopped being finite get new weights.
  bool redraw(const Services& services) const {
    for (int64_t n = 0; n < networks(); ++n)
      if (static_cast<int64_t>(undrawn) >> n & 1)
        if (!services.redraw(services.context, group.first + n, 0, -1)) return false;
    undrawn = 0;
    return true;
  }

  bool is_apart() const { return group.ahead && forked != 0; }
  float* singles(int64_t n, int64_t offset) const {
    return reinterpret_cast<float*>(network_block(n) + offset);
  }
  static void clear(char* block, int64_t rows, int64_t row, int64_t lanes) {
    std::memset(block + rows + row * lanes * sizeof(float), 0, lanes * sizeof(float));
  }

  void save_state(int64_t n, char* to) const {
    const char* const block = network_block(n);
    std::memcpy(to, block, sizeof(Header));
    std::memcpy(to + sizeof(Header), block + net().state_begin,
                net().state_end - net().state_begin);
  }
  void restore_state(int64_t n, const char* from) const {
    char* const block = network_block(n);
    std::memcpy(block, from, sizeof(Header));
    std::memcpy(block + net().state_begin, from + sizeof(Header),
                net().state_end - net().state_begin);
  }

  void step_frozen(int64_t n, const float* x, int64_t symbol) const {
    char* const block = network_block(n);
    float* const y = outputs(n);
    header(n).pending = 0;
    if (group.kernel->step(net(), block, x, symbol, false) == Status::ok)
      std::memcpy(y, block + net().output_y, net().outputs * sizeof(float));
    else
      std::fill(y, y + net().outputs, 0.0f);
  }

  // The live state takes the training state's place in the block for one step.
  void step_live(const float* x, int64_t symbol) const {
    if (!is_apart()) {
      for (int64_t n = 0; n < networks(); ++n) step_frozen(n, x, symbol);
      return;
    }
    uint8_t* const kept = m.kept_state.data();
    for (int64_t n = 0; n < networks(); ++n) {
      save_state(n, reinterpret_cast<char*>(kept));
      restore_state(n, live(n));
      step_frozen(n, x, symbol);
      save_state(n, live(n));
      restore_state(n, reinterpret_cast<const char*>(kept));
    }
  }

  // A network whose numbers stopped being finite is empty until it gets new weights.
  void restart(int64_t n) const {
    b[at.lost_steps] =
        std::min(b[at.lost_steps] + static_cast<double>(header(n).steps), lethe::holds::most_count);
    std::memset(network_block(n), 0, net().size);
    header(n).rate = m.rates[group.first + n];
    header(n).symbol = -1;
    if (group.ahead) save_state(n, live(n));
    set_bit(diverged, n);
    set_bit(undrawn, n);
  }

  bool inspect_block(const Services& services, int64_t n, int i, int64_t block) const {
    const Layout& l = net();
    const lethe::LayerLayout& layer = l.layer[i];
    const int64_t which = group.blocks + (n * l.layers + i) * l.blocks + block;
    bool is_shut = false;
    for (int64_t gate = 0; gate < 3; ++gate) {
      const double y = singles(n, layer.gate[gate])[block];
      double& stuck = b[at.stuck + 3 * which + gate];
      stuck = y < saturated || y > 1 - saturated ? stuck + 1 : 0;
      b[at.alarms + saturated_gate] += stuck == stuck_inspections;
      if (gate != lethe::forget_gate) is_shut |= y < saturated;
    }
    double& shut = b[at.shut + which];
    shut = is_shut ? shut + 1 : 0;
    bool drifts = false;
    for (int cell = 0; cell < l.cells; ++cell)
      drifts |= std::abs(singles(n, layer.cell_state)[cell * l.padded_blocks + block]) > drifting;
    b[at.alarms + drifting_state] += drifts;
    if (shut < stuck_inspections) return true;
    if (!services.redraw(services.context, group.first + n, i, block)) return false;
    for (int64_t gate = 0; gate < 3; ++gate) b[at.stuck + 3 * which + gate] = 0;
    shut = 0;
    b[at.alarms + restarted_block] += 1;
    return true;
  }
};

}  // namespace LETHE_ISA
