// The parts of a stream's block. Each part is declared once, with its shape and what it may hold;
// laying the block out, naming its views, copying it into a larger one and checking one that comes
// from outside all walk that one list.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace lethe {

// What the numbers of a part may be. NaN says that a number is missing.
struct Holds {
  double least, most;
  bool whole = false, missing = false;
};

// Ranges are those that numbers keep to, whatever comes after them: a block that was loaded can be
// saved and loaded again. Values of a stream are within 1e150 (ABSURD in model/values.py), and what
// follows from them has room of its own, so that nothing overflows.
namespace holds {
constexpr double most_count = 9007199254740992.0;  // 2^53: there a counter of doubles stays
constexpr Holds value = {-1e152, 1e152}, maybe_value = {-1e152, 1e152, false, true};
constexpr Holds change = {0, 1e153}, distance = {0, 1e160}, variance = {0, 1e305};
constexpr Holds profile = {-1e160, 1e160};
constexpr Holds total = {-1e172, 1e172};
constexpr Holds prediction = {-1e175, 1e175}, error = {0, 1e178}, residual = {-1e178, 1e178};
constexpr Holds regret = {-1e154, 1e154}, square = {0, 1e304};
constexpr Holds weight = {-1e175, 1e175}, covariance = {-1e200, 1e200};
constexpr Holds small = {-1e30, 1e30};  // in a float, too
constexpr Holds gain = {-1e15, 1e15}, reach = {0, 1e6};
constexpr Holds probability = {0, 2}, share = {0, 1.000001};  // rounded sums
constexpr Holds class_count = {0, 1e6};
constexpr Holds event_weight = {1, 1.001e6}, event_weights = {0, 1e10};
constexpr Holds stack_weight = {-20, 20}, curvature = {-1e6, 1e6};
constexpr Holds anything = {-HUGE_VAL, HUGE_VAL, false, true};
constexpr Holds bound = {-HUGE_VAL, HUGE_VAL};
constexpr Holds not_negative = {0, 1.7976931348623157e308};
constexpr double most_time = 1e151;  // seconds
constexpr Holds time = {-most_time, most_time, false, true}, gap = {0, 1e153};
constexpr Holds sequence = {0, 4e15, true};  // far from there: it numbers events by name
constexpr Holds lag = {0, 4096}, bin = {-1e6, 1e6, true};
constexpr int64_t most_held = 5;
constexpr Holds held = {0, most_held, true};
constexpr Holds count = {0, most_count, true}, flag = {0, 1, true};
}  // namespace holds

constexpr int64_t most_numbers = int64_t(1) << 37;  // of a block: 1 TB

struct Shape {
  int64_t of[4] = {1, 1, 1, 1};
  int dimensions = 0;

  Shape(std::initializer_list<int64_t> sizes) {
    for (const int64_t size : sizes) of[dimensions++] = size;
  }
  int64_t numbers() const { return of[0] * of[1] * of[2] * of[3]; }
  // In floating point, since a product of whole numbers from outside could wrap around.
  double estimate() const { return double(of[0]) * double(of[1]) * double(of[2]) * double(of[3]); }
};

// Hands out offsets, in doubles from the start.
class Placing {
 public:
  void operator()(const char*, int64_t& at, const Holds&, const Shape& shape) {
    at = next_;
    estimate_ += shape.estimate();
    if (fits()) next_ += shape.numbers();
  }
  bool fits() const { return estimate_ < double(most_numbers); }
  int64_t end() const { return next_; }

 private:
  int64_t next_ = 0;
  double estimate_ = 0;
};

inline bool is_held(double x, const Holds& holds) {
  if (x != x) return holds.missing;
  return x >= holds.least && x <= holds.most && (!holds.whole || x == std::floor(x));
}

// The first part that holds what it may not, or null.
class Checking {
 public:
  explicit Checking(const double* block) : block_(block) {}
  void operator()(const char* name, int64_t& at, const Holds& holds, const Shape& shape) {
    for (int64_t i = 0, n = shape.numbers(); i < n && !wrong_; ++i)
      if (!is_held(block_[at + i], holds)) wrong_ = name;
  }
  const char* wrong() const { return wrong_; }

 private:
  const double* block_;
  const char* wrong_ = nullptr;
};

// Copies the corner that an array and a larger one of as many dimensions share.
inline void copy_corner(const double* from, const Shape& small, double* to, const Shape& large) {
  int64_t n[4];
  for (int d = 0; d < 4; ++d) n[d] = std::min(small.of[d], large.of[d]);
  for (int64_t a = 0; a < n[0]; ++a)
    for (int64_t b = 0; b < n[1]; ++b)
      for (int64_t c = 0; c < n[2]; ++c) {
        const double* const row = from + ((a * small.of[1] + b) * small.of[2] + c) * small.of[3];
        std::copy(row, row + n[3], to + ((a * large.of[1] + b) * large.of[2] + c) * large.of[3]);
      }
}

}  // namespace lethe
