// Where each part of a network lies in its one block of memory. Everything follows from the
// topology, the dtype and the update rule; nothing here depends on the instruction set.
#pragma once

#include <cstdint>
#include <vector>

namespace lethe {

// linear * x + scale * logistic(slope * x) + shift: every squashing function of Topology.
template <class T>
struct Squash {
  T linear, scale, slope, shift;
};

// All of a network's. A gate that is absent is a constant.
template <class T>
struct Squashes {
  Squash<T> gate[3], cell_input, cell_output;
};

enum class OutputUnits : int { logistic, linear, softmax, logistic_cross_entropy };
enum class Rule : int { sgd, momentum, rmsprop, adam };
enum Kind : int { input_gate, forget_gate, output_gate, cell, output };

struct Update {
  Rule rule;
  double rate, decay;
  bool decay_per_sequence, restart;
  double first, second;  // smoothing of the first and second moment
  double epsilon, bound_error, bound_step;
};

// Offsets are bytes from the start of the block; every array starts on a 64-byte line. Its own size
// is a power of two, so that to find a layer takes a shift.
struct alignas(64) LayerLayout {
  int sources;      // rows of weights without the bias
  int rows;         // with it
  int first_cell;   // the row where past cell outputs start, or -1
  int first_gate;   // past gates, or -1
  int first_below;  // present cell outputs of the layer below, or -1
  // This step: sources, net inputs, activations, and the factors that the pass needs.
  int64_t z, net, gate[3], cell_state, cell_output;
  int64_t inject_input, inject_forget, inject_cell;  // what eqs. 19-21 add to a partial per source
  int64_t state_slope;                               // y_out h'(s), eq. 17
  int64_t output_slope;                              // h(s) f'_out, eq. 15
  int64_t cell_error, state_error, output_gate_error, unit_error;
  int64_t factors;  // those of the pass, vector by vector of blocks
  // W[source][unit]: input gates, forget gates, output gates, cell 0 of every block, cell 1, ...
  int64_t weights, moment1, moment2;
  // P[source][partial]: input gate's for cell 0 of every block, cell 1, ...; forget gate's; cell's
  int64_t partials;
  // Peepholes read s_c(t-1) and s_c(t); W[cell][gate][block], and
  // P[cell read][input, forget gate][cell moved][block].
  int64_t past_state, present_state;
  int64_t peepholes, peephole_moment1, peephole_moment2, peephole_partials;
};
static_assert(sizeof(LayerLayout) == 256, "a power of two");

// What a layer takes at the least: each of its arrays starts on a line of its own.
constexpr int64_t least_layer_bytes = 19 * 64;

// Whether the partials of cells' weights do not decay (eq. 19), of input gates' (eq. 20), and of
// forget gates' (eq. 21).
struct Kept {
  bool cell, input_gate, forget_gate;

  bool any() const { return cell || input_gate || forget_gate; }
};

struct Layout {
  int inputs, outputs, blocks, cells, layers;  // cells: in each block
  int padded_blocks, padded_outputs;           // to whole vectors
  bool gates_are_sources, shortcuts;
  bool gate_present[3];
  bool biased[5];
  bool printed_eq21;
  bool gate_decays = true;        // whether the forget gate's activation multiplies partials,
  double partial_decay = 1;       // what does in its place,
  Kept kept = {};                 // and which do not decay at all
  bool peepholes = false;         // whether gates read the states of their own block
  double initial_activation = 0;  // of past cells and gates at the start of a stream
  Squashes<float> squash32;
  Squashes<double> squash64;
  OutputUnits output_units;
  Update update;

  int output_sources, output_rows;
  int64_t
      ever_nonzero;  // one byte for each input: whether it was ever other than zero while learning
  int64_t output_z, output_net, output_y, output_error, target;
  int64_t output_weights, output_moment1, output_moment2;
  int64_t state_begin, state_end;      // what a frozen step writes
  int64_t learned_begin, learned_end;  // weights, moments, partials
  int64_t state_size;                  // bytes of a whole state; a snapshot of it may lie behind
  int64_t size;                        // bytes of all
  bool snapshots = true;               // whether one does
  LayerLayout* layer;                  // one for each layer

  template <class T>
  const Squashes<T>& squash() const {
    if constexpr (sizeof(T) == 4)
      return squash32;
    else
      return squash64;
  }
  int layer_partials() const { return 3 * cells * padded_blocks; }  // lanes of a row of partials
  // Lanes of a layer's peepholes, and of their partials; none without peepholes.
  int64_t layer_peepholes() const { return peepholes ? int64_t(3) * cells * padded_blocks : 0; }
  int64_t peephole_partials() const {
    return peepholes ? int64_t(2) * cells * cells * padded_blocks : 0;
  }
};

// Whole vectors of 4, 8 or multiples of 16 lanes: the same for every instruction set. A row's parts
// must not lie a multiple of 2 KB apart: the pass walks through seven of them side by side, and
// would meet conflict misses in the cache (all in one set) and 4K aliasing between loads and
// stores.
inline int padded(int lanes) {
  const int whole = lanes <= 4 ? 4 : lanes <= 8 ? 8 : (lanes + 15) / 16 * 16;
  return whole % 256 ? whole : whole + 16;
}

// Fills in every offset of a layout whose sizes, options and layers are set, for numbers of
// `itemsize` bytes. False where the block would be larger than `most` bytes.
bool place(Layout& layout, int itemsize, int64_t most);

// The first line of the block: counters and flags, part of the network's state like the weights.
struct Header {
  double rate;           // the learning rate now
  int64_t steps;         // time steps so far
  int64_t updates;       // steps with an error so far (Adam's n)
  int64_t passes;        // passes over memory so far; every so many a snapshot is taken
  int64_t since_start;   // time steps in this sequence
  int64_t symbol;        // the input that is 1 in z, where the last input was a symbol, or -1
  uint8_t pending;       // a step waits for its pass
  uint8_t stale;         // frozen steps came after the partials
  uint8_t snapshot_due;  // somebody may have written weights
  uint8_t reserved[13];
};
// Counters stay at their end: what a file brings may be there already.
constexpr int64_t most_steps = int64_t(1) << 52;
inline void count_up(int64_t& counter) { counter += counter < most_steps; }
static_assert(sizeof(Header) == 64, "one cache line");

// What hidden units read of the past at the first step, in a block of zeros.
template <class T>
void set_initial_activations(const Layout& l, char* block) {
  const auto fill = [&](int64_t offset, int first, int count) {
    T* const to = reinterpret_cast<T*>(block + offset) + first;
    for (int i = 0; i < count; ++i) to[i] = static_cast<T>(l.initial_activation);
  };
  for (int layer = 0; layer < l.layers; ++layer) {
    const LayerLayout& at = l.layer[layer];
    for (const int64_t gate : at.gate) fill(gate, 0, l.blocks);
    for (int v = 0; v < l.cells; ++v) fill(at.cell_output, v * l.padded_blocks, l.blocks);
  }
}

enum class Status : int { ok, stopped, not_finite, interrupted };

template <class T>
struct RunArguments {
  int64_t steps;
  const T* inputs;         // (steps, inputs), or
  const int64_t* symbols;  // (steps,)
  const T* targets;        // (steps, outputs), or
  const int64_t* classes;  // (steps,) rows of target_table, or one-hot where there is none
  const T* target_table;   // (target_rows, outputs)
  int64_t target_rows;
  const uint8_t* has_target;
  const uint8_t* starts;
  bool reset_at_starts, learn;
  double stop_bound;  // infinity: never
  bool stop_learns;
  // where to write what was asked for, or null
  T* record_output;
  double* record_loss;
  T* record_gate[3];     // (steps, layers, blocks)
  T* record_cell_state;  // (steps, layers, cells, blocks)
  T* record_cell_output;
  bool (*interrupted)(void*);  // asked every 0.1 s
  void* context;
  int64_t done;  // steps done
};

// One instruction set's functions for one dtype. The block is the network's whole state.
template <class T>
struct Kernel {
  Status (*step)(const Layout&, char* block, const T* x, int64_t symbol, bool learn);
  Status (*learn)(const Layout&, char* block, const T* target, int64_t one_hot, const T* error);
  Status (*complete_step)(const Layout&, char* block);
  Status (*run)(const Layout&, char* block, RunArguments<T>& arguments);
  Status (*guard)(const Layout&, char* block);
  void (*start_sequence)(const Layout&, char* block, bool reset, bool decays);
  void (*clear)(const Layout&, char* block);
  void (*reset_partials)(const Layout&, char* block);
};

}  // namespace lethe
