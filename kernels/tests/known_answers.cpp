// Known answers without Python, for machines that only an emulator stands for: three networks learn
// for 200 steps, and the exponential keeps its bound. The numbers are those of x86-64, which the
// tests in Python tie to the oracle; `known_answers --print` writes them.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "network/allocate.hpp"
#include "network/dispatch.hpp"
#include "network/layout.hpp"

namespace {

constexpr int steps = 200;
int failures = 0;

void check(bool ok, const char* what, double got, double expected) {
  if (ok) return;
  ++failures;
  std::printf("FAILED: %s: got %.17g, expected %.17g\n", what, got, expected);
}

// Numbers in [-1, 1) that are the same on every machine, whatever its mathematical library.
class Numbers {
 public:
  double next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state_ >> 43) / (1 << 20) - 1.0;
  }

 private:
  uint64_t state_ = 1999;
};

struct Case {
  const char* name;
  int inputs, outputs, blocks, cells, layers;
  lethe::OutputUnits units;
  lethe::Rule rule;
  double rate;
  double answers[4];  // sums of outputs, outputs squared, cell states, weights
};

const Case cases[] = {
    {"four blocks of two cells",
     7,
     7,
     4,
     2,
     1,
     lethe::OutputUnits::logistic,
     lethe::Rule::sgd,
     0.1,
     {485.4913435975359, 178.2557594594665, -0.5863197152555691, -5.449900255208840}},
    {"two layers, softmax, Adam",
     5,
     17,
     9,
     3,
     2,
     lethe::OutputUnits::softmax,
     lethe::Rule::adam,
     0.001,
     {199.9999999999998, 12.29216032838477, 1.708913106431047, 3.004243874033364}},
    {"eight blocks, linear, RMSprop",
     3,
     2,
     8,
     1,
     1,
     lethe::OutputUnits::linear,
     lethe::Rule::rmsprop,
     0.001,
     {124.7580735091500, 59.81685289849914, -5.575877871708300, 1.863812674480859}},
};

template <class T>
lethe::Layout layout_of(const Case& c, std::vector<lethe::LayerLayout>& layers) {
  lethe::Layout l = {};
  l.inputs = c.inputs, l.outputs = c.outputs, l.blocks = c.blocks, l.cells = c.cells;
  l.layers = c.layers;
  l.padded_blocks = lethe::padded(c.blocks), l.padded_outputs = lethe::padded(c.outputs);
  l.gates_are_sources = true, l.shortcuts = true;
  for (bool& present : l.gate_present) present = true;
  for (bool& biased : l.biased) biased = true;
  auto& squash = const_cast<lethe::Squashes<T>&>(l.squash<T>());
  for (auto& gate : squash.gate) gate = {0, 1, 1, 0};
  squash.cell_input = {0, 4, 1, -2};
  squash.cell_output = {0, 2, 1, -1};
  l.output_units = c.units;
  const double infinity = std::numeric_limits<double>::infinity();
  l.update = {c.rule, c.rate, 0.999, false, false, 0.9, 0.99, 1e-2, infinity, infinity};
  layers.resize(c.layers);
  l.layer = layers.data();
  const int cells = c.blocks * c.cells;
  for (int i = 0; i < c.layers; ++i) {
    lethe::LayerLayout& at = layers[i];
    at.first_cell = c.inputs;
    at.first_gate = at.first_cell + cells;
    at.first_below = i ? at.first_gate + 3 * c.blocks : -1;
    at.sources = at.first_gate + 3 * c.blocks + (i ? cells : 0);
  }
  if (!lethe::place(l, sizeof(T), int64_t(1) << 30)) std::abort();
  return l;
}

// Weights of the units that exist; the lanes that fill a vector stay zero.
template <class T>
void draw_weights(const lethe::Layout& l, char* block, Numbers& numbers) {
  const auto draw = [&](int64_t offset, int rows, int kinds, int lanes, int used) {
    T* const w = reinterpret_cast<T*>(block + offset);
    for (int64_t row = 0; row < int64_t(rows) * kinds; ++row)
      for (int unit = 0; unit < used; ++unit)
        w[row * lanes + unit] = static_cast<T>(0.2 * numbers.next());
  };
  for (int i = 0; i < l.layers; ++i)
    draw(l.layer[i].weights, l.layer[i].rows, 3 + l.cells, l.padded_blocks, l.blocks);
  draw(l.output_weights, l.output_rows, 1, l.padded_outputs, l.outputs);
}

template <class T>
double sum(const char* block, int64_t offset, int64_t n, bool squared = false) {
  const T* const x = reinterpret_cast<const T*>(block + offset);
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += squared ? double(x[i]) * x[i] : double(x[i]);
  return total;
}

template <class T>
void learn(const Case& c, bool prints, double tolerance) {
  std::vector<lethe::LayerLayout> layers;
  const lethe::Layout l = layout_of<T>(c, layers);
  const lethe::AllocatedBlock memory = lethe::allocate_block(l.size);
  char* const block = memory.get();
  auto& header = *reinterpret_cast<lethe::Header*>(block);
  header.rate = c.rate, header.symbol = -1, header.snapshot_due = 1;
  Numbers numbers;
  draw_weights<T>(l, block, numbers);
  std::vector<T> inputs(steps * c.inputs), outputs(steps * c.outputs);
  std::vector<int64_t> classes(steps);
  for (T& x : inputs) x = static_cast<T>(numbers.next());
  for (int64_t& k : classes) k = static_cast<int64_t>((numbers.next() + 1) / 2 * c.outputs);
  lethe::RunArguments<T> a = {};
  a.steps = steps, a.inputs = inputs.data(), a.classes = classes.data(), a.learn = true;
  a.stop_bound = std::numeric_limits<double>::infinity();
  a.record_output = outputs.data();
  a.interrupted = [](void*) { return false; };
  const lethe::Kernel<T>* const kernel = lethe::choose_kernel(l, T());
  const bool ok = kernel->run(l, block, a) == lethe::Status::ok && a.done == steps &&
                  kernel->complete_step(l, block) == lethe::Status::ok;
  check(ok, c.name, static_cast<double>(a.done), steps);

  const char* const recorded = reinterpret_cast<const char*>(outputs.data());
  const lethe::LayerLayout& last = l.layer[l.layers - 1];
  double got[4] = {sum<T>(recorded, 0, steps * c.outputs),
                   sum<T>(recorded, 0, steps * c.outputs, true), 0, 0};
  for (int v = 0; v < l.cells; ++v)
    got[2] += sum<T>(block, last.cell_state + int64_t(v) * l.padded_blocks * sizeof(T), l.blocks);
  got[3] = sum<T>(block, last.weights, int64_t(last.rows) * (3 + l.cells) * l.padded_blocks) +
           sum<T>(block, l.output_weights, int64_t(l.output_rows) * l.padded_outputs);
  if (prints && sizeof(T) == 8)
    std::printf("%s: %.17g, %.17g, %.17g, %.17g\n", c.name, got[0], got[1], got[2], got[3]);
  if (prints) return;
  // Each is a sum of up to 5,000 numbers of order one: their rounding adds up against its size or,
  // where they cancel, against one.
  for (int i = 0; i < 4; ++i)
    check(std::fabs(got[i] - c.answers[i]) <= tolerance * std::fmax(1, std::fabs(c.answers[i])),
          c.name, got[i], c.answers[i]);
}

template <class T>
void exponential(T edge, double bound) {
  constexpr int n = 100000;
  std::vector<T> x(n), y(n);
  for (int i = 0; i < n; ++i) x[i] = edge * static_cast<T>(2.0 * i / (n - 1) - 1);
  lethe::exponential(x.data(), y.data(), n);
  double worst = 0;
  for (int i = 0; i < n; ++i) {
    const long double exact = std::exp(static_cast<long double>(x[i]));
    worst = std::fmax(worst, static_cast<double>(std::fabs(y[i] / exact - 1)));
  }
  check(worst < bound, "relative error of the exponential", worst, bound);
}

}  // namespace

int main(int count, char** words) {
  const bool prints = count > 1 && !std::strcmp(words[1], "--print");
  // As tests/test_instruction_sets.py: 1e-12 in float64 and 1e-4 in float32 are what instruction
  // sets differ by that round and contract to FMA in their own ways.
  for (const Case& c : cases) {
    learn<double>(c, prints, 1e-12);
    learn<float>(c, prints, 1e-4);
  }
  exponential<float>(87, 2.5e-7);
  exponential<double>(707, 5e-16);
  std::printf("%s, %s: %d failures\n", lethe::instruction_set().c_str(),
              sizeof(void*) == 8 ? "64 bits" : "32 bits", failures);
  return failures ? 1 : 0;
}
