// The Python face of the kernels. Tensors arrive as addresses: src/carrousel/ops, the only caller, has
// checked their shapes, types and strides and keeps them alive during the call. checks.h looks at what
// is left: sizes, offsets and positions, which a file or a user may hold.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "checks.h"
#include "dispatch.h"
#include "layer.h"
#include "memory.h"
#include "sampling.h"
#include "step.h"
#include "threads.h"

namespace nb = nanobind;
using namespace carrousel;

namespace {

using Address = std::uintptr_t;

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);
}

// Returns the number of rows in memory.
template <class T>
Index fill_layer(Layer<T>& p, const nb::tuple& shape, const nb::tuple& in) {
  p.cell = static_cast<Cell>(nb::cast<int>(shape[0]));
  p.steps = {nb::cast<Index>(shape[1]), nb::cast<Index>(shape[2]),
             at<const Index>(nb::cast<Address>(shape[3]))};
  p.input = nb::cast<Index>(shape[5]);
  p.hidden = nb::cast<Index>(shape[6]);
  p.reverse = nb::cast<bool>(shape[7]);
  p.epsilon = nb::cast<T>(shape[8]);
  const T** const fields[] = {&p.w_ih, &p.w_hh, &p.b_ih, &p.b_hh, &p.norm, &p.h0, &p.c0};
  for (std::size_t i = 0; i < 7; ++i) *fields[i] = at<const T>(nb::cast<Address>(in[i]));
  return nb::cast<Index>(shape[4]);
}

template <class T>
Rows<T> rows(const nb::tuple& place) {
  return {at<T>(nb::cast<Address>(place[0])), nb::cast<Index>(place[1]), nb::cast<Index>(place[2])};
}

template <class T>
void forward_layer(int threads, const nb::tuple& shape, const nb::tuple& in, const nb::tuple& x,
                   const nb::tuple& y, const nb::tuple& out) {
  Forward<T> p{};
  const Index total = fill_layer(p, shape, in);
  p.x = rows<const T>(x);
  p.y = rows<T>(y);
  T** const fields[] = {&p.saved, &p.cells, &p.h_n, &p.c_n};
  for (std::size_t i = 0; i < 4; ++i) *fields[i] = at<T>(nb::cast<Address>(out[i]));
  check(p, total);
  nb::gil_scoped_release release;
  forward(p, threads);
}

template <class T>
void backward_layer(int threads, const nb::tuple& shape, const nb::tuple& in, const nb::tuple& x,
                    const nb::tuple& y, const nb::tuple& dy, const nb::tuple& dx, bool add_dx,
                    const nb::tuple& record, const nb::tuple& out) {
  Backward<T> p{};
  const Index total = fill_layer(p, shape, in);
  p.x = rows<const T>(x);
  p.y = rows<const T>(y);
  p.dy = rows<const T>(dy);
  p.dx = rows<T>(dx);
  p.add_dx = add_dx;
  p.saved = at<const T>(nb::cast<Address>(record[0]));
  p.cells = at<const T>(nb::cast<Address>(record[1]));
  p.d_saved = at<const T>(nb::cast<Address>(record[2]));
  p.d_cells = at<const T>(nb::cast<Address>(record[3]));
  T** const fields[] = {&p.dh0,   &p.dc0,   &p.dw_ih,    &p.dw_hh,   &p.db_ih,
                        &p.db_hh, &p.dnorm, &p.total_dh, &p.total_dc};
  for (std::size_t i = 0; i < 9; ++i) *fields[i] = at<T>(nb::cast<Address>(out[i]));
  check(p, total);
  nb::gil_scoped_release release;
  backward(p, threads);
}

// -> words that the packed weights take; where there is no place for them, nothing else happens.
Index pack_weights(const nb::tuple& shape, const nb::tuple& in, Address out) {
  ToPack p{};
  p.cell = static_cast<Cell>(nb::cast<int>(shape[0]));
  p.input = nb::cast<Index>(shape[1]);
  p.hidden = nb::cast<Index>(shape[2]);
  p.w_ih = at<const std::int8_t>(nb::cast<Address>(in[0]));
  p.w_hh = at<const std::int8_t>(nb::cast<Address>(in[1]));
  const float** const fields[] = {&p.scale_ih, &p.scale_hh, &p.b_ih, &p.b_hh};
  for (std::size_t i = 0; i < 4; ++i) *fields[i] = at<const float>(nb::cast<Address>(in[i + 2]));
  p.packed = at<std::int32_t>(out);
  check(p);
  nb::gil_scoped_release release;
  return isa().quantized.pack(p);
}

void forward_quantized(int threads, const nb::tuple& shape, const nb::tuple& in, const nb::tuple& x,
                       const nb::tuple& y, const nb::tuple& out) {
  Forward<float> p{};
  p.cell = static_cast<Cell>(nb::cast<int>(shape[0]));
  p.steps = {nb::cast<Index>(shape[1]), nb::cast<Index>(shape[2]),
             at<const Index>(nb::cast<Address>(shape[3]))};
  p.input = nb::cast<Index>(shape[5]);
  p.hidden = nb::cast<Index>(shape[6]);
  p.reverse = nb::cast<bool>(shape[7]);
  const auto* const packed = at<const std::int32_t>(nb::cast<Address>(in[0]));
  p.h0 = at<const float>(nb::cast<Address>(in[1]));
  p.c0 = at<const float>(nb::cast<Address>(in[2]));
  p.x = rows<const float>(x);
  p.y = rows<float>(y);
  p.h_n = at<float>(nb::cast<Address>(out[0]));
  p.c_n = at<float>(nb::cast<Address>(out[1]));
  check(p, packed, nb::cast<Index>(shape[4]));
  nb::gil_scoped_release release;
  isa().quantized.forward(p, packed, threads);
}

// Returns the number of rows in memory.
template <class T>
Index fill_recurrence(Recurrence<T>& p, const nb::tuple& shape, const nb::tuple& in) {
  p.rule = static_cast<Rule>(nb::cast<int>(shape[0]));
  p.steps = {nb::cast<Index>(shape[1]), nb::cast<Index>(shape[2]),
             at<const Index>(nb::cast<Address>(shape[3]))};
  p.hidden = nb::cast<Index>(shape[5]);
  p.heads = nb::cast<Index>(shape[6]);
  p.reverse = nb::cast<bool>(shape[7]);
  p.share[0] = nb::cast<T>(shape[8]);
  p.share[1] = nb::cast<T>(shape[9]);
  const T** const fields[] = {&p.sums, &p.weight,  &p.bias_n,  &p.peephole,
                              &p.read, &p.zone[0], &p.zone[1], &p.start};
  for (std::size_t i = 0; i < 8; ++i) *fields[i] = at<const T>(nb::cast<Address>(in[i]));
  return nb::cast<Index>(shape[4]);
}

template <class T>
void recur(const Kernels<T>& kernels, int threads, const nb::tuple& shape, const nb::tuple& in,
           const nb::tuple& y, const nb::tuple& out) {
  RecurrenceForward<T> p{};
  const Index total = fill_recurrence(p, shape, in);
  p.y = rows<T>(y);
  T** const fields[] = {&p.saved, &p.states, &p.last};
  for (std::size_t i = 0; i < 3; ++i) *fields[i] = at<T>(nb::cast<Address>(out[i]));
  check(p, total);
  nb::gil_scoped_release release;
  kernels.recur(p, threads);
}

template <class T>
void recur_back(const Kernels<T>& kernels, int threads, const nb::tuple& shape, const nb::tuple& in,
                const nb::tuple& y, const nb::tuple& dy, const nb::tuple& record, const nb::tuple& out) {
  RecurrenceBackward<T> p{};
  const Index total = fill_recurrence(p, shape, in);
  p.y = rows<const T>(y);
  p.dy = rows<const T>(dy);
  p.saved = at<const T>(nb::cast<Address>(record[0]));
  p.states = at<const T>(nb::cast<Address>(record[1]));
  T** const fields[] = {&p.d, &p.dstart, &p.before, &p.dpeephole, &p.total_dh, &p.total_dc};
  for (std::size_t i = 0; i < 6; ++i) *fields[i] = at<T>(nb::cast<Address>(out[i]));
  check(p, total);
  nb::gil_scoped_release release;
  kernels.recur_back(p, threads);
}

template <class T>
void product(const Kernels<T>& kernels, int threads, const nb::tuple& shape, const nb::tuple& places) {
  Multiply<T> p{};
  Index* const sizes[] = {&p.count,   &p.rows,    &p.columns, &p.depth, &p.a_next,  &p.a_row,
                          &p.a_depth, &p.b_count, &p.b_next,  &p.b_row, &p.out_next};
  for (std::size_t i = 0; i < 11; ++i) *sizes[i] = nb::cast<Index>(shape[i]);
  p.a = at<const T>(nb::cast<Address>(places[0]));
  p.b = at<const T>(nb::cast<Address>(places[1]));
  p.start = at<const T>(nb::cast<Address>(places[2]));
  p.out = at<T>(nb::cast<Address>(places[3]));
  check(p);
  nb::gil_scoped_release release;
  kernels.product(p, threads);
}

template <class T>
void column_sums(const Kernels<T>& kernels, int threads, Index rows, Index columns, Index row, Address in,
                 Address out) {
  require_memory({at<void>(in), at<void>(out)});
  nb::gil_scoped_release release;
  kernels.column_sums(at<const T>(in), rows, columns, row, at<T>(out), threads);
}

template <class T>
void quantile_loss(const Kernels<T>& kernels, int threads, const nb::tuple& shape, const nb::tuple& target,
                   const nb::tuple& in, const nb::tuple& weights, const nb::tuple& out) {
  QuantileLoss<T> p{};
  Index* const sizes[] = {&p.rows, &p.steps, &p.horizon, &p.kinds, &p.side, &p.columns};
  for (std::size_t i = 0; i < 6; ++i) *sizes[i] = nb::cast<Index>(shape[i]);
  const Rows<const T> place = rows<const T>(target);
  p.target = place.base;
  p.target_batch = place.row;
  p.target_step = place.step;
  const T** const fields[] = {&p.out, &p.anchors, &p.origin, &p.scale, &p.size, &p.probability};
  for (std::size_t i = 0; i < 6; ++i) *fields[i] = at<const T>(nb::cast<Address>(in[i]));
  p.age = at<const Index>(nb::cast<Address>(in[6]));
  p.level = at<const T>(nb::cast<Address>(in[7]));
  T* const numbers[] = {&p.limit, &p.median_weight, &p.quantile_weight, &p.relative, &p.resolution};
  for (std::size_t i = 0; i < 5; ++i) *numbers[i] = nb::cast<T>(weights[i]);
  p.loss = at<T>(nb::cast<Address>(out[0]));
  p.grad = at<T>(nb::cast<Address>(out[1]));
  check(p);
  nb::gil_scoped_release release;
  kernels.quantile_loss(p, threads);
}

template <class T>
void add_quantiles(const Kernels<T>& kernels, int threads, const nb::tuple& shape, const nb::tuple& in,
                   double stretch, Address sum) {
  Quantiles<T> p{};
  Index* const sizes[] = {&p.rows, &p.horizon, &p.kinds, &p.side, &p.columns};
  for (std::size_t i = 0; i < 5; ++i) *sizes[i] = nb::cast<Index>(shape[i]);
  p.out = at<const T>(nb::cast<Address>(in[0]));
  p.anchors = at<const T>(nb::cast<Address>(in[1]));
  p.origin = at<const double>(nb::cast<Address>(in[2]));
  p.scale = at<const T>(nb::cast<Address>(in[3]));
  p.stretch = static_cast<T>(stretch);
  p.sum = at<double>(sum);
  check(p);
  nb::gil_scoped_release release;
  kernels.add_quantiles(p, threads);
}

template <class T>
void look(const Kernels<T>& kernels, int threads, const nb::tuple& shape, const nb::tuple& lags,
          const nb::tuple& history, const nb::tuple& usual, const nb::tuple& constants,
          const nb::tuple& out) {
  Look<T> p{};
  Index* const sizes[] = {&p.batch, &p.steps, &p.step, &p.horizon, &p.kinds, &p.first};
  for (std::size_t i = 0; i < 6; ++i) *sizes[i] = nb::cast<Index>(shape[i]);
  const auto seasons = nb::cast<std::vector<Index>>(lags[0]), backs = nb::cast<std::vector<Index>>(lags[1]);
  p.seasons = {seasons.data(), static_cast<Index>(seasons.size())};
  p.backs = {backs.data(), static_cast<Index>(backs.size())};
  p.history = at<const T>(nb::cast<Address>(history[0]));
  p.row = nb::cast<Index>(history[1]);
  p.offset = at<const double>(nb::cast<Address>(history[2]));
  p.relative = nb::cast<double>(usual[0]);
  p.absolute = nb::cast<double>(usual[1]);
  WindowConstants& c = p.constants;
  double* const numbers[] = {&c.floor, &c.still, &c.zero, &c.few, &c.far, &c.ever, &c.least, &c.widest};
  for (std::size_t i = 0; i < 8; ++i) *numbers[i] = nb::cast<double>(constants[i]);
  Index* const counts[] = {&c.recent, &c.seen, &c.seasons};
  for (std::size_t i = 0; i < 3; ++i) *counts[i] = nb::cast<Index>(constants[i + 8]);
  T** const fields[] = {&p.features, &p.anchors, &p.values, &p.mask, &p.level, &p.scale, &p.size, &p.origin};
  for (std::size_t i = 0; i < 8; ++i) *fields[i] = at<T>(nb::cast<Address>(out[i]));
  p.age = at<Index>(nb::cast<Address>(out[8]));
  check(p);
  nb::gil_scoped_release release;
  kernels.look(p, threads);
}

template <class T>
void gather(const Kernels<T>& kernels, int threads, const nb::tuple& shape, const nb::tuple& in, Address out,
            Address offset) {
  Gather<T> p{};
  Index series = 0, values = 0;
  Index* const sizes[] = {&p.batch, &p.history, &p.length, &series, &values};
  for (std::size_t i = 0; i < 5; ++i) *sizes[i] = nb::cast<Index>(shape[i]);
  p.y = at<const T>(nb::cast<Address>(in[0]));
  const Index** const fields[] = {&p.start, &p.stop, &p.series, &p.end};
  for (std::size_t i = 0; i < 4; ++i) *fields[i] = at<const Index>(nb::cast<Address>(in[i + 1]));
  p.out = at<float>(out);
  p.offset = at<double>(offset);
  check(p, series, values);
  nb::gil_scoped_release release;
  kernels.gather(p, threads);
}

void above(int threads, const nb::tuple& shape, const nb::tuple& in, float grid, const nb::tuple& out) {
  Above p{};
  Index rows = 0;
  Index* const sizes[] = {&rows, &p.batch, &p.channels, &p.kernels, &p.dilations, &p.places};
  for (std::size_t i = 0; i < 6; ++i) *sizes[i] = nb::cast<Index>(shape[i]);
  const float** const numbers[] = {&p.rows, &p.chosen, &p.weight, &p.threshold};
  for (std::size_t i = 0; i < 4; ++i) *numbers[i] = at<const float>(nb::cast<Address>(in[i]));
  const Index** const places[] = {&p.offsets, &p.dilation, &p.first};
  for (std::size_t i = 0; i < 3; ++i) *places[i] = at<const Index>(nb::cast<Address>(in[i + 4]));
  p.grid = grid;
  p.counts = at<double>(nb::cast<Address>(out[0]));
  p.sums = at<double>(nb::cast<Address>(out[1]));
  check(p, rows);
  nb::gil_scoped_release release;
  isa().above(p, threads);
}

void draw(Index batch, Index count, const nb::tuple& in, const nb::tuple& out) {
  const auto place = [](const nb::handle& address) { return nb::cast<Address>(address); };
  const Pick p{batch,
               count,
               at<const double>(place(in[0])),
               at<const Index>(place(in[1])),
               at<const Index>(place(in[2])),
               at<const double>(place(in[3])),
               at<Index>(place(out[0])),
               at<Index>(place(out[1]))};
  check(p);
  pick(p);
}

Function function(const std::string& name) {
  if (name == "exp") return Function::exp;
  if (name == "tanh") return Function::tanh;
  if (name == "sigmoid") return Function::sigmoid;
  throw std::invalid_argument("name must be exp, tanh or sigmoid, not '" + name + "'");
}

}  // namespace

NB_MODULE(_core, m) {
  m.def("isa", [] { return std::string(isa().name); });
  m.def("available_isas", available_isas);
  m.def("prefer_huge_pages",
        [](Address memory, std::size_t bytes) { prefer_huge_pages(at<void>(memory), bytes); });
  m.def("use_parallel_for",
        [](Address address) { use_parallel_for(at<std::remove_pointer_t<ParallelFor>>(address)); });
  m.def("use_tensors", use_tensors);
  m.def("kept_tensor", kept_tensor);
  m.def("kept_copy", kept_copy);
  m.def("idle_memory", idle_memory);
  m.def("plain", plain);
  const auto any = nb::arg().none();  // a tensor, or None where it may be absent
  const auto set = nb::arg();
  m.def("is_layer", is_layer, set, set, any, any, any, any, set);
  m.def("layer_forward", layer_forward, set, set, any, any, any, any, set, set);
  m.def("layer_gradients", layer_gradients, set, set, any, any, any, any, set, set, set, set, set, set);
  m.def("layers_step", layers_step, set, set, set, any, any, any, set, set, set);
  m.def("quantized_step", quantized_step, set, set, set, any, any, any, set, set, set);
  m.def("cell_step", cell_step, set, set, any, any, any, set, set, set, set);
  m.def("cell_gradients", cell_gradients, set, set, any, any, any, any, any, any, any, any, set, set, set);
  m.def("forward_f32", forward_layer<float>);
  m.def("forward_f64", forward_layer<double>);
  m.def("backward_f32", backward_layer<float>);
  m.def("backward_f64", backward_layer<double>);
  m.def("product_f32", [](int threads, const nb::tuple& shape, const nb::tuple& places) {
    product(isa().f32, threads, shape, places);
  });
  m.def("product_f64", [](int threads, const nb::tuple& shape, const nb::tuple& places) {
    product(isa().f64, threads, shape, places);
  });
  m.def("column_sums_f32", [](int threads, Index rows, Index columns, Index row, Address in, Address out) {
    column_sums(isa().f32, threads, rows, columns, row, in, out);
  });
  m.def("column_sums_f64", [](int threads, Index rows, Index columns, Index row, Address in, Address out) {
    column_sums(isa().f64, threads, rows, columns, row, in, out);
  });
  m.def("recur_f32", [](int threads, const nb::tuple& shape, const nb::tuple& in, const nb::tuple& y,
                        const nb::tuple& out) { recur(isa().f32, threads, shape, in, y, out); });
  m.def("recur_f64", [](int threads, const nb::tuple& shape, const nb::tuple& in, const nb::tuple& y,
                        const nb::tuple& out) { recur(isa().f64, threads, shape, in, y, out); });
  m.def("recur_back_f32", [](int threads, const nb::tuple& shape, const nb::tuple& in, const nb::tuple& y,
                             const nb::tuple& dy, const nb::tuple& record, const nb::tuple& out) {
    recur_back(isa().f32, threads, shape, in, y, dy, record, out);
  });
  m.def("recur_back_f64", [](int threads, const nb::tuple& shape, const nb::tuple& in, const nb::tuple& y,
                             const nb::tuple& dy, const nb::tuple& record, const nb::tuple& out) {
    recur_back(isa().f64, threads, shape, in, y, dy, record, out);
  });
  m.def("pack_quantized", pack_weights);
  m.def("forward_quantized", forward_quantized);
  m.def("quantile_loss_f32", [](int threads, const nb::tuple& shape, const nb::tuple& target,
                                const nb::tuple& in, const nb::tuple& weights, const nb::tuple& out) {
    quantile_loss(isa().f32, threads, shape, target, in, weights, out);
  });
  m.def("quantile_loss_f64", [](int threads, const nb::tuple& shape, const nb::tuple& target,
                                const nb::tuple& in, const nb::tuple& weights, const nb::tuple& out) {
    quantile_loss(isa().f64, threads, shape, target, in, weights, out);
  });
  m.def("add_quantiles_f32", [](int threads, const nb::tuple& shape, const nb::tuple& in, double stretch,
                                Address sum) { add_quantiles(isa().f32, threads, shape, in, stretch, sum); });
  m.def("add_quantiles_f64", [](int threads, const nb::tuple& shape, const nb::tuple& in, double stretch,
                                Address sum) { add_quantiles(isa().f64, threads, shape, in, stretch, sum); });
  m.def("look_f32", [](int threads, const nb::tuple& shape, const nb::tuple& lags, const nb::tuple& history,
                       const nb::tuple& usual, const nb::tuple& constants, const nb::tuple& out) {
    look(isa().f32, threads, shape, lags, history, usual, constants, out);
  });
  m.def("look_f64", [](int threads, const nb::tuple& shape, const nb::tuple& lags, const nb::tuple& history,
                       const nb::tuple& usual, const nb::tuple& constants, const nb::tuple& out) {
    look(isa().f64, threads, shape, lags, history, usual, constants, out);
  });
  m.def("gather_f32", [](int threads, const nb::tuple& shape, const nb::tuple& in, Address out,
                         Address offset) { gather(isa().f32, threads, shape, in, out, offset); });
  m.def("gather_f64", [](int threads, const nb::tuple& shape, const nb::tuple& in, Address out,
                         Address offset) { gather(isa().f64, threads, shape, in, out, offset); });
  m.def("pick", draw);
  m.def("above", above);
  m.def("elementwise_f32", [](const std::string& name, Index n, Address in, Address out) {
    isa().f32.elementwise(function(name), n, at<const float>(in), at<float>(out));
  });
  m.def("elementwise_f64", [](const std::string& name, Index n, Address in, Address out) {
    isa().f64.elementwise(function(name), n, at<const double>(in), at<double>(out));
  });
}
