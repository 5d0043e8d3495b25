#include "layer.h"

#include <cstring>

#include "checks.h"
#include "dispatch.h"
#include "memory.h"

namespace carrousel {
namespace {

constexpr std::size_t kHuge = std::size_t(4) << 20;  // bytes of an output from which large pages pay

// What a call was given, as far as `is_layer` has not looked at it yet.
struct Call {
  Cell cell;
  Traits has;
  View x, offsets, h0, c0;
  std::vector<View> weights;
  Index directions, batch, hidden, inputs, steps, rows;
  bool fits = false;

  Call(int number, nb::handle x_in, nb::handle offsets_in, nb::handle h0_in, nb::handle c0_in,
       const nb::list& weights_in)
      : cell(static_cast<Cell>(number)), has(traits(cell)) {
    if (has.norm || !is_layer(has.gates, has.cell, x_in, offsets_in, h0_in, c0_in, weights_in)) return;
    x = View(x_in);
    h0 = View(h0_in);
    c0 = View(c0_in);
    offsets = View(offsets_in);
    directions = h0.size(0), batch = h0.size(1), hidden = h0.size(2), inputs = x.size(-1);
    const bool packed = !offsets_in.is_none();
    steps = packed ? offsets.size(0) - 1 : x.size(0);
    rows = packed ? x.size(0) : steps * batch;
    fits = (x.stride(-1) == 1 || inputs == 1) && h0.dense() && (!has.cell || c0.dense()) &&
           (!packed || offsets.dense());
    for (const nb::handle weight : weights_in) {
      weights.emplace_back(weight);
      fits = fits && weights.back().dense();
    }
  }

  bool packed() const { return offsets.dims() == 1; }

  // Whether rows of the output, or what is as wide, lie so that the kernels can read them.
  template <class T>
  bool is_output(const View& view) const {
    const Index wide = directions * hidden;
    const bool right = packed() ? view.is(kKind<T>, {rows, wide}) : view.is(kKind<T>, {steps, batch, wide});
    return right && (view.stride(-1) == 1 || wide == 1);
  }

  // A new output.
  template <class T>
  Fresh<T> output(nb::handle like, Index wide) const {
    return packed() ? Fresh<T>::like(like, {rows, wide}) : Fresh<T>::like(like, {steps, batch, wide});
  }

  template <class T>
  void fill(Layer<T>& p, Index direction) const {
    const Index part = direction * batch * hidden;
    p.cell = cell;
    p.steps = {steps, batch, packed() ? offsets.data<const Index>() : nullptr};
    p.input = inputs;
    p.hidden = hidden;
    p.reverse = direction == 1;
    const std::size_t per = weights.size() / static_cast<std::size_t>(directions);
    const View* const own = weights.data() + per * static_cast<std::size_t>(direction);
    p.w_ih = own[0].data<const T>();
    p.w_hh = own[1].data<const T>();
    p.b_ih = per == 4 ? own[2].data<const T>() : nullptr;
    p.b_hh = per == 4 ? own[3].data<const T>() : nullptr;
    p.h0 = h0.data<const T>() + part;
    p.c0 = has.cell ? c0.data<const T>() + part : nullptr;
    p.x = rows_of<const T>(x, 0);
  }

  template <class T>
  static Rows<T> rows_of(const View& view, Index column) {
    return {view.data<T>() + column, view.dims() == 3 ? view.stride(0) : 0, view.stride(-2)};
  }
};

// Memory of ours as a tensor, and where it lies.
template <class T>
Fresh<T> kept(const std::vector<Index>& shape) {
  Fresh<T> made{kept_tensor(sizeof(T) == 8, shape)};
  made.data = View(made.tensor).template data<T>();
  return made;
}

template <class T>
nb::object forward_of(const Call& call, int threads, nb::handle x, nb::handle h0, bool record) {
  const Index hidden = call.hidden, wide = call.directions * hidden;
  const Fresh<T> none{nb::none()};
  const auto y = call.output<T>(x, wide);
  const std::size_t bytes = static_cast<std::size_t>(call.rows * wide) * sizeof(T);
  if (bytes >= kHuge) prefer_huge_pages(y.data, bytes);
  const auto h_n = Fresh<T>::like(h0), c_n = call.has.cell ? Fresh<T>::like(h0) : none;
  const auto saved =
      record && call.has.saved ? kept<T>({call.directions, call.rows, call.has.saved * hidden}) : none;
  const auto cells = record && call.has.cell ? kept<T>({call.directions, call.rows, hidden}) : none;
  std::vector<Forward<T>> passes(static_cast<std::size_t>(call.directions));
  for (Index d = 0; d < call.directions; ++d) {
    Forward<T>& p = passes[static_cast<std::size_t>(d)];
    call.fill(p, d);
    p.y = {y.data + d * hidden, call.packed() ? 0 : call.batch * wide, wide};
    p.h_n = h_n.data + d * call.batch * hidden;
    if (c_n.data) p.c_n = c_n.data + d * call.batch * hidden;
    if (saved.data) p.saved = saved.data + d * call.rows * call.has.saved * hidden;
    if (cells.data) p.cells = cells.data + d * call.rows * hidden;
    check(p, call.rows);
  }
  {
    nb::gil_scoped_release release;
    for (const Forward<T>& p : passes) forward(p, threads);
  }
  return nb::make_tuple(y.tensor, h_n.tensor, c_n.tensor, saved.tensor, cells.tensor);
}

// The gradient of a final state, or zeros, in new memory, which becomes that of the first.
template <class T>
Fresh<T> start(nb::handle like, nb::handle grad, Index count) {
  auto made = Fresh<T>::like(like);
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
  if (grad.is_none()) std::memset(made.data, 0, bytes);
  else std::memcpy(made.data, View(grad).data<const T>(), bytes);
  return made;
}

template <class T>
nb::object gradients_of(const Call& call, int threads, nb::handle x, nb::handle h0, const nb::list& weights,
                        const nb::tuple& record, const nb::tuple& grads, bool need_x, bool need_weights,
                        const nb::list& watched) {
  const Index D = call.directions, B = call.batch, H = call.hidden, N = call.rows;
  const View y(record[0]), saved(record[1]), cells(record[2]), dy(grads[0]);
  if (!call.is_output<T>(y) || (!grads[0].is_none() && !call.is_output<T>(dy))) return nb::none();
  if (call.has.saved && !(saved.is(kKind<T>, {D, N, call.has.saved * H}) && saved.dense())) return nb::none();
  if (call.has.cell && !(cells.is(kKind<T>, {D, N, H}) && cells.dense())) return nb::none();
  for (std::size_t i = 1; i < 3; ++i) {
    const View final_state(grads[i]);
    if (!grads[i].is_none() && !(final_state.is(kKind<T>, {D, B, H}) && final_state.dense()))
      return nb::none();
  }
  const Fresh<T> none{nb::none()};
  const nb::object dx = need_x ? like(x) : nb::object(nb::none());
  const View at_dx(dx);
  if (need_x && at_dx.stride(-1) != 1 && call.inputs != 1) return nb::none();
  const auto dh0 = start<T>(h0, grads[1], D * B * H);
  const auto dc0 = call.has.cell ? start<T>(h0, grads[2], D * B * H) : none;
  nb::list dweights, totals;
  std::vector<T*> places(weights.size(), nullptr);
  for (std::size_t i = 0; need_weights && i < weights.size(); ++i) {
    const auto made = Fresh<T>::like(weights[i]);
    places[i] = made.data;
    dweights.append(made.tensor);
  }
  const std::size_t per = weights.size() / static_cast<std::size_t>(D);
  std::vector<Backward<T>> passes(static_cast<std::size_t>(D));
  for (Index d = 0; d < D; ++d) {
    const auto at = static_cast<std::size_t>(d);
    Backward<T>& p = passes[at];
    call.fill(p, d);
    p.y = Call::rows_of<const T>(y, d * H);
    if (saved.dims()) p.saved = saved.data<const T>() + d * N * call.has.saved * H;
    if (cells.dims()) p.cells = cells.data<const T>() + d * N * H;
    if (dy.dims()) p.dy = Call::rows_of<const T>(dy, d * H);
    if (need_x) p.dx = Call::rows_of<T>(at_dx, 0);
    p.add_dx = d > 0;
    p.dh0 = dh0.data + d * B * H;
    if (dc0.data) p.dc0 = dc0.data + d * B * H;
    T** const of_weights[] = {&p.dw_ih, &p.dw_hh, &p.db_ih, &p.db_hh};
    for (std::size_t i = 0; i < per; ++i) *of_weights[i] = places[at * per + i];
    if (at < watched.size()) {
      const bool looks = nb::cast<bool>(watched[at]);
      const auto total_dh = looks ? kept<T>({N, H}) : none;
      const auto total_dc = looks && call.has.cell ? kept<T>({N, H}) : none;
      p.total_dh = total_dh.data;
      p.total_dc = total_dc.data;
      totals.append(nb::make_tuple(total_dh.tensor, total_dc.tensor));
    }
    check(p, N);
  }
  {
    nb::gil_scoped_release release;
    for (const Backward<T>& p : passes) backward(p, threads);
  }
  return nb::make_tuple(dx, dh0.tensor, dc0.tensor, dweights, totals);
}

void check_number(int cell) {
  require(cell >= 0 && cell < kCells, "mode must be 0 to ", kCells - 1, ", not ", cell);
}

}  // namespace

nb::object layer_forward(int cell, int threads, nb::handle x, nb::handle offsets, nb::handle h0,
                         nb::handle c0, const nb::list& weights, bool record) {
  check_number(cell);
  const Call call(cell, x, offsets, h0, c0, weights);
  if (!call.fits) return nb::none();
  if (call.x.kind() == Kind::f32) return forward_of<float>(call, threads, x, h0, record);
  return forward_of<double>(call, threads, x, h0, record);
}

nb::object layer_gradients(int cell, int threads, nb::handle x, nb::handle offsets, nb::handle h0,
                           nb::handle c0, const nb::list& weights, const nb::tuple& record,
                           const nb::tuple& grads, bool need_x, bool need_weights, const nb::list& watched) {
  check_number(cell);
  const Call call(cell, x, offsets, h0, c0, weights);
  if (!call.fits) return nb::none();
  if (call.x.kind() == Kind::f32)
    return gradients_of<float>(call, threads, x, h0, weights, record, grads, need_x, need_weights, watched);
  return gradients_of<double>(call, threads, x, h0, weights, record, grads, need_x, need_weights, watched);
}

}  // namespace carrousel
