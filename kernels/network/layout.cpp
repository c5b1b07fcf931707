#include "layout.hpp"

#include <initializer_list>

namespace lethe {

namespace {

// Hands out the block piece by piece, each on a line of its own.
class Cursor {
 public:
  explicit Cursor(int itemsize) : itemsize_(itemsize) {}
  int64_t take(double lanes) {
    const double at = end_;
    end_ += lanes * itemsize_;
    const double lines = static_cast<double>(static_cast<int64_t>((end_ + 63) / 64));
    end_ = lines * 64;
    return static_cast<int64_t>(at);
  }
  double end() const { return end_; }

 private:
  int itemsize_;
  double end_ = sizeof(Header);  // a double, so that an absurd size is large and never wraps around
};

int moments(Rule rule) {
  return rule == Rule::adam ? 3 : rule == Rule::rmsprop ? 2 : rule == Rule::momentum ? 1 : 0;
}

}  // namespace

bool place(Layout& l, int itemsize, int64_t most) {
  const int all_cells = l.blocks * l.cells;
  const double cells = double(l.cells) * l.padded_blocks;
  const double units = (3.0 + l.cells) * l.padded_blocks;
  if (units * 8 > most || double(l.layers) * all_cells > 1e9) return false;
  const int keeps = moments(l.update.rule);
  bool hidden_bias = false;
  for (int kind = 0; kind < 4; ++kind) hidden_bias |= l.biased[kind];

  Cursor cursor(itemsize);
  l.ever_nonzero = cursor.take(double(l.inputs) / itemsize + 1);
  l.state_begin = static_cast<int64_t>(cursor.end());
  for (int i = 0; i < l.layers; ++i) {
    LayerLayout& at = l.layer[i];
    at.rows = at.sources + hidden_bias;
    at.z = cursor.take(at.sources + 1);
    at.net = cursor.take(units);
    for (int64_t& gate : at.gate) gate = cursor.take(l.padded_blocks);
    at.output_gate_error = cursor.take(l.padded_blocks);
    for (int64_t* offset :
         {&at.cell_state, &at.cell_output, &at.inject_input, &at.inject_forget, &at.inject_cell,
          &at.state_slope, &at.output_slope, &at.cell_error, &at.state_error})
      *offset = cursor.take(cells);
    at.unit_error = cursor.take(units);
    at.past_state = cursor.take(l.peepholes ? cells : 0);
    at.present_state = cursor.take(l.peepholes ? cells : 0);
    at.factors = cursor.take((2.0 + 4.0 * l.cells) * l.padded_blocks);
  }
  l.output_sources = l.layers * all_cells + (l.shortcuts ? l.inputs : 0);
  l.output_rows = l.output_sources + l.biased[output];
  l.output_z = cursor.take(l.output_sources + 1);
  for (int64_t* offset : {&l.output_net, &l.output_y, &l.output_error, &l.target})
    *offset = cursor.take(l.padded_outputs);
  l.state_end = l.learned_begin = static_cast<int64_t>(cursor.end());

  for (int i = 0; i < l.layers; ++i) {
    LayerLayout& at = l.layer[i];
    at.weights = cursor.take(at.rows * units);
    at.moment1 = keeps & 1 ? cursor.take(at.rows * units) : at.weights;
    at.moment2 = keeps & 2 ? cursor.take(at.rows * units) : at.weights;
    at.partials = cursor.take(3.0 * at.rows * cells);
    const auto peepholes = static_cast<double>(l.layer_peepholes());
    at.peepholes = cursor.take(peepholes);
    at.peephole_moment1 = keeps & 1 ? cursor.take(peepholes) : at.peepholes;
    at.peephole_moment2 = keeps & 2 ? cursor.take(peepholes) : at.peepholes;
    at.peephole_partials = cursor.take(static_cast<double>(l.peephole_partials()));
  }
  const double output_weights = double(l.output_rows) * l.padded_outputs;
  l.output_weights = cursor.take(output_weights);
  l.output_moment1 = keeps & 1 ? cursor.take(output_weights) : l.output_weights;
  l.output_moment2 = keeps & 2 ? cursor.take(output_weights) : l.output_weights;
  if (cursor.end() * 2 > double(most)) return false;
  l.learned_end = l.state_size = static_cast<int64_t>(cursor.end());
  l.size = l.snapshots ? 2 * l.state_size : l.state_size;
  return true;
}

}  // namespace lethe
