// A stream's block as a whole: checked when it comes from outside, copied into a larger one.
#pragma once

#include <string>

#include "../network/growth.hpp"
#include "layout.hpp"

namespace lethe {

// Makes room for what calls need besides the block.
template <class StreamLayout>
void make_scratch(Memory<StreamLayout>& memory);

// What is wrong with a block that comes from outside, or "": every number within its part's range,
// every index and count within its bounds.
std::string check_block(const Memory<NumberLayout>& memory);
std::string check_block(const Memory<ClassLayout>& memory);

// Copies a block into one that has room for more, and was started.
template <class StreamLayout>
void copy_into_larger(const Memory<StreamLayout>& from, const Memory<StreamLayout>& to);

}  // namespace lethe
