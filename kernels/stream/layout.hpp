// The layouts of all streams' blocks.
#pragma once

#include "class_layout.hpp"
#include "number_layout.hpp"
