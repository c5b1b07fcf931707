#include "memory.hpp"

#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

namespace lethe {

namespace {

struct Placed {
  std::string name;
  int64_t at;
  Shape shape;
};

// All parts of a layout, or of a record.
template <class Layout, class... Sizes>
std::vector<Placed> parts_of(Layout layout, const Sizes&... sizes) {
  std::vector<Placed> found;
  layout.each([&](const char* name, int64_t& at, const Holds&,
                  const Shape& shape) { found.push_back({name, at, shape}); },
              sizes...);
  return found;
}

void copy_parts(const std::vector<Placed>& before, const double* from,
                const std::vector<Placed>& after, double* to) {
  for (size_t i = 0; i < before.size(); ++i)
    if (before[i].name != "records")
      copy_corner(from + before[i].at, before[i].shape, to + after[i].at, after[i].shape);
}

bool is_below(double x, int64_t end) { return x < static_cast<double>(end); }

// Counts of what came fall from bin to bin, and are there for all that has been scored.
bool is_tail(const double* at_least, int64_t bins) {
  return std::is_sorted(at_least, at_least + bins, [](double x, double y) { return x > y; });
}

// What alarms are made of; null where all of it fits.
const char* check_anomaly(const AnomalyParts& a, int64_t scored, const double* b) {
  for (int64_t i = 0; i < scored; ++i) {
    for (int64_t k = 0; k < tails; ++k) {
      const int64_t bins = tail_shapes[k].bins;
      if (!is_tail(b + a.tail[k] + i * bins, bins)) return "what came so far";
    }
    const double* const alarm = b + a.alarm + i * alarm_numbers;
    for (const int64_t event : {alarm_begun, alarm_peak_at, alarm_end})
      if (!is_held(alarm[event], holds::count)) return "alarm";
    if (!(alarm[alarm_kind] >= 0 && is_below(alarm[alarm_kind], alarm_kinds)) ||
        !(alarm[alarm_state] >= 0 && alarm[alarm_state] <= ends) ||
        !(alarm[alarm_channel] >= 0 && is_below(alarm[alarm_channel], alarm_channels)))
      return "alarm";
    const double* const rule = b + a.rule + i * alarm_rules;
    if (!(rule[rule_rate] > 0 && rule[rule_rate] < 1)) return "alarm rule";
  }
  if (scored && !is_tail(b + a.scores, shape_of_scores.bins)) return "scores so far";
  return nullptr;
}

// What every kind of stream must be.
template <class StreamLayout>
std::string check_common(const Memory<StreamLayout>& m) {
  StreamLayout l = m.layout;
  const double* const b = m.numbers();
  Checking checking(b);
  l.each(checking);
  if (checking.wrong()) return checking.wrong();
  const ColumnParts& c = l.columns;
  if (b[c.used] > static_cast<double>(l.slots) || b[c.columns] > b[c.used]) return "slots used";
  for (int64_t i = 0; i < l.slots; ++i) {
    if (!is_below(b[c.slot + i], l.slots)) return "column slot";
    if (b[c.missing_slot + i] > static_cast<double>(l.slots)) return "column missing slot";
  }
  const EnsembleParts& e = l.ensemble;
  for (int64_t g = 0; g < l.groups; ++g)
    for (const int64_t bits : {e.diverged, e.redraw})
      if (!is_below(b[bits + g], int64_t(1) << l.group[g].networks)) return "diverged";
  if (const char* const wrong = check_anomaly(l.anomaly, l.scored, b)) return wrong;
  const PendingParts& p = l.pending_events;
  if (!is_below(b[p.first], l.pending) || b[p.count] > static_cast<double>(l.pending))
    return "pending count";
  // Those that do not wait, too: a record is not always written as a whole.
  for (int64_t place = 0; place < l.pending; ++place) {
    Checking record(b + p.records + place * l.record.size);
    l.record.each(record, l);
    if (record.wrong()) return std::string("pending ") + record.wrong();
  }
  for (int64_t n = 0; n < l.networks; ++n) {
    if (const char* const wrong = check_header(*m.group_of(n).network, m.network_block(n)))
      return std::string("a network: ") + wrong;
    if (reinterpret_cast<const Header*>(m.network_block(n))->rate != m.rates[n])
      return "a network: its learning rate";
    if (!m.group_of(n).ahead) continue;
    if (const char* const wrong = check_header(*m.group_of(n).network, m.live(n)))
      return std::string("a live state: ") + wrong;
  }
  return "";
}

template <class StreamLayout, class Check>
std::string check_records(const Memory<StreamLayout>& m, Check&& check) {
  const PendingParts& p = m.layout.pending_events;
  const double* const b = m.numbers();
  for (int64_t n = 0; n < static_cast<int64_t>(b[p.count]); ++n) {
    const int64_t place = (static_cast<int64_t>(b[p.first]) + n) % m.layout.pending;
    if (!check(b + p.records + place * m.layout.record.size)) return "pending events";
  }
  return "";
}

// What the experts of classes look things up by; "" where all of it is within bounds.
std::string check_experts(const ClassLayout& l, const double* b) {
  if (!l.experts()) return "";
  for (int64_t i = 0; i < stored_events; ++i)
    if (!(b[l.store.classes + i] < b[l.known])) return "stored class";
  const ForestParts& f = l.forest;
  for (int64_t i = 0; i < trees * stored_events; ++i)
    if (!(b[f.runs + i] < b[l.known] * run_counts)) return "tree runs";
  for (int64_t i = 0; i < trees * tree_nodes; ++i) {
    const double node = static_cast<double>(i % tree_nodes), next = b[f.next + i];
    if (b[f.feature + i] > static_cast<double>(l.local())) return "tree feature";
    const bool is_leaf = b[f.feature + i] == 0;
    if (is_leaf ? next + b[f.size + i] > stored_events : next <= node || next + 1 >= tree_nodes)
      return "tree next";
  }
  const double* const shares = b + l.stacking.shares;
  return std::abs(shares[0] + shares[1] - 1) < 1e-6 ? "" : "stack share";
}

}  // namespace

template <class StreamLayout>
void make_scratch(Memory<StreamLayout>& m) {
  int64_t inputs = 0, outputs = 0, widest = 0, kept = 0, aside = 0;
  for (int64_t g = 0; g < m.layout.groups; ++g) {
    Group& of = m.group[g];
    of.outputs = outputs;
    of.aside = aside;
    if (!of.count) continue;
    const Layout& net = *of.network;
    inputs = std::max<int64_t>(inputs, net.inputs);
    widest = std::max<int64_t>(widest, net.outputs);
    outputs += of.count * net.outputs;
    aside += of.count * net.state_end;
    kept = std::max({kept, of.live_size(), net.state_end});
  }
  m.x.resize(inputs);
  m.outputs.resize(outputs);
  m.target.resize(widest);
  m.remainder.resize(widest);
  m.useful.resize(widest);
  m.kept_state.resize(kept);
  m.aside.resize(aside);
  m.says.resize(m.layout.predictors());
  if constexpr (std::is_same_v<StreamLayout, ClassLayout>)
    m.stacked.resize((1 + m.layout.predictors()) * m.layout.classes);
}

template void make_scratch(Memory<NumberLayout>&);
template void make_scratch(Memory<ClassLayout>&);

std::string check_block(const Memory<NumberLayout>& m) {
  std::string wrong = check_common(m);
  if (!wrong.empty()) return wrong;
  const NumberLayout& l = m.layout;
  const double* const b = m.numbers();
  for (int64_t i = 0; i < l.targets; ++i) {
    const double* const range = b + l.declared + 2 * i;
    if (!(range[0] <= range[1] && range[0] < HUGE_VAL && range[1] > -HUGE_VAL))
      return "declared range";
  }
  for (int64_t s = 0; s < seasons; ++s)  // events are counted by it
    if (b[l.periods + s] > 0 && b[l.periods + s] < 2) return "periods";
  for (int64_t i = 0; i < (l.delay_sources() ? l.targets * delay_taps : 0); ++i)
    if (b[l.tap_lag + i] > 0 && !(b[l.tap_source + i] > 0)) return "tap source";
  return check_records(m, [&](const double* record) {
    for (int64_t head = 0; head < l.heads(); ++head)  // residuals that had been there are there
      if (record[l.record.residuals_seen + head] > m.numbers()[l.residual_count + head])
        return false;
    return true;
  });
}

std::string check_block(const Memory<ClassLayout>& m) {
  std::string wrong = check_common(m);
  if (!wrong.empty()) return wrong;
  const ClassLayout& l = m.layout;
  const double* const b = m.numbers();
  if (b[l.known] < 1 || b[l.known] > static_cast<double>(l.classes) || b[l.last] >= b[l.known])
    return "classes known";
  for (int64_t i = 0; i < l.classes; ++i)
    if (!is_below(b[l.slot + i], l.slots)) return "class slot";
  if (!(b[l.repeats] <= 1 && b[l.repeats + 1] >= 1)) return "repeats";
  if (!(b[l.fresh] <= b[l.fresh + 1] && b[l.fresh + 1] > 0)) return "fresh";
  double weights = 0;
  for (int64_t r = 0; r < l.predictors(); ++r) weights += b[l.weights + r];
  if (!(std::abs(weights - 1) < 1e-6)) return "weights";
  wrong = check_experts(l, b);
  if (!wrong.empty()) return wrong;
  return check_records(m, [&](const double* record) {
    const double known = record[l.record.known];
    if (known < 1 || known > b[l.known] || !(record[l.record.then] < known)) return false;
    return !l.symbols || is_below(record[l.record.symbol], l.slots);
  });
}

template <class StreamLayout>
void copy_into_larger(const Memory<StreamLayout>& from, const Memory<StreamLayout>& to) {
  const StreamLayout &before = from.layout, &after = to.layout;
  const double* const b = from.numbers();
  copy_parts(parts_of(before), b, parts_of(after), to.numbers());
  const PendingParts &p = before.pending_events, &q = after.pending_events;
  const auto old_parts = parts_of(before.record, before), new_parts = parts_of(after.record, after);
  for (int64_t n = 0; n < static_cast<int64_t>(b[p.count]); ++n) {
    const int64_t place = (static_cast<int64_t>(b[p.first]) + n) % before.pending;
    copy_parts(old_parts, b + p.records + place * before.record.size, new_parts,
               to.numbers() + q.records + n * after.record.size);
  }
  to.numbers()[q.first] = 0;
  for (int64_t n = 0; n < before.networks; ++n) {
    const Group &old_group = from.group_of(n), &new_group = to.group_of(n);
    grow_network(*old_group.network, from.network_block(n), *new_group.network,
                 to.network_block(n));
    if (old_group.ahead)
      grow_state(*old_group.network, from.live(n), *new_group.network, to.live(n));
  }
}

template void copy_into_larger(const Memory<NumberLayout>&, const Memory<NumberLayout>&);
template void copy_into_larger(const Memory<ClassLayout>&, const Memory<ClassLayout>&);

}  // namespace lethe
