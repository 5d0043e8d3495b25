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

template <class T>
inline Spread<T> spread(const T* x, Index n, T epsilon) {
  V<T> sum[2] = {};
  Index i = 0;
  for (; i + 2 * W<T> <= n; i += 2 * W<T>) {
    sum[0] += load(x + i);
    sum[1] += load(x + i + W<T>);
  }
  for (; i < n; i += W<T>) sum[0] += load(x + i, n - i);
  const T mean = across<T>(sum[0] + sum[1])[0] / static_cast<T>(n);
  V<T> square[2] = {};
  for (i = 0; i + 2 * W<T> <= n; i += 2 * W<T>) {
    const V<T> a = load(x + i) - fill(mean), b = load(x + i + W<T>) - fill(mean);
    square[0] += a * a;
    square[1] += b * b;
  }
  for (; i < n; i += W<T>) {
    V<T> a = load(x + i, n - i) - fill(mean);
    if (i + W<T> > n) {  // lanes past the end are none of the values
      T lanes[W<T>] = {};
      store(lanes, a, n - i);
      a = load(lanes);
    }
    square[0] += a * a;
  }
  const T variance = across<T>(square[0] + square[1])[0] / static_cast<T>(n);
  return {mean, static_cast<T>(1 / ::sqrt(static_cast<double>(variance + epsilon)))};
}

// out = gain * (x - mean) * scale + what `out` holds, or + bias (null: nothing).
template <class T>
inline void normalize(const T* x, Index n, const T* gain, const T* bias, bool add, T epsilon, T* out) {
  const Spread<T> of = spread(x, n, epsilon);
  for (Index i = 0; i < n; i += W<T>) {
    V<T> y = load(gain + i, n - i) * ((load(x + i, n - i) - fill(of.mean)) * fill(of.scale));
    if (bias) y += load(bias + i, n - i);
    if (add) y += load(out + i, n - i);
    store(out + i, y, n - i);
  }
}

// From d = dL/d(gain * hat + bias), with hat = (x - mean) * scale, to dL/dx; adds d * hat to dgain and
// d to dbias: dx = scale * (e - mean(e) - hat * mean(e * hat)), e = d * gain.
template <class T>
inline void normalize_back(const T* d, const T* x, Index n, const T* gain, T epsilon, T* dgain, T* dbias,
                           T* dx) {
  const Spread<T> of = spread(x, n, epsilon);
  V<T> sum{}, product{};
  for (Index i = 0; i < n; i += W<T>) {
    const V<T> hat = (load(x + i, n - i) - fill(of.mean)) * fill(of.scale), own = load(d + i, n - i);
    const V<T> by_hat = own * hat, e_gain = load(gain + i, n - i);
    sum += own * e_gain;
    product += by_hat * e_gain;
    store(dgain + i, load(dgain + i, n - i) + by_hat, n - i);
    store(dbias + i, load(dbias + i, n - i) + own, n - i);
  }
  const T mean = across<T>(sum)[0] / static_cast<T>(n), along = across<T>(product)[0] / static_cast<T>(n);
  for (Index i = 0; i < n; i += W<T>) {
    const V<T> hat = (load(x + i, n - i) - fill(of.mean)) * fill(of.scale);
    const V<T> e = load(d + i, n - i) * load(gain + i, n - i);
    store(dx + i, fill(of.scale) * (e - fill(mean) - hat * fill(along)), n - i);
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
      pass.add(group, m, &factor, 1, pass.begin(group, nullptr, acc));
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

  // All gates of row r of step t, whose sums are in x and h; `s` receives the saved values.
  void row(Index t, Index r, const T* x, const T* h, const T* h_before, const T* c_before, T* s) const {
    const Index hidden = p.hidden;
    for (int segment = 0; segment < C::segments; ++segment) {
      const Index at = C::first(segment) * hidden, n = (C::last(segment) - C::first(segment)) * hidden;
      const bool candidate = C::apart && segment == 1;  // its two halves stay apart: r comes between
      const T *const gain = p.norm + at, *const bias = p.b_ih ? p.b_ih + at : nullptr;
      normalize(x + at, n, gain, bias, false, p.epsilon, s + at);
      normalize(h + at, n, gain + C::gates * hidden, p.b_hh ? p.b_hh + at : nullptr, !candidate, p.epsilon,
                candidate ? s + 3 * hidden : s + at);
    }
    T* const y = p.y.at(p.steps, t, r);
    T* const cell = !C::cell  ? nullptr
                    : p.cells ? p.cells + (p.steps.begin(t) + r) * hidden
                              : p.c_n + r * hidden;
    for (Index u = 0; u < hidden; u += W<T>) {
      const Index n = hidden - u;
      V<T> v[C::sums], out{};
#pragma GCC unroll 4
      for (int g = 0; g < C::sums; ++g) v[g] = load(s + g * hidden + u, n);
      if constexpr (C::cell) {
        activate<0b0100, T>(v);
        store(cell + u, v[1] * load(c_before + u, n) + v[0] * v[2], n);
      } else {
        C::forward(v, out, load(h_before + u, n), out);
        store(y + u, out, n);
      }
#pragma GCC unroll 4
      for (int g = 0; g < C::sums; ++g) store(s + g * hidden + u, v[g], n);
    }
    if constexpr (C::cell) {
      const T* const gain = cell_gain(p, C::gates);
      normalize(cell, hidden, gain, gain + hidden, false, p.epsilon, y);
      for (Index u = 0; u < hidden; u += W<T>) {
        const V<T> shown = vtanh<T>(load(y + u, hidden - u));
        store(y + u, load(s + 3 * hidden + u, hidden - u) * shown, hidden - u);
      }
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
        for (Index r = pieces.first(i); r < pieces.first(i + 1) && r < rows; ++r, ++next) {
          if (pass.by_units && !me.owns(r)) continue;
          T* const s_row = p.saved ? saved(t, r) : gates + r * C::saved * p.hidden;
          row(t, r, sums_x[next], sums_h[r], h[r], C::cell ? c[r] : nullptr, s_row);
        }
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
  prepare(pass, p.steps.count > 1 && batch < 2 * L::rows, scratch, threads);
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

  // One row's derivatives; dh0 holds what reached h from later steps. `d_row`: of the sums of x, then h.
  static void row(const Pass& pass, Index t, Index r, T* sums, T* room, T* d_row) {
    const Backward<T>& p = pass.p;
    const Index hidden = p.hidden, at = p.steps.begin(t) + r, wide = C::gates * hidden;
    const T* const s = p.saved + at * C::record * hidden;
    T *const d_x = room, *const d_h = C::apart ? room + wide : room;  // of the sums as normalized
    if constexpr (C::cell) lstm(p, pass.before(t), t, r, s, sums, room + wide, d_x);
    else gru(p, t, r, pass.h_before(t, r), s, d_x, d_h);
    const T *const x = s + C::saved * hidden, *const h = x + wide;
    for (int segment = 0; segment < C::segments; ++segment) {
      const Index a = C::first(segment) * hidden, n = (C::last(segment) - C::first(segment)) * hidden;
      const T* const gain = p.norm + a;
      T *const dgain = sums + a, *const dbias = sums + C::norm * hidden + a;
      normalize_back(d_x + a, x + a, n, gain, p.epsilon, dgain, dbias, d_row + a);
      normalize_back(d_h + a, h + a, n, gain + wide, p.epsilon, dgain + wide, dbias + wide, d_row + wide + a);
    }
  }

  static void lstm(const Backward<T>& p, Index earlier, Index t, Index r, const T* s, T* sums, T* room,
                   T* d) {
    const Index hidden = p.hidden, at = p.steps.begin(t) + r;
    const T* const c = p.cells + at * hidden;
    const T* const c_before =
        r < p.steps.rows(earlier) ? p.cells + (p.steps.begin(earlier) + r) * hidden : p.c0 + r * hidden;
    const T *const gain = cell_gain(p, C::gates), *const bias = gain + hidden;
    T *const dh0 = p.dh0 + r * hidden, *const dc0 = p.dc0 + r * hidden;
    T *const shown = room, *const d_cell = room + hidden, *const dgain = sums + 2 * C::gates * hidden;
    const T* const own = p.d_saved ? p.d_saved + at * C::record * hidden : nullptr;
    normalize(c, hidden, gain, bias, false, p.epsilon, shown);
    for (Index u = 0; u < hidden; u += W<T>) {
      const Index n = hidden - u;
      V<T> dh = load(dh0 + u, n);
      if (p.dy.base) dh += load(p.dy.at(p.steps, t, r) + u, n);
      const V<T> one = fill(T(1)), o = load(s + 3 * hidden + u, n), tanh_c = vtanh<T>(load(shown + u, n));
      store(d + 3 * hidden + u, dh * tanh_c * o * (one - o), n);
      store(shown + u, dh * o * (one - tanh_c * tanh_c), n);
      store(dh0 + u, V<T>{}, n);
      if (p.total_dh) store(p.total_dh + at * hidden + u, dh, n);
    }
    normalize_back(shown, c, hidden, gain, p.epsilon, dgain, dgain + hidden, d_cell);
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

  static void gru(const Backward<T>& p, Index t, Index r, const T* h_before, const T* s, T* d_x, T* d_h) {
    const Index hidden = p.hidden, at = p.steps.begin(t) + r;
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
    T* const room = scratch.take<T>(2 * depth + 2 * hidden);
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
        for (Index r = pieces.first(i); r < min(pieces.first(i + 1), now); ++r) {
          row(pass, t, pass.row0 + r, sums, room, d_chunk + r * pass.stride);
        }
      }
      if (pass.by_units) me.sync();
      d_after = d_chunk;
      d_chunk += now * pass.stride;
    }
    return d_after;
  }
};
