// forecast.hpp for Python: every array is checked against the layout before it is touched.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "stream/forecast.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Row = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OwnRow = nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OwnSingles = nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Singles = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OwnFlags = nb::ndarray<bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

void check(const char* name, size_t expected, size_t got) {
  if (got == expected) return;
  throw nb::value_error((std::string(name) + " must have " + std::to_string(expected) +
                         " numbers, got " + std::to_string(got))
                            .c_str());
}

void observe(Row values, OwnRow mean, OwnRow variance, OwnRow count, double slowest) {
  const size_t n = values.shape(0);
  check("mean", n, mean.shape(0));
  check("variance", n, variance.shape(0));
  check("count", n, count.shape(0));
  lethe::observe(values.data(), mean.data(), variance.data(), count.data(), slowest,
                 static_cast<int64_t>(n));
}

using Places = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Numbers in units of their spread go to their places in `out`, and a 1 for each that is missing.
void place(Row values, Row mean, Row variance, Places places, Places missing, OwnRow out) {
  const size_t n = values.shape(0);
  check("mean", n, mean.shape(0));
  check("variance", n, variance.shape(0));
  check("places", n, places.shape(0));
  check("missing", n, missing.shape(0));
  const auto room = static_cast<int64_t>(out.shape(0));
  for (size_t i = 0; i < n; ++i) {
    const int64_t at = places.data()[i], flag = missing.data()[i];
    if (at < 0 || at >= room || flag >= room) throw nb::value_error("a place is beyond the room");
    lethe::standardise(values.data() + i, mean.data() + i, variance.data() + i, out.data() + at, 1);
    if (flag >= 0) out.data()[flag] = values.data()[i] == values.data()[i] ? 0.0 : 1.0;
  }
}

// Fills `out` with an event's numbers, in the order of their names; false where the event has any
// other column, or something other than a float within the bound: then Python looks at it.
bool read_numbers(nb::dict event, nb::tuple names, double bound, OwnRow out) {
  const size_t n = names.size();
  check("out", n, out.shape(0));
  if (event.size() != n) return false;
  for (size_t i = 0; i < n; ++i) {
    PyObject* const value = PyDict_GetItemWithError(event.ptr(), PyTuple_GET_ITEM(names.ptr(), i));
    if (!value || !PyFloat_CheckExact(value)) {
      PyErr_Clear();
      return false;
    }
    const double number = PyFloat_AS_DOUBLE(value);
    if (!(number > -bound && number < bound)) return false;
    out.data()[i] = number;
  }
  return true;
}

// The functions on a block of memory that Python owns.
class Forecast {
 public:
  Forecast(int64_t targets, int64_t horizon, int64_t lags, int64_t period, bool timed,
           int64_t places, int64_t networks, OwnRow block)
      : layout_(sizes(targets, horizon, lags, period, timed, places, networks)),
        memory_(std::move(block)),
        forecast_(layout_, memory_.data()) {
    check("block", layout_.size, memory_.shape(0));
    // The count of what is kept is an index: a block from outside may hold anything.
    const double kept = memory_.data()[layout_.kept];
    if (!(kept >= 0 && kept <= 2 * lethe::kept_most)) throw nb::value_error("block is damaged");
    for (int64_t m = 0; m < layout_.heads(); ++m) {
      const double seen = memory_.data()[layout_.residual_counts + m];
      if (!(seen >= 0 && seen <= 0x1p53)) throw nb::value_error("block is damaged");
    }
  }

  static lethe::ForecastSizes sizes(int64_t targets, int64_t horizon, int64_t lags, int64_t period,
                                    bool timed, int64_t places, int64_t networks) {
    constexpr int64_t most = int64_t(1) << 20;
    for (const int64_t n : {targets, horizon, lags, places, networks})
      if (n < 1 || n > most) throw nb::value_error("every size must be from 1 to 1,048,576");
    if (period < 0 || period > lethe::kept_most)
      throw nb::value_error("period must be from 0 to 4096");
    const lethe::ForecastSizes sizes = {targets, horizon, lags, period, timed, places, networks};
    // In floating point, since whole numbers could go round: what grows fastest must fit.
    const double t = targets, h = horizon, n = 1 + t * (7. + lags) + 10 + lethe::linear_places;
    constexpr double room = double(int64_t(1) << 37);
    if (n * n > room || t * h * n > room || t * h * networks > room || t * 8192 > room)
      throw nb::value_error("targets, horizon and lags must fit into 1 TB of memory");
    return sizes;
  }

  static int64_t size(int64_t targets, int64_t horizon, int64_t lags, int64_t period, bool timed,
                      int64_t places, int64_t networks) {
    return lethe::ForecastLayout(sizes(targets, horizon, lags, period, timed, places, networks))
        .size;
  }

  void start() { forecast_.start(); }

  void look(Row columns, double seconds, OwnRow record, OwnSingles x) const {
    check("columns", layout_.places, columns.shape(0));
    check("record", layout_.record, record.shape(0));
    check("x", layout_.features() - 1, x.shape(0));
    forecast_.look(columns.data(), seconds, record.data(), x.data());
  }

  void answer(double seconds, Singles outputs, OwnRow record) const {
    check("outputs", layout_.networks * layout_.heads(), outputs.shape(0) * outputs.shape(1));
    check("record", layout_.record, record.shape(0));
    forecast_.answer(seconds, outputs.data(), record.data());
  }

  void owe(OwnRow record) {
    check("record", layout_.record, record.shape(0));
    forecast_.owe(record.data());
  }

  void bring(Row values, int64_t ahead, OwnRow record) const {
    check("values", layout_.targets, values.shape(0));
    check("record", layout_.record, record.shape(0));
    if (ahead < 1 || ahead > layout_.horizon) throw nb::value_error("ahead is beyond the horizon");
    forecast_.bring(values.data(), ahead, record.data());
  }

  int64_t settle(Row record, OwnSingles left, OwnFlags useful) {
    check("record", layout_.record, record.shape(0));
    check("left", layout_.heads(), left.shape(0));
    check("useful", layout_.heads(), useful.shape(0));
    return forecast_.settle(record.data(), left.data(), useful.data());
  }

  void forget(int64_t feature) {
    if (feature < 0 || feature >= layout_.features())
      throw nb::value_error("feature is beyond the features");
    forecast_.forget(feature);
  }

  // owe, bring, note and settle in one call, where a target comes with its event.
  int64_t conclude(Row values, double seconds, OwnRow record, OwnSingles left, OwnFlags useful) {
    check("values", layout_.targets, values.shape(0));
    check("record", layout_.record, record.shape(0));
    check("left", layout_.heads(), left.shape(0));
    check("useful", layout_.heads(), useful.shape(0));
    forecast_.owe(record.data());
    forecast_.bring(values.data(), 1, record.data());
    forecast_.note(values.data(), seconds);
    return forecast_.settle(record.data(), left.data(), useful.data());
  }

  void note(Row values, double seconds) {
    check("values", layout_.targets, values.shape(0));
    forecast_.note(values.data(), seconds);
  }

  // Where each part of the block, or of a record, lies: (start, shape).
  nb::dict parts(bool of_record) const {
    const lethe::ForecastLayout& l = layout_;
    const int64_t t = l.targets, m = l.heads(), k = l.predictors(), n = l.linear();
    constexpr int64_t f = lethe::linear_predictors, kept = 2 * lethe::kept_most;
    nb::dict parts;
    const auto add = [&parts](const char* name, int64_t at, auto... shape) {
      parts[name] = nb::make_tuple(at, nb::make_tuple(shape...));
    };
    if (of_record) {
      add("features", l.features_at, l.features());
      add("gains", l.gains, f, n);
      add("anchor", l.anchor, t);
      add("scale", l.scale_then, m);
      add("base", l.base, m);
      add("predictions", l.predictions, m, k);
      add("both", l.both, m, 2);
      add("mixed", l.mixed, m);
      add("usual", l.usual, m);
      add("seen", l.seen, m);
      add("wanted", l.wanted, m);
      add("record", 0, l.record);
      return parts;
    }
    add("kept", l.kept, 1);
    add("gap", l.gap, 1);
    add("values", l.values, kept, t);
    add("times", l.times, kept);
    add("level_mean", l.level_mean, t);
    add("level_variance", l.level_variance, t);
    add("level_count", l.level_count, t);
    add("change", l.change, t);
    add("changes", l.changes, t);
    add("total", l.total, t);
    add("counted", l.counted, t);
    add("fast", l.fast, t);
    add("slow", l.slow, t);
    add("median", l.median, t);
    add("weights", l.weights, f, m, n);
    add("covariance", l.covariance, f, n, n);
    add("mix_weights", l.mix_weights, m, l.mixing());
    add("regret", l.regret, m, l.mixing());
    add("squares", l.squares, m, l.mixing());
    add("error", l.error, m);
    add("errors", l.errors, m);
    add("most", l.most, m, 3);
    add("residuals", l.residuals, m, lethe::kept_residuals);
    add("residual_counts", l.residual_counts, m);
    add("scale", l.scale, m);
    add("scaled", l.scaled, m);
    add("active", l.active, n);
    return parts;
  }

 private:
  lethe::ForecastLayout layout_;
  OwnRow memory_;
  lethe::Forecast forecast_;
};

}  // namespace

void bind_forecast(nb::module_& m) {
  m.def("observe", &observe, "values"_a, "mean"_a.noconvert(), "variance"_a.noconvert(),
        "count"_a.noconvert(), "slowest"_a);
  m.def("read_numbers", &read_numbers, "event"_a, "names"_a, "bound"_a, "out"_a.noconvert());
  m.def("place", &place, "values"_a, "mean"_a, "variance"_a, "places"_a, "missing"_a,
        "out"_a.noconvert());
  nb::class_<Forecast>(m, "Forecast", "The functions around a model's networks, on one block.")
      .def(nb::init<int64_t, int64_t, int64_t, int64_t, bool, int64_t, int64_t, OwnRow>(),
           "targets"_a, "horizon"_a, "lags"_a, "period"_a, "timed"_a, "places"_a, "networks"_a,
           "block"_a.noconvert())
      .def_static("size", &Forecast::size, "targets"_a, "horizon"_a, "lags"_a, "period"_a,
                  "timed"_a, "places"_a, "networks"_a)
      .def("start", &Forecast::start)
      .def("look", &Forecast::look, "columns"_a, "seconds"_a, "record"_a.noconvert(),
           "x"_a.noconvert())
      .def("answer", &Forecast::answer, "seconds"_a, "outputs"_a, "record"_a.noconvert())
      .def("owe", &Forecast::owe, "record"_a.noconvert())
      .def("bring", &Forecast::bring, "values"_a, "ahead"_a, "record"_a.noconvert())
      .def("settle", &Forecast::settle, "record"_a, "left"_a.noconvert(), "useful"_a.noconvert())
      .def("forget", &Forecast::forget, "feature"_a)
      .def("conclude", &Forecast::conclude, "values"_a, "seconds"_a, "record"_a.noconvert(),
           "left"_a.noconvert(), "useful"_a.noconvert())
      .def("note", &Forecast::note, "values"_a, "seconds"_a)
      .def("parts", &Forecast::parts, "of_record"_a);
}
