// A network with more inputs and outputs that goes on as the one before it.
#pragma once

#include "layout.hpp"

namespace lethe {

// A layout and the memory of its layers.
struct OwnedLayout {
  Layout layout = {};
  std::vector<LayerLayout> layers;

  OwnedLayout() = default;
  OwnedLayout(const OwnedLayout& other) : layout(other.layout), layers(other.layers) {
    layout.layer = layers.data();
  }
  OwnedLayout& operator=(const OwnedLayout& other) {
    layout = other.layout;
    layers = other.layers;
    layout.layer = layers.data();
    return *this;
  }

  // Which rows of weights each layer has, from the topology's sizes.
  void place_sources(bool recurrent);
  // Another number of inputs and outputs; false where the block would be larger than `most` bytes.
  bool resize(int inputs, int outputs, int itemsize, int64_t most);
};

// Copies the whole of a float32 network into an empty block with more inputs or outputs; what is
// new is zero. Its states may lie elsewhere: `state` points to a header, the state follows it.
void grow_network(const Layout& before, const char* from, const Layout& after, char* to);
void grow_state(const Layout& before, const char* from, const Layout& after, char* to);

// What is wrong with the header of a block that comes from outside, or null. Weights and states may
// be any numbers: those that are not finite are found by the steps that they spoil.
const char* check_header(const Layout& layout, const char* header);

}  // namespace lethe
