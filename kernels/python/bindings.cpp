// The kernels for Python: this folder's files are the only ones to know it.
#include "core.hpp"

// In signatures for Python's type checkers; those of both dtypes are one, so that a union of the
// two classes can be called.
#define ARRAY "numpy.typing.NDArray[numpy.floating]"
#define INTEGERS "numpy.typing.NDArray[numpy.int64]"
#define FLAGS "numpy.typing.NDArray[numpy.bool_]"

namespace {

template <class T>
void bind_core(nb::module_& m, const char* name) {
  using C = Core<T>;
  nb::class_<C>(m, name, "A network's block of memory and the compiled functions on it.")
      .def(nb::init<nb::handle, nb::handle, nb::handle, nb::handle>(), "topology"_a, "update"_a,
           "cell_input"_a, "cell_output"_a)
      .def(nb::init<nb::handle, nb::handle, nb::handle, nb::handle, Bytes>(), "topology"_a,
           "update"_a, "cell_input"_a, "cell_output"_a, "memory"_a.noconvert())
      .def_static("from_block", &C::from_block, "topology"_a, "update"_a, "cell_input"_a,
                  "cell_output"_a, "block"_a.noconvert())
      .def("step", &C::step_symbol, "x"_a, "learn"_a, "outputs"_a,
           nb::sig("def step(self, x: int, learn: bool, outputs: " ARRAY ") -> " ARRAY))
      .def("step", nb::overload_cast<Row<T>, bool, nb::handle>(&C::step), "x"_a, "learn"_a,
           "outputs"_a,
           nb::sig("def step(self, x: " ARRAY ", learn: bool, outputs: " ARRAY ") -> " ARRAY))
      .def("peek", &C::peek, "x"_a.none(), "symbol"_a, "y"_a.noconvert(),
           nb::sig("def peek(self, x: " ARRAY " | None, symbol: int, y: " ARRAY ") -> None"))
      .def("learn", &C::learn_class, "target"_a)
      .def("learn", nb::overload_cast<Row<T>, bool>(&C::learn), "target"_a, "is_error"_a = false,
           nb::sig("def learn(self, target: " ARRAY ", is_error: bool = False) -> None"))
      .def("run", &C::run, "inputs"_a.none(), "symbols"_a.none(), "targets"_a.none(),
           "classes"_a.none(), "target_table"_a.none(), "has_target"_a.none(), "starts"_a.none(),
           "reset_at_starts"_a, "learn"_a, "stop_bound"_a, "stop_learns"_a, "records"_a,
           nb::sig("def run(self, inputs: " ARRAY " | None, symbols: " INTEGERS " | None, "
                   "targets: " ARRAY " | None, classes: " INTEGERS " | None, "
                   "target_table: " ARRAY " | None, has_target: " FLAGS " | None, "
                   "starts: " FLAGS " | None, reset_at_starts: bool, learn: bool, "
                   "stop_bound: float, stop_learns: bool, records: dict[str, " ARRAY "]) "
                   "-> tuple[bool, int]"))
      .def("complete_step", &C::complete_step)
      .def("reset", &C::reset)
      .def("reset_partials", &C::reset_partials)
      .def("start_sequence", &C::start_sequence, "reset"_a)
      .def("snapshot_due", &C::snapshot_due)
      .def("snapshot", &C::snapshot)
      .def(
          "array",
          [](nb::handle_t<C> self, const std::string& part, int layer) {
            return nb::cast<C&>(self).array(self, part, layer);
          },
          "name"_a, "layer"_a, nb::sig("def array(self, name: str, layer: int) -> " ARRAY))
      .def("save", &C::save)
      .def_prop_rw("rate", &C::rate, &C::set_rate)
      .def_prop_ro("steps", &C::steps)
      .def_prop_ro("updates", &C::updates);
}

template <class T>
void exponential(nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu> x,
                 nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu> y) {
  if (x.shape(0) != y.shape(0)) value_error("x and y must have the same length");
  lethe::exponential(x.data(), y.data(), static_cast<int64_t>(x.shape(0)));
}

}  // namespace

void bind_distribution(nb::module_& m);   // distribution.cpp
void bind_events(nb::module_& m);         // events.cpp
void bind_number_stream(nb::module_& m);  // number_stream.cpp
void bind_class_stream(nb::module_& m);   // class_stream.cpp

NB_MODULE(_kernel, m) {
  m.doc() = "The compiled time step.";
  // Arrays that the kernels hand out would be released in the main interpreter, for whose lock a
  // sub-interpreter waits for ever.
  if (PyInterpreterState_Get() != PyInterpreterState_Main())
    throw std::runtime_error(  // which becomes an ImportError
        "lethe must be imported in the main interpreter, not in a sub-interpreter; use a process");
  bind_core<float>(m, "Core32");
  bind_core<double>(m, "Core64");
  m.def("instruction_set", &lethe::instruction_set);
  m.def("available_instruction_sets", &lethe::available_instruction_sets);
  m.def(
      "set_not_finite_error",
      [](nb::object type) {
        Core<float>::not_finite_error() = type;
        Core<double>::not_finite_error() = type;
      },
      "type"_a, nb::sig("def set_not_finite_error(type: type[FloatingPointError]) -> None"));
  m.def("exponential", &exponential<float>, "x"_a, "y"_a.noconvert());
  m.def("exponential", &exponential<double>, "x"_a, "y"_a.noconvert());
  bind_distribution(m);
  bind_events(m);
  bind_number_stream(m);
  bind_class_stream(m);
}
