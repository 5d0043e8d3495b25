// Layer normalization inside the LSTM and the GRU (Ba et al. 2016): the sums W_ih x and W_hh h are
// normalized over all gates of a row before they meet, the LSTM's cell state before it is shown.
// Nothing of a row's gates is known before all its sums are, so that a step has two phases: products
// by groups, as everywhere, then whole rows. README.md derives the backward pass.
//
// A row of the record: the S = 4 saved values, then the sums W_ih x and W_hh h as they came, G*H each.
// Means and spreads are computed again from them: two passes over what is read anyway.

template <class C>
struct Normalized : C {
  static constexpr bool normalized = true, gru = false;  // d keeps all gates of x, then those of h
  static constexpr bool apart = C::gru;  // the GRU's candidate is normalized on its own
  static constexpr Index record = C::saved + 2 * C::gates;
  static constexpr Index norm = 2 * C::gates + (C::cell ? 2 : 0);  // gains, and the cell state's bias

  // Where what is normalized together begins: gate 0 and, of the GRU, its third.
  static constexpr int segments = apart ? 2 : 1;
  static constexpr Index first(int segment) { return segment == 0 ? 0 : 2; }
  static constexpr Index last(int segment) { return apart && segment == 0 ? 2 : C::gates; }
};

// The sum over the lanes, in every lane.
template <class T, int s = W<T> / 2>
inline V<T> across(V<T> x) {
  if constexpr (s > 0) {
    V<typename Number<T>::integer> which;
#pragma GCC unroll 16
    for (int j = 0; j < W<T>; ++j) which[j] = j ^ s;
    return across<T, s / 2>(x + shuffle<T>(x, x, which));
  }
  return x;
}

template <class T>
struct Spread {
  T mean, scale;  // of the values; 1 / their standard deviation
};

// Rows that are taken together, forward and backward: sums over lanes and roots are long chains, which
// then run beside each other. A row's own arithmetic does not depend on the rows beside it.
constexpr int kLockstep = 3, kLockstepBack = 4;

// Of each of K rows of n values.
template <class T, int K>
inline void spreads(const T* const (&x)[K], Index n, T epsilon, Spread<T> (&of)[K]) {
  V<T> sum[K] = {}, square[K] = {}, mean[K];
  const Index whole = n / W<T> * W<T>;
  for (Index i = 0; i < whole; i += W<T>) {
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) sum[k] += load(x[k] + i);
  }
#pragma GCC unroll 8
  for (int k = 0; k < K; ++k) {
    if (whole < n) sum[k] += load_some(x[k] + whole, n - whole);
    mean[k] = across<T>(sum[k]) / fill(static_cast<T>(n));
  }
  for (Index i = 0; i < whole; i += W<T>) {
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      const V<T> a = load(x[k] + i) - mean[k];
      square[k] += a * a;
    }
  }
#pragma GCC unroll 8
  for (int k = 0; k < K; ++k) {
    if (whole < n) {  // lanes past the end are none of the values
      T lanes[W<T>] = {};
      store_some(lanes, load_some(x[k] + whole, n - whole) - mean[k], n - whole);
      const V<T> a = load(lanes);
      square[k] += a * a;
    }
    const T variance = across<T>(square[k])[0] / static_cast<T>(n);
    of[k] = {mean[k][0], static_cast<T>(1 / ::sqrt(static_cast<double>(variance + epsilon)))};
  }
}

// What is normalized at i: gain * (x - mean) * scale + bias (null: none).
template <class T>
inline V<T> normalized_at(const Spread<T>& of, const T* x, const T* gain, const T* bias, Index i, Index n) {
  const V<T> y = load(gain + i, n - i) * ((load(x + i, n - i) - fill(of.mean)) * fill(of.scale));
  return bias ? y + load(bias + i, n - i) : y;
}

// Of `rows` rows, from d = dL/d(gain * hat + bias), with hat = (x - mean) * scale, to dL/dx; adds d * hat
// to dgain and d to dbias (null: to nothing): dx = scale * (e - mean(e) - hat * mean(e * hat)), e = d * gain.
template <class T, int K>
inline void normalize_back(const T* const* d, const T* const* x, const Spread<T>* of, Index n, const T* gain,
                           T* dgain, T* dbias, T* const* dx) {
  V<T> sum[K] = {}, product[K] = {};
  for (Index i = 0; i < n; i += W<T>) {
    const V<T> by = load(gain + i, n - i);
    V<T> to_gain = load(dgain + i, n - i), to_bias = dbias ? load(dbias + i, n - i) : V<T>{};
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) {
      const V<T> hat = (load(x[k] + i, n - i) - fill(of[k].mean)) * fill(of[k].scale);
      const V<T> own = load(d[k] + i, n - i), by_hat = own * hat;
      sum[k] += own * by;
      product[k] += by_hat * by;
      to_gain += by_hat;
      to_bias += own;
    }
    store(dgain + i, to_gain, n - i);
    if (dbias) store(dbias + i, to_bias, n - i);
  }
#pragma GCC unroll 4
  for (int k = 0; k < K; ++k) {
    const V<T> count = fill(static_cast<T>(n));
    sum[k] = across<T>(sum[k]) / count;
    product[k] = across<T>(product[k]) / count;
  }
  for (Index i = 0; i < n; i += W<T>) {
    const V<T> by = load(gain + i, n - i);
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) {
      const V<T> hat = (load(x[k] + i, n - i) - fill(of[k].mean)) * fill(of[k].scale);
      const V<T> e = load(d[k] + i, n - i) * by;
      store(dx[k] + i, fill(of[k].scale) * (e - sum[k] - hat * product[k]), n - i);
    }
  }
}

// Gains and biases in `norm`: those of W_ih x, of W_hh h, and of the LSTM's cell state gain and bias.
template <class T>
const T* cell_gain(const Layer<T>& p, Index gates) {
  return p.norm + 2 * gates * p.hidden;
}

template <class T, class C>
struct NormalizedForward {
  using L = Layout<T, C>;
  ForwardPass<T, C> pass;  // packs, points and multiplies, without biases
  const Forward<T>& p;
  Index window = 0;            // most rows whose inputs are multiplied before their step
  T* inputs = nullptr;         // (rows of a window, G*H) for each worker who owns rows, without a record
  T *hiddens = nullptr, *gates = nullptr;  // (B, G*H) and (B, S*H), without a record

  T* saved(Index t, Index r) const { return p.saved + (p.steps.begin(t) + r) * C::record * p.hidden; }

  // M rows of one product, groups g0 .. g1, each to its own place.
  void multiply_rows(Index g0, Index g1, Index m, const Product<T>& factor, T* const* out) const {
    alignas(64) T acc[kMaxRows * 4 * W<T>];
    for (Index g = g0; g < g1; ++g) {
      const Group<T, C>& group = pass.groups[g];
      pass.add(group, m, &factor, 1, pass.begin(group, m, nullptr, acc));
      for (Index r = 0; r < m; ++r) {
        for (Index v = 0; v * W<T> < group.units; ++v) {
          const Index u = group.first + v * W<T>;
          for (Index k = 0; k < C::gates; ++k) {
            store(out[r] + k * p.hidden + u, load(acc + group.gate(k, v, r, m)), p.hidden - u);
          }
        }
      }
    }
  }

  // A row of step t: where its sums lie, what it reads, and where its saved values go.
  struct Row {
    Index at;
    const T *x, *h, *h_before, *c_before;
    T* saved;
  };

  // The gates of a row, `of` being the spreads of its sums, those of x and then of h, segment by segment.
  // Out of line, as `show` is: of copies, one a place in the lockstep, the compiler may fuse different
  // products with their sums, and a row's bits would depend on the rows beside it.
  [[gnu::noinline]] void gates_of(const Row& row, Index t, const Spread<T>* of, T* cell) const {
    const Index hidden = p.hidden, wide = C::gates * hidden;
    for (Index u = 0; u < hidden; u += W<T>) {
      const Index n = hidden - u;
      V<T> v[C::sums], out{};
#pragma GCC unroll 4
      for (int g = 0; g < C::gates; ++g) {
        const Index at = g * hidden, segment = C::apart && g == 2;
        const Spread<T>* const own = of + 2 * segment;
        const V<T> a =
            normalized_at(own[0], row.x + at, p.norm + at, p.b_ih ? p.b_ih + at : nullptr, u, hidden);
        const V<T> b =
            normalized_at(own[1], row.h + at, p.norm + wide + at, p.b_hh ? p.b_hh + at : nullptr, u, hidden);
        if (segment) v[2] = a, v[C::sums - 1] = b;  // of the candidate they stay apart: r comes between
        else v[g] = a + b;
      }
      if constexpr (C::cell) {
        activate<0b0100, T>(v);
        store(cell + u, v[1] * load(row.c_before + u, n) + v[0] * v[2], n);
      } else {
        C::forward(v, out, load(row.h_before + u, n), out);
        store(p.y.at(p.steps, t, row.at) + u, out, n);
      }
#pragma GCC unroll 4
      for (int g = 0; g < C::sums; ++g) store(row.saved + g * hidden + u, v[g], n);
    }
  }

  // What a row shows of its new cell state.
  [[gnu::noinline]] void show(const Row& row, Index t, const Spread<T>& of, const T* cell) const {
    const Index hidden = p.hidden;
    const T* const gain = cell_gain(p, C::gates);
    T* const y = p.y.at(p.steps, t, row.at);
    for (Index u = 0; u < hidden; u += W<T>) {
      const V<T> tanh_c = vtanh<T>(normalized_at(of, cell, gain, gain + hidden, u, hidden));
      store(y + u, load(row.saved + 3 * hidden + u, hidden - u) * tanh_c, hidden - u);
    }
  }

  // All that follows the products, for up to kLockstep rows.
  void finish(const Row* rows, Index count, Index t) const {
    const Index hidden = p.hidden;
    Spread<T> of[kLockstep][2 * C::segments];
    for (int segment = 0; segment < C::segments; ++segment) {
      const Index at = C::first(segment) * hidden, n = (C::last(segment) - C::first(segment)) * hidden;
      const T* sums[2 * kLockstep];
      Spread<T> found[2 * kLockstep];
      for (Index k = 0; k < kLockstep; ++k) {  // places without a row take the first once more
        const Row& row = rows[k < count ? k : 0];
        sums[2 * k] = row.x + at;
        sums[2 * k + 1] = row.h + at;
      }
      spreads<T, 2 * kLockstep>(sums, n, p.epsilon, found);
      for (Index k = 0; k < count; ++k) {
        of[k][2 * segment] = found[2 * k];
        of[k][2 * segment + 1] = found[2 * k + 1];
      }
    }
    const T* cells[kLockstep];
    for (Index k = 0; k < kLockstep; ++k) {
      const Row& row = rows[k < count ? k : 0];
      T* const cell = !C::cell  ? nullptr
                      : p.cells ? p.cells + (p.steps.begin(t) + row.at) * hidden
                                : p.c_n + row.at * hidden;
      cells[k] = cell;
      if (k < count) gates_of(row, t, of[k], cell);
    }
    if constexpr (C::cell) {
      Spread<T> shown[kLockstep];
      spreads<T, kLockstep>(cells, hidden, p.epsilon, shown);
      for (Index k = 0; k < count; ++k) show(rows[k], t, shown[k], cells[k]);
    }
  }

  // W_ih x of this worker's rows (or groups of all rows) for the steps from the s-th on that fit the
  // window; `x` and `out` receive where each row lies. Returns the first step that is left.
  Index project(const Worker& me, const Pieces& pieces, Index s, Index g0, Index g1, const T** x, T** out,
                T* room) const {
    Index n = 0;
    for (; s < p.steps.count && n + p.steps.rows(pass.step(s)) <= window; ++s) {
      const Index t = pass.step(s);
      for (Index i = 0; i < pieces.count; ++i) {
        if (!pass.mine(me, i)) continue;
        for (Index r = pieces.first(i); r < pieces.first(i + 1) && r < p.steps.rows(t); ++r, ++n) {
          x[n] = p.x.at(p.steps, t, r);
          out[n] = p.saved ? saved(t, r) + C::saved * p.hidden : room + n * C::gates * p.hidden;
        }
      }
    }
    const Pieces tiles(n, L::rows, 1);
    for (Index g = g0; g < g1; g += pass.span) {
      for (Index i = 0; i < tiles.count; ++i) {
        const Index r0 = tiles.first(i), m = tiles.first(i + 1) - r0;
        multiply_rows(g, min(g + pass.span, g1), m, pass.inputs(x + r0), out + r0);
      }
    }
    return s;
  }

  void run(const Worker& me) const {
    pass.pack(me);
    const Index batch = p.steps.batch, wide = C::gates * p.hidden;
    Scratch own;
    const T** const x = own.take<const T*>(3 * batch + window);
    const T **const h = x + batch, **const c = h + batch, **const all_x = c + batch;
    T** const sums_x = own.take<T*>(window + batch);
    T** const sums_h = sums_x + window;
    const Index g0 = pass.by_units ? me.first(pass.units.groups()) : 0;
    const Index g1 = pass.by_units ? me.last(pass.units.groups()) : pass.units.groups();
    const Pieces pieces(batch, L::rows, pass.by_units ? 1 : pass.workers);
    T* const room = inputs ? inputs + (pass.by_units ? 0 : me.begin * window * wide) : nullptr;
    Index ready = 0, next = 0;
    for (Index s = 0; s < p.steps.count; ++s) {
      const Index t = pass.step(s), rows = p.steps.rows(t);
      if (s == ready) {
        ready = project(me, pieces, s, g0, g1, all_x, sums_x, room);
        next = 0;
      }
      pass.point(t, x, h, c);
      for (Index r = 0; r < rows; ++r) {
        sums_h[r] = p.saved ? saved(t, r) + (C::saved + C::gates) * p.hidden : hiddens + r * wide;
      }
      for (Index k = 0; k * pass.span < g1 - g0; ++k) {
        const Index g = g0 + there_and_back(s, k, g1 - g0, pass.span);
        for (Index i = 0; i < pieces.count; ++i) {
          const Index r0 = pieces.first(i), m = min(pieces.first(i + 1), rows) - r0;
          if (m <= 0 || !pass.mine(me, i)) continue;
          multiply_rows(g, min(g + pass.span, g1), m, pass.hiddens(h + r0), sums_h + r0);
        }
      }
      if (pass.by_units) me.sync();
      for (Index i = 0; i < pieces.count; ++i) {
        if (!pass.mine(me, i)) continue;
        Row together[kLockstep];
        Index count = 0;
        for (Index r = pieces.first(i); r < pieces.first(i + 1) && r < rows; ++r, ++next) {
          if (pass.by_units && !me.owns(r)) continue;
          T* const s_row = p.saved ? saved(t, r) : gates + r * C::saved * p.hidden;
          together[count++] = {r, sums_x[next], sums_h[r], h[r], C::cell ? c[r] : nullptr, s_row};
          if (count == kLockstep) finish(together, count, t), count = 0;
        }
        if (count > 0) finish(together, count, t);
      }
      if (pass.by_units) me.sync();
    }
  }
};

template <class T, class C>
void forward_normalized(const Forward<T>& p, int threads) {
  using L = Layout<T, C>;
  Scratch scratch;
  Forward<T> plain = p;  // biases come after the normalization
  plain.b_ih = plain.b_hh = nullptr;
  NormalizedForward<T, C> all{{plain, Columns{p.hidden, L::widest, W<T>}}, p};
  ForwardPass<T, C>& pass = all.pass;
  const Index batch = p.steps.batch, wide = C::gates * p.hidden;
  prepare(pass, scratch, threads);
  all.window = max(batch, 64);
  if (!p.saved) {
    const Index rooms = pass.by_units ? 1 : min(pass.workers, batch);
    all.inputs = scratch.take<T>(rooms * all.window * wide);
    all.hiddens = scratch.take<T>(batch * wide);
    all.gates = scratch.take<T>(batch * C::saved * p.hidden);
  }
  if constexpr (C::cell) {
    if (!p.cells) std::memcpy(p.c_n, p.c0, static_cast<std::size_t>(batch * p.hidden) * sizeof(T));
  }
  team(pass.workers, [&](const Worker& me) { all.run(me); });
  final_states(p);
}

// Sums over rows that belong to no product: gradients of gains and biases. Rows are dealt out to a
// few places, whatever the workers are, and a place belongs to one worker.
template <class T, class C>
struct NormalizedBackward {
  using Pass = BackwardPass<T, C>;

  // The derivatives of K rows from r on; dh0 holds what reached h from later steps. `d_row`: of the sums
  // of x, then h, of the first. `room`: 2 K rows of gates.
  template <int K>
  static void rows(const Pass& pass, Index t, Index r, T* sums, T* room, T* d_row) {
    const Backward<T>& p = pass.p;
    const Index hidden = p.hidden, wide = C::gates * hidden;
    const T *d_x[K], *d_h[K], *x[2 * K];
    Spread<T> of[2 * K];
    for (int k = 0; k < K; ++k) {
      d_x[k] = room + 2 * k * wide;  // of the sums as normalized
      d_h[k] = C::apart ? d_x[k] + wide : d_x[k];
    }
    if constexpr (C::cell) {
      lstm<K>(p, pass.before(t), t, r, sums + 2 * wide, room);
    } else {
      for (int k = 0; k < K; ++k) gru(p, t, r + k, pass.h_before(t, r + k), room + 2 * k * wide);
    }
    for (int segment = 0; segment < C::segments; ++segment) {
      const Index a = C::first(segment) * hidden, n = (C::last(segment) - C::first(segment)) * hidden;
      const T *own_x[K], *own_h[K];
      T *dx[K], *dh[K];
      for (int k = 0; k < K; ++k) {
        x[k] = p.saved + ((p.steps.begin(t) + r + k) * C::record + C::saved) * hidden + a;
        x[K + k] = x[k] + wide;
        own_x[k] = d_x[k] + a;
        own_h[k] = d_h[k] + a;
        dx[k] = d_row + k * pass.stride + a;
        dh[k] = dx[k] + wide;
      }
      spreads<T, 2 * K>(x, n, p.epsilon, of);
      const T* const gain = p.norm + a;
      T *const dgain = sums + a, *const dbias = sums + C::norm * hidden + a;
      normalize_back<T, K>(own_x, x, of, n, gain, dgain, dbias, dx);
      // Where the derivatives of both sums are one, so are those of both biases: `add_places`.
      normalize_back<T, K>(own_h, x + K, of + K, n, gain + wide, dgain + wide,
                           C::apart ? dbias + wide : nullptr, dh);
    }
  }

  // As many rows as there are.
  static void some_rows(Index count, const Pass& pass, Index t, Index r, T* sums, T* room, T* d_row) {
    switch (count) {
      case 1: return rows<1>(pass, t, r, sums, room, d_row);
      case 2: return rows<2>(pass, t, r, sums, room, d_row);
      case 3: return rows<3>(pass, t, r, sums, room, d_row);
      default: return rows<kLockstepBack>(pass, t, r, sums, room, d_row);
    }
  }

  // The LSTM's, to `room`: row k's begin 2 k rows of gates in.
  template <int K>
  static void lstm(const Backward<T>& p, Index earlier, Index t, Index r, T* dgain, T* room) {
    const Index hidden = p.hidden, at = p.steps.begin(t) + r, step = 2 * C::gates * hidden;
    const T* const gain = cell_gain(p, C::gates);
    const T *c[K], *shown[K];
    T* d_cell[K];
    Spread<T> of[K];
    for (int k = 0; k < K; ++k) {
      c[k] = p.cells + (at + k) * hidden;
      d_cell[k] = room + k * step + C::gates * hidden;
      shown[k] = d_cell[k] + hidden;
    }
    spreads<T, K>(c, hidden, p.epsilon, of);
    for (int k = 0; k < K; ++k) show(p, t, r + k, of[k], room + k * step);
    normalize_back<T, K>(shown, c, of, hidden, gain, dgain, dgain + hidden, d_cell);
    for (int k = 0; k < K; ++k) {
      const T* const before = r + k < p.steps.rows(earlier)
                                  ? p.cells + (p.steps.begin(earlier) + r + k) * hidden
                                  : p.c0 + (r + k) * hidden;
      remember(p, at + k, r + k, before, d_cell[k], room + k * step);
    }
  }

  // The output gate's derivative, and that of the cell state as it is shown, five rows behind `d`.
  static void show(const Backward<T>& p, Index t, Index r, const Spread<T>& of, T* d) {
    const Index hidden = p.hidden, at = p.steps.begin(t) + r;
    const T *const gain = cell_gain(p, C::gates), *const c = p.cells + at * hidden;
    const T* const s = p.saved + at * C::record * hidden;
    T *const dh0 = p.dh0 + r * hidden, *const shown = d + (C::gates + 1) * hidden;
    for (Index u = 0; u < hidden; u += W<T>) {
      const Index n = hidden - u;
      V<T> dh = load(dh0 + u, n);
      if (p.dy.base) dh += load(p.dy.at(p.steps, t, r) + u, n);
      const V<T> one = fill(T(1)), o = load(s + 3 * hidden + u, n);
      const V<T> tanh_c = vtanh<T>(normalized_at(of, c, gain, gain + hidden, u, hidden));
      store(d + 3 * hidden + u, dh * tanh_c * o * (one - o), n);
      store(shown + u, dh * o * (one - tanh_c * tanh_c), n);
      store(dh0 + u, V<T>{}, n);
      if (p.total_dh) store(p.total_dh + at * hidden + u, dh, n);
    }
  }

  // The derivatives of the gates that make the cell state.
  static void remember(const Backward<T>& p, Index at, Index r, const T* c_before, const T* d_cell, T* d) {
    const Index hidden = p.hidden;
    const T* const s = p.saved + at * C::record * hidden;
    const T* const own = p.d_saved ? p.d_saved + at * C::record * hidden : nullptr;
    T* const dc0 = p.dc0 + r * hidden;
    for (Index u = 0; u < hidden; u += W<T>) {
      const Index n = hidden - u;
      V<T> v[4], e[4], put[4], dc = load(dc0 + u, n) + load(d_cell + u, n);
      if (p.d_cells) dc += load(p.d_cells + at * hidden + u, n);
#pragma GCC unroll 4
      for (int g = 0; g < 4; ++g) v[g] = load(s + g * hidden + u, n);
      C::remembering(v, load(c_before + u, n), dc, put);
      put[3] = load(d + 3 * hidden + u, n);
      if (own) {
#pragma GCC unroll 4
        for (int g = 0; g < 4; ++g) e[g] = load(own + g * hidden + u, n);
        C::add(v, e, put);
      }
#pragma GCC unroll 4
      for (int g = 0; g < 4; ++g) store(d + g * hidden + u, put[g], n);
      store(dc0 + u, dc * v[1], n);
      if (p.total_dc) store(p.total_dc + at * hidden + u, dc, n);
    }
  }

  // The GRU's: of the sums of x, and behind them of h.
  static void gru(const Backward<T>& p, Index t, Index r, const T* h_before, T* d_x) {
    const Index hidden = p.hidden, at = p.steps.begin(t) + r;
    const T* const s = p.saved + at * C::record * hidden;
    T* const d_h = d_x + C::gates * hidden;
    const T* const own = p.d_saved ? p.d_saved + at * C::record * hidden : nullptr;
    T* const dh0 = p.dh0 + r * hidden;
    for (Index u = 0; u < hidden; u += W<T>) {
      const Index n = hidden - u;
      V<T> dh = load(dh0 + u, n), v[4], e[4], put[4], none{};
      if (p.dy.base) dh += load(p.dy.at(p.steps, t, r) + u, n);
#pragma GCC unroll 4
      for (int g = 0; g < 4; ++g) v[g] = load(s + g * hidden + u, n);
      store(dh0 + u, C::backward(v, none, none, load(h_before + u, n), none, dh, none, none, put), n);
      if (own) {
#pragma GCC unroll 4
        for (int g = 0; g < 4; ++g) e[g] = load(own + g * hidden + u, n);
        C::add(v, e, put);
      }
      store(d_x + u, put[1], n);
      store(d_x + hidden + u, put[2], n);
      store(d_x + 2 * hidden + u, put[0], n);
      store(d_h + u, put[1], n);
      store(d_h + hidden + u, put[2], n);
      store(d_h + 2 * hidden + u, put[3], n);
      if (p.total_dh) store(p.total_dh + at * hidden + u, dh, n);
    }
  }

  // W_hh^T d of the step after, added to dh0 for M rows and groups g0 .. g1.
  static void multiply_rows(const Pass& pass, Index g0, Index g1, Index i0, Index m, const T* d_after) {
    alignas(64) T acc[kMaxRows * 4 * W<T>];
    const T* from[kMaxRows];
    for (Index i = 0; i < m; ++i) from[i] = d_after + (i0 + i) * pass.stride + Pass::hh_column(pass.p.hidden);
    const Index depth = C::gates * pass.p.hidden;
    for (Index g = g0; g < g1; ++g) {
      const auto out = [&](Index i) { return pass.p.dh0 + (pass.row0 + i0 + i) * pass.p.hidden; };
      const int nv = pass.units.width(g);
      Pass::fetch(pass.units, g, m, true, out, acc);
      multiply<T>(static_cast<int>(m), nv, depth, from, 1, pass.w_hh + pass.units.first(g) * W<T> * depth,
                  acc);
      Pass::put(pass.units, g, m, acc, out);
    }
  }

  static const T* recurrence(const Pass& pass, const Worker& me, const typename Pass::Chunk& c,
                             const T* d_after, T* d_chunk) {
    const Backward<T>& p = pass.p;
    const Index hidden = p.hidden, depth = C::gates * hidden, groups = pass.units.groups();
    const Index g0 = pass.by_units ? me.first(groups) : 0, g1 = pass.by_units ? me.last(groups) : groups;
    const Pieces pieces(pass.row1 - pass.row0, Pass::rows_h, 2);  // whatever the workers are
    const auto mine = [&](Index i) { return me.owns(i % pass.places); };
    Scratch scratch;
    T* const room = scratch.take<T>(2 * kLockstepBack * depth);
    const Index span = max(1, min(kSpan, kSpanBytes / (kPanel * W<T> * depth * Index(sizeof(T)))));
    const Index end = c.last == p.steps.count ? c.last + 1 : c.last;
    for (Index s = c.first; s < end; ++s) {
      const Index t = pass.step(s), now = s < p.steps.count ? pass.rows(t) : 0;
      const Index later = s > 0 ? pass.rows(pass.step(s - 1)) : 0;
      if (!pass.w_hh && s == p.steps.count) {
        pass.add_product(pass.units, g0, g1, depth, d_after + Pass::hh_column(hidden), p.w_hh,
                         [&](Index r) { return p.dh0 + r * hidden; });
        break;
      }
      for (Index k = 0; later > 0 && k * span < g1 - g0; ++k) {
        const Index g = g0 + there_and_back(s, k, g1 - g0, span);
        for (Index i = 0; i < pieces.count; ++i) {
          const Index i0 = pieces.first(i), m = min(pieces.first(i + 1), later) - i0;
          if (m <= 0 || !(pass.by_units || mine(i))) continue;
          multiply_rows(pass, g, min(g + span, g1), i0, m, d_after);
        }
      }
      if (s == p.steps.count) break;
      if (pass.by_units) me.sync();
      for (Index i = 0; i < pieces.count; ++i) {
        if (!mine(i)) continue;
        T* const sums = pass.sums + i % pass.places * place_size<C>(hidden);
        const Index end_row = min(pieces.first(i + 1), now);
        for (Index r = pieces.first(i); r < end_row; r += kLockstepBack) {
          some_rows(min(kLockstepBack, end_row - r), pass, t, pass.row0 + r, sums, room,
                    d_chunk + r * pass.stride);
        }
      }
      if (pass.by_units) me.sync();
      d_after = d_chunk;
      d_chunk += now * pass.stride;
    }
    return d_after;
  }
};
