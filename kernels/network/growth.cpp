#include "growth.hpp"

#include <cmath>
#include <cstring>

namespace lethe {

void OwnedLayout::place_sources(bool recurrent) {
  Layout& l = layout;
  layers.resize(l.layers);
  l.layer = layers.data();
  int gates = 0;
  for (const bool present : l.gate_present) gates += present;
  for (int i = 0; i < l.layers; ++i) {
    LayerLayout& at = layers[i];
    int next = l.inputs;
    const auto take = [&](bool present, int n) {
      const int first = present ? next : -1;
      if (present) next += n;
      return first;
    };
    at.first_cell = take(recurrent, l.blocks * l.cells);
    at.first_gate = take(l.gates_are_sources, l.blocks * gates);
    at.first_below = take(i > 0, l.blocks * l.cells);
    at.sources = next;
  }
}

bool OwnedLayout::resize(int inputs, int outputs, int itemsize, int64_t most) {
  const bool recurrent = layers[0].first_cell >= 0;
  layout.inputs = inputs;
  layout.outputs = outputs;
  layout.padded_outputs = padded(outputs);
  place_sources(recurrent);
  return place(layout, itemsize, most);
}

namespace {

// Rows of the inputs stay where they are; all others move up by as many as are new.
struct Rows {
  int first_new, more;
  int operator()(int row) const { return row < first_new ? row : row + more; }
};

void copy_rows(const char* from, char* to, int rows, int64_t bytes, const Rows& moved) {
  for (int row = 0; row < rows; ++row)
    std::memcpy(to + moved(row) * bytes, from + row * bytes, bytes);
}

int64_t single(int64_t numbers) { return numbers * int64_t(sizeof(float)); }

// `from` and `to` are where a whole block would begin.
void copy_state(const Layout& a, const char* from, const Layout& b, char* to) {
  const int more = b.inputs - a.inputs, cells = a.layers * a.blocks * a.cells;
  const int64_t factors = single((2 + 4 * a.cells) * int64_t(a.padded_blocks));
  for (int i = 0; i < a.layers; ++i) {
    const LayerLayout &before = a.layer[i], &after = b.layer[i];
    copy_rows(from + before.z, to + after.z, before.sources + 1, single(1), {a.inputs, more});
    // Between the net inputs and the factors nothing depends on inputs or outputs.
    std::memcpy(to + after.net, from + before.net, before.factors + factors - before.net);
  }
  copy_rows(from + a.output_z, to + b.output_z, a.output_sources + 1, single(1),
            {a.shortcuts ? cells + a.inputs : cells, a.shortcuts ? more : 0});
  const int64_t outputs[][2] = {{a.output_net, b.output_net},
                                {a.output_y, b.output_y},
                                {a.output_error, b.output_error},
                                {a.target, b.target}};
  for (const auto& at : outputs) std::memcpy(to + at[1], from + at[0], single(a.outputs));
}

}  // namespace

void grow_state(const Layout& before, const char* from, const Layout& after, char* to) {
  std::memcpy(to, from, sizeof(Header));
  const auto header = static_cast<int64_t>(sizeof(Header));
  copy_state(before, from + header - before.state_begin, after, to + header - after.state_begin);
}

void grow_network(const Layout& a, const char* from, const Layout& b, char* to) {
  const int more = b.inputs - a.inputs;
  std::memcpy(to, from, sizeof(Header));
  std::memcpy(to + b.ever_nonzero, from + a.ever_nonzero, a.inputs);
  copy_state(a, from, b, to);
  const int64_t units = single((3 + a.cells) * int64_t(a.padded_blocks));
  for (int i = 0; i < a.layers; ++i) {
    const LayerLayout &before = a.layer[i], &after = b.layer[i];
    const Rows moved = {a.inputs, more};
    copy_rows(from + before.weights, to + after.weights, before.rows, units, moved);
    copy_rows(from + before.moment1, to + after.moment1, before.rows, units, moved);
    copy_rows(from + before.moment2, to + after.moment2, before.rows, units, moved);
    copy_rows(from + before.partials, to + after.partials, before.rows, single(a.layer_partials()),
              moved);
    const int64_t peepholes = single(a.layer_peepholes());
    std::memcpy(to + after.peepholes, from + before.peepholes, peepholes);
    std::memcpy(to + after.peephole_moment1, from + before.peephole_moment1, peepholes);
    std::memcpy(to + after.peephole_moment2, from + before.peephole_moment2, peepholes);
    std::memcpy(to + after.peephole_partials, from + before.peephole_partials,
                single(a.peephole_partials()));
  }
  const int cells = a.layers * a.blocks * a.cells;
  const Rows moved = {a.shortcuts ? cells + a.inputs : cells, a.shortcuts ? more : 0};
  const int64_t tables[][2] = {{a.output_weights, b.output_weights},
                               {a.output_moment1, b.output_moment1},
                               {a.output_moment2, b.output_moment2}};
  for (const auto& at : tables)
    for (int row = 0; row < a.output_rows; ++row)
      std::memcpy(to + at[1] + single(int64_t(moved(row)) * b.padded_outputs),
                  from + at[0] + single(int64_t(row) * a.padded_outputs), single(a.outputs));
}

const char* check_header(const Layout& layout, const char* header) {
  Header h;
  std::memcpy(&h, header, sizeof h);
  for (const int64_t count : {h.steps, h.updates, h.passes, h.since_start})
    if (count < 0 || count > most_steps) return "its counters";
  if (h.pending > 1 || h.stale > 1 || h.snapshot_due > 1) return "its flags";
  if (h.symbol < -1 || h.symbol >= layout.inputs) return "its last symbol";
  if (!std::isfinite(h.rate) || h.rate < 0) return "its learning rate";
  return nullptr;
}

}  // namespace lethe
