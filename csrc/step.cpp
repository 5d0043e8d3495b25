#include "step.h"

#include <algorithm>
#include <vector>

#include "checks.h"
#include "dispatch.h"

namespace carrousel {
namespace {

template <class T>
bool fits(const View& view, std::initializer_list<Index> shape) {
  return view.is(kKind<T>, shape) && view.dense();
}

// Whether what may be absent fits where it is wanted, and is absent where it is not.
template <class T>
bool fits_if(bool wanted, nb::handle tensor, const View& view, std::initializer_list<Index> shape) {
  return wanted ? fits<T>(view, shape) : tensor.is_none();
}

// Fills in the weights of a layer: `count` tensors from the `first` on.
template <class T>
bool read_weights(Layer<T>& p, const nb::list& given, std::size_t first, std::size_t count) {
  const Index rows = traits(p.cell).gates * p.hidden;
  const View w_ih(given[first]), w_hh(given[first + 1]);
  if (!fits<T>(w_ih, {rows, p.input}) || !fits<T>(w_hh, {rows, p.hidden})) return false;
  p.w_ih = w_ih.data<const T>();
  p.w_hh = w_hh.data<const T>();
  if (count == 2) return true;
  const View b_ih(given[first + 2]), b_hh(given[first + 3]);
  p.b_ih = b_ih.data<const T>();
  p.b_hh = b_hh.data<const T>();
  return fits<T>(b_ih, {rows}) && fits<T>(b_hh, {rows});
}

template <class T>
void set_size(Layer<T>& p, int cell, Index batch, Index inputs, Index hidden) {
  p.cell = static_cast<Cell>(cell);
  p.steps = {1, batch, nullptr};
  p.input = inputs;
  p.hidden = hidden;
}

template <class T>
void run(const std::vector<Forward<T>>& layers, int threads) {
  for (const Forward<T>& p : layers) check(p, p.steps.batch);
  nb::gil_scoped_release release;
  for (const Forward<T>& p : layers) forward(p, threads);
}

// One step of `h0.size(0)` layers, one on the other: `read` finds the weights of the l-th, or fails.
template <class T, class Read, class Run>
nb::object step_of_layers(int cell, bool batch_first, const View& x, nb::handle h0, nb::handle c0,
                          Index inputs, Index hidden, const Read& read, const Run& run) {
  const bool has_cell = traits(static_cast<Cell>(cell)).cell;
  const View h(h0), c(c0);
  if (h.dims() != 3 || x.dims() != 3 || x.size(batch_first ? 1 : 0) != 1) return nb::none();
  const Index batch = x.size(batch_first ? 0 : 1), count = h.size(0);
  if (x.size(2) != inputs || !x.dense() || !fits<T>(h, {count, batch, hidden})) return nb::none();
  if (!fits_if<T>(has_cell, c0, c, {count, batch, hidden})) return nb::none();
  std::vector<Forward<T>> layers(static_cast<std::size_t>(count));
  for (std::size_t l = 0; l < layers.size(); ++l) {
    set_size(layers[l], cell, batch, l == 0 ? inputs : hidden, hidden);
    if (!read(layers[l], l)) return nb::none();
  }
  const auto y = count == 1 ? Fresh<T>::like(h0) : Fresh<T>::like(h0, {1, batch, hidden});
  const auto h_n = Fresh<T>::like(h0), c_n = has_cell ? Fresh<T>::like(h0) : Fresh<T>{nb::none()};
  const T* input = x.data<const T>();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    Forward<T>& p = layers[l];
    const Index part = static_cast<Index>(l) * batch * hidden;
    p.x = {input, 0, p.input};
    p.y = {y.data, 0, hidden};  // of every layer: the last one stays
    p.h0 = h.data<const T>() + part;
    input = p.h_n = h_n.data + part;  // which the layer above reads
    if (has_cell) p.c0 = c.data<const T>() + part, p.c_n = c_n.data + part;
  }
  run(layers);
  return nb::make_tuple(y.tensor, h_n.tensor, c_n.tensor);
}

template <class T>
nb::object step_of_cell(int cell, int threads, const View& x, nb::handle x_tensor, nb::handle h0,
                        nb::handle c0, const nb::list& weights, Index inputs, Index hidden, bool record) {
  const Traits has = traits(static_cast<Cell>(cell));
  const View h(h0), c(c0);
  if (x.dims() != 2 || (weights.size() != 2 && weights.size() != 4)) return nb::none();
  const Index batch = x.size(0);
  if (!fits<T>(x, {batch, inputs}) || !fits<T>(h, {batch, hidden})) return nb::none();
  if (!fits_if<T>(has.cell, c0, c, {batch, hidden})) return nb::none();
  Forward<T> p{};
  set_size(p, cell, batch, inputs, hidden);
  if (!read_weights(p, weights, 0, weights.size())) return nb::none();
  const Fresh<T> none{nb::none()};
  const auto y = Fresh<T>::like(h0), c_n = has.cell ? Fresh<T>::like(h0) : none;
  const auto cells = record && has.cell ? Fresh<T>::like(h0) : none;
  const auto saved = record && has.saved ? Fresh<T>::like(x_tensor, {batch, has.saved * hidden}) : none;
  p.x = {x.data<const T>(), 0, inputs};
  p.y = {y.data, 0, hidden};
  p.h0 = h.data<const T>();
  p.c0 = has.cell ? c.data<const T>() : nullptr;
  p.c_n = c_n.data;
  p.saved = saved.data;
  p.cells = cells.data;
  run<T>({p}, threads);
  return nb::make_tuple(y.tensor, c_n.tensor, saved.tensor, cells.tensor);
}

// What a kernel starts from: the gradient of a state, as it is or zero, in new memory.
template <class T>
bool fill_start(const Fresh<T>& start, nb::handle grad, Index batch, Index hidden) {
  if (grad.is_none()) {
    std::fill_n(start.data, batch * hidden, T(0));
    return true;
  }
  const View from(grad);
  if (!from.is(kKind<T>, {batch, hidden})) return false;
  for (Index b = 0; b < batch; ++b) {
    const T* const row = from.data<const T>() + b * from.stride(0);
    for (Index i = 0; i < hidden; ++i) start.data[b * hidden + i] = row[i * from.stride(1)];
  }
  return true;
}

template <class T>
nb::object gradients_of_cell(int cell, int threads, const View& x, nb::handle x_tensor, nb::handle h0,
                             nb::handle c0, nb::handle y, nb::handle saved, nb::handle cells, nb::handle dy,
                             nb::handle dc, const nb::list& weights, bool need_x, bool need_weights) {
  const Traits has = traits(static_cast<Cell>(cell));
  const View h(h0), c(c0), gates(saved), c_after(cells), h_after(y);
  if (x.dims() != 2 || h.dims() != 2 || (weights.size() != 2 && weights.size() != 4)) return nb::none();
  const Index batch = x.size(0), inputs = x.size(1), hidden = h.size(1);
  const auto state = {batch, hidden};
  if (!x.dense() || !fits<T>(h, state)) return nb::none();
  if (!fits_if<T>(has.cell, c0, c, state) || !fits_if<T>(has.cell, cells, c_after, state)) return nb::none();
  if (!fits_if<T>(!has.saved, y, h_after, state)) return nb::none();
  if (!fits_if<T>(has.saved, saved, gates, {batch, has.saved * hidden})) return nb::none();
  Backward<T> p{};
  set_size(p, cell, batch, inputs, hidden);
  if (!read_weights(p, weights, 0, weights.size())) return nb::none();
  const Fresh<T> none{nb::none()};
  const auto dh0 = Fresh<T>::like(h0), dc0 = has.cell ? Fresh<T>::like(h0) : none;
  if (!fill_start(dh0, dy, batch, hidden)) return nb::none();
  if (has.cell && !fill_start(dc0, dc, batch, hidden)) return nb::none();
  const auto dx = need_x ? Fresh<T>::like(x_tensor) : none;
  nb::list dweights;
  T** const places[] = {&p.dw_ih, &p.dw_hh, &p.db_ih, &p.db_hh};
  for (std::size_t i = 0; need_weights && i < weights.size(); ++i) {
    const auto made = Fresh<T>::like(weights[i]);
    *places[i] = made.data;
    dweights.append(made.tensor);
  }
  p.x = {x.data<const T>(), 0, inputs};
  p.h0 = h.data<const T>();
  p.c0 = has.cell ? c.data<const T>() : nullptr;
  // Only a cell that saves no gates is derived by its output; elsewhere some address must stand for it.
  p.y = {(has.saved ? h : h_after).template data<const T>(), 0, hidden};
  p.saved = has.saved ? gates.data<const T>() : nullptr;
  p.cells = has.cell ? c_after.data<const T>() : nullptr;
  p.dx = {dx.data, 0, inputs};
  p.dh0 = dh0.data;
  p.dc0 = dc0.data;
  check(p, batch);
  {
    nb::gil_scoped_release release;
    backward(p, threads);
  }
  return nb::make_tuple(dx.tensor, dh0.tensor, dc0.tensor, dweights);
}

// `run` of a value of x's dtype; None where x has no dtype that the kernels know.
template <class F>
nb::object by_dtype(int cell, const View& x, const F& run) {
  constexpr int plain = static_cast<int>(Cell::lstm_norm);  // those without layer normalization
  require(cell >= 0 && cell < plain, "mode must be 0 to 3, not ", cell);
  if (x.kind() == Kind::f32) return run(0.0F);
  if (x.kind() == Kind::f64) return run(0.0);
  return nb::none();
}

}  // namespace

nb::object layers_step(int cell, int threads, bool batch_first, nb::handle x, nb::handle h0, nb::handle c0,
                       const nb::list& weights, Index inputs, Index hidden) {
  const View view(x), h(h0);
  const std::size_t count = h.dims() == 3 ? static_cast<std::size_t>(h.size(0)) : 0;
  const std::size_t per = count > 0 ? weights.size() / count : 0;
  return by_dtype(cell, view, [&](auto zero) -> nb::object {
    using T = decltype(zero);
    if ((per != 2 && per != 4) || per * count != weights.size()) return nb::none();
    return step_of_layers<T>(
        cell, batch_first, view, h0, c0, inputs, hidden,
        [&](Forward<T>& p, std::size_t l) { return read_weights(p, weights, l * per, per); },
        [&](const std::vector<Forward<T>>& layers) { run(layers, threads); });
  });
}

nb::object quantized_step(int cell, int threads, bool batch_first, nb::handle x, nb::handle h0, nb::handle c0,
                          const std::vector<Words>& packed, Index inputs, Index hidden) {
  const View view(x), h(h0);
  const bool known = view.kind() == Kind::f32 && cell >= 0 && cell < kPlainCells;
  if (!known || view.dims() != 3 || h.dims() != 3 || h.size(0) != static_cast<Index>(packed.size())) {
    return nb::none();
  }
  const auto at = [&](std::size_t l) { return reinterpret_cast<const std::int32_t*>(packed[l].first); };
  const auto fit = [&](const Forward<float>& p, std::size_t l) {
    ToPack size{};  // without a place: how many words a layer of this size takes
    size.cell = p.cell;
    size.input = p.input;
    size.hidden = p.hidden;
    return packed[l].second == isa().quantized.pack(size);
  };
  const auto run = [&](const std::vector<Forward<float>>& layers) {
    for (std::size_t l = 0; l < layers.size(); ++l) check(layers[l], at(l), layers[l].steps.batch);
    nb::gil_scoped_release release;
    for (std::size_t l = 0; l < layers.size(); ++l) isa().quantized.forward(layers[l], at(l), threads);
  };
  return step_of_layers<float>(cell, batch_first, view, h0, c0, inputs, hidden, fit, run);
}

nb::object cell_step(int cell, int threads, nb::handle x, nb::handle h0, nb::handle c0,
                     const nb::list& weights, Index inputs, Index hidden, bool record) {
  const View view(x);
  return by_dtype(cell, view, [&](auto zero) {
    return step_of_cell<decltype(zero)>(cell, threads, view, x, h0, c0, weights, inputs, hidden, record);
  });
}

nb::object cell_gradients(int cell, int threads, nb::handle x, nb::handle h0, nb::handle c0, nb::handle y,
                          nb::handle saved, nb::handle cells, nb::handle dy, nb::handle dc,
                          const nb::list& weights, bool need_x, bool need_weights) {
  const View view(x);
  return by_dtype(cell, view, [&](auto zero) {
    return gradients_of_cell<decltype(zero)>(cell, threads, view, x, h0, c0, y, saved, cells, dy, dc, weights,
                                             need_x, need_weights);
  });
}

}  // namespace carrousel
