// Backward through time, in chunks of steps. In each chunk, two phases with all workers between
// them: the recurrence (dh_{t-1} = W_hh^T d_t in the tile, the gates' derivatives right after it)
// leaves the pre-activation gradients d of the chunk in cache; then dW += d^T [x, h] and
// dx = d W_ih read them from there. Nothing of size N x G*H is ever allocated.
//
// Weight gradients are split over workers by their rows and summed over time in one order, so that
// the number of workers changes no bit.

template <class T, class C>
struct BackwardPass {
  static constexpr Index kept = C::saved > 0 ? C::saved : 1;     // gradients per unit in a row of d
  static constexpr int rows_h = tile_rows(kPanel);
  const Backward<T>& p;
  Columns units, inputs;
  int workers = 1;
  bool by_units = false;
  Index chunk_rows = 0;                  // most rows of d in a chunk
  Index stride = 0;                      // of d: odd in cache lines, and past the end by a tile
  T *w_hh = nullptr, *w_ih = nullptr;    // packed: depth G*H
  T* d[2] = {};                          // d of this chunk and of the one before
  T *features_h = nullptr, *features_x = nullptr;  // panels of h_{t-1} and x: the chunk's rows

  static constexpr Index hh_column(Index hidden) { return C::gru ? hidden : 0; }
  // Row of W_ih that belongs to column k of d: d keeps the GRU's n before r and z.
  static Index ih_row(Index k, Index hidden) {
    return !C::gru ? k : k < hidden ? 2 * hidden + k : k - hidden;
  }

  // In running direction of the forward pass.
  Index before(Index t) const { return p.reverse ? t + 1 : t - 1; }
  Index after(Index t) const { return p.reverse ? t - 1 : t + 1; }
  Index step(Index s) const { return p.reverse ? s : p.steps.count - 1 - s; }

  const T* h_before(Index t, Index r) const {
    return r < p.steps.rows(before(t)) ? p.y.at(p.steps, before(t), r) : p.h0 + r * p.hidden;
  }

  // Rows of a (depth x columns) matrix -> depth x panel, columns past the end as zeros.
  template <class Row>
  static void pack(const Columns& columns, Index group, Index first, Index last, Index depth,
                   T* packed, const Row& row) {
    const int nv = columns.width(group);
    const Index column0 = columns.first(group) * W<T>;
    packed += column0 * depth;
    for (Index k = first; k < last; ++k) {
      const T* const in = row(k) + column0;
      for (int v = 0; v < nv; ++v) {
        store(packed + (k * nv + v) * W<T>, load(in + v * W<T>, columns.count - column0 - v * W<T>));
      }
    }
  }

  void pack_weights(const Worker& me) const {
    const Index depth = C::gates * p.hidden;
    for (Index g = me.first(units.groups()); g < me.last(units.groups()); ++g) {
      pack(units, g, 0, depth, depth, w_hh, [&](Index k) { return p.w_hh + k * p.hidden; });
    }
    if (!p.dx.base) return;
    for (Index g = me.first(inputs.groups()); g < me.last(inputs.groups()); ++g) {
      pack(inputs, g, 0, depth, depth, w_ih,
           [&](Index k) { return p.w_ih + ih_row(k, p.hidden) * p.input; });
    }
  }

  struct Chunk {
    Index first, last;  // in running order of this pass
    Index rows;
  };

  Chunk chunk(Index s) const {
    Chunk c{s, s, 0};
    while (c.last < p.steps.count) {
      const Index rows = p.steps.rows(step(c.last));
      if (c.last > s && c.rows + rows > chunk_rows) break;
      c.rows += rows;
      ++c.last;
    }
    return c;
  }

  void pack_features(const Worker& me, const Chunk& c) const {
    Index row = 0;
    for (Index s = c.first; s < c.last; ++s) {
      const Index t = step(s), n = p.steps.rows(t);
      const Index first = me.first(n), last = me.last(n);
      for (Index g = 0; g < units.groups(); ++g) {
        pack(units, g, row + first, row + last, c.rows, features_h,
             [&](Index k) { return h_before(t, k - row); });
      }
      for (Index g = 0; g < inputs.groups(); ++g) {
        pack(inputs, g, row + first, row + last, c.rows, features_x,
             [&](Index k) { return p.x.at(p.steps, t, k - row); });
      }
      row += n;
    }
  }

  // dh of M rows, one group: W_hh^T d of the step after (rows that it has), plus what is carried.
  void product(Index group, Index m, const T* const* d_after, T* acc) const {
    const int nv = units.width(group);
    for (Index i = 0; i < m * nv; ++i) store(acc + i * W<T>, V<T>{});
    const Index depth = C::gates * p.hidden;
    multiply<T>(static_cast<int>(m), nv, depth, d_after, 1,
                w_hh + units.first(group) * W<T> * depth, acc);
  }

  // Derivatives of the gates for one row and one vector of units.
  void gates(Index t, Index r, Index u, V<T> dh, T* d_row) const {
    const Index n = p.hidden - u, row = p.steps.begin(t) + r, at = r * p.hidden + u;
    if (p.dy.base) dh += load(p.dy.at(p.steps, t, r) + u, n);
    V<T> s[kept], d_out[kept], c{}, c_before{}, h_prev{}, h{}, dc{}, total_dc{};
    if constexpr (C::saved > 0) {
#pragma GCC unroll 4
      for (Index g = 0; g < C::saved; ++g) s[g] = load(p.saved + (row * C::saved + g) * p.hidden + u, n);
    } else {
      h = load(p.y.at(p.steps, t, r) + u, n);
    }
    if constexpr (C::gru) h_prev = load(h_before(t, r) + u, n);
    if constexpr (C::cell) {
      const Index earlier = before(t);
      c = load(p.cells + row * p.hidden + u, n);
      c_before = load(r < p.steps.rows(earlier)
                          ? p.cells + (p.steps.begin(earlier) + r) * p.hidden + u
                          : p.c0 + at, n);
      dc = load(p.dc0 + at, n);
    }
    const V<T> carried = C::backward(s, c_before, c, h_prev, h, dh, dc, total_dc, d_out);
#pragma GCC unroll 4
    for (Index g = 0; g < kept; ++g) store(d_row + g * p.hidden + u, d_out[g], n);
    store(p.dh0 + at, carried, n);
    if constexpr (C::cell) store(p.dc0 + at, dc, n);
    if (p.total_dh) store(p.total_dh + row * p.hidden + u, dh, n);
    if (C::cell && p.total_dc) store(p.total_dc + row * p.hidden + u, total_dc, n);
  }

  // One step for rows r0 .. r1 and one group. The step after it in time has been done.
  void block(Index s, Index group, Index r0, Index r1, const T* d_after, T* d_now) const {
    const Index t = step(s), now = s < p.steps.count ? p.steps.rows(t) : 0;
    const Index later = s > 0 ? p.steps.rows(step(s - 1)) : 0;
    const Index m = min(r1, later) - r0;
    const int nv = units.width(group);
    alignas(64) T acc[kMaxRows * 4 * W<T>];
    if (m > 0) {
      const T* rows[kMaxRows];
      for (Index r = 0; r < m; ++r) rows[r] = d_after + (r0 + r) * stride + hh_column(p.hidden);
      product(group, m, rows, acc);
    }
    for (Index r = r0; r < r1 && (r < now || r < later); ++r) {
      for (int v = 0; v < nv; ++v) {
        const Index u = (units.first(group) + v) * W<T>;
        V<T> dh = load(p.dh0 + r * p.hidden + u, p.hidden - u);
        if (r < later) dh += load(acc + ((r - r0) * nv + v) * W<T>);
        if (r < now) gates(t, r, u, dh, d_now + r * stride);
        else store(p.dh0 + r * p.hidden + u, dh, p.hidden - u);
      }
    }
  }

  // Returns where the last step's d begins.
  const T* recurrence(const Worker& me, const Chunk& c, const T* d_after, T* d_chunk) const {
    const Index g0 = by_units ? me.first(units.groups()) : 0;
    const Index g1 = by_units ? me.last(units.groups()) : units.groups();
    const Pieces pieces(p.steps.batch, rows_h, by_units ? 1 : workers);
    const Index end = c.last == p.steps.count ? c.last + 1 : c.last;  // then dh_0 remains
    for (Index s = c.first; s < end; ++s) {
      for (Index g = g0; g < g1; ++g) {
        for (Index i = 0; i < pieces.count; ++i) {
          if (by_units || me.owns(i)) block(s, g, pieces.first(i), pieces.first(i + 1), d_after, d_chunk);
        }
      }
      if (by_units) me.sync();
      if (s == p.steps.count) break;
      d_after = d_chunk;
      d_chunk += p.steps.rows(step(s)) * stride;
    }
    return d_after;
  }

  // dW[row(j)][:] += sum over the chunk of d[:, column + j] * features, for rows j0 .. j1.
  template <class Row>
  void weight_gradient(const Columns& columns, const T* features, const T* d_chunk, Index column,
                       Index j0, Index j1, bool first, const Chunk& c, T* dw, const Row& row) const {
    alignas(64) T acc[kMaxRows * 4 * W<T>];
    for (Index g = 0; g < columns.groups(); ++g) {
      const int nv = columns.width(g);
      const Index column0 = columns.first(g) * W<T>;
      const int most = tile_rows(nv);
      for (Index j = j0; j < j1; j += most) {
        const Index m = min(most, j1 - j);
        const T* from[kMaxRows];
        for (Index i = 0; i < most; ++i) from[i] = d_chunk + column + j + i;
        for (Index i = 0; i < m * nv; ++i) {
          const Index k = column0 + i % nv * W<T>;
          const T* const old = dw + row(j + i / nv) * columns.count + k;
          store(acc + i * W<T>, first ? V<T>{} : load(old, columns.count - k));
        }
        multiply<T>(static_cast<int>(m), nv, c.rows, from, stride, features + column0 * c.rows, acc);
        for (Index i = 0; i < m * nv; ++i) {
          const Index k = column0 + i % nv * W<T>;
          store(dw + row(j + i / nv) * columns.count + k, load(acc + i * W<T>), columns.count - k);
        }
      }
    }
  }

  void bias_gradient(const T* d_chunk, Index column, bool first, const Chunk& c, Index k0, Index k1,
                     T* db, bool input_order) const {
    for (Index k = k0; k < k1; k += W<T>) {
      V<T> sum{};
      for (Index r = 0; r < c.rows; ++r) sum += load(d_chunk + r * stride + column + k);
      for (Index i = 0; i < W<T> && k + i < k1; ++i) {
        T& out = db[input_order ? ih_row(k + i, p.hidden) : k + i];
        out = (first ? T(0) : out) + sum[i];
      }
    }
  }

  void weight_gradients(const Worker& me, const Chunk& c, const T* d_chunk) const {
    const Index rows = C::gates * p.hidden, j0 = me.first(rows), j1 = me.last(rows);
    const Index hh = hh_column(p.hidden);
    const bool first = c.first == 0;
    weight_gradient(inputs, features_x, d_chunk, 0, j0, j1, first, c, p.dw_ih,
                    [&](Index k) { return ih_row(k, p.hidden); });
    weight_gradient(units, features_h, d_chunk, hh, j0, j1, first, c, p.dw_hh,
                    [](Index k) { return k; });
    if (p.db_ih) bias_gradient(d_chunk, 0, first, c, j0, j1, p.db_ih, true);
    if (p.db_hh) bias_gradient(d_chunk, hh, first, c, j0, j1, p.db_hh, false);
  }

  // dx = d W_ih for this worker's share of every step's rows.
  void input_gradient(const Worker& me, const Chunk& c, const T* d_chunk) const {
    const Index depth = C::gates * p.hidden;
    alignas(64) T acc[kMaxRows * 4 * W<T>];
    Index row = 0;
    for (Index s = c.first; s < c.last; ++s) {
      const Index t = step(s), n = p.steps.rows(t);
      for (Index g = 0; g < inputs.groups(); ++g) {
        const int nv = inputs.width(g);
        const Index column0 = inputs.first(g) * W<T>;
        const Pieces tiles(me.last(n) - me.first(n), tile_rows(nv), 1);
        for (Index i = 0; i < tiles.count; ++i) {
          const Index r0 = me.first(n) + tiles.first(i), m = tiles.first(i + 1) - tiles.first(i);
          const T* from[kMaxRows];
          for (Index j = 0; j < m; ++j) {
            from[j] = d_chunk + (row + r0 + j) * stride;
          }
          for (Index j = 0; j < m * nv; ++j) {
            const Index k = column0 + j % nv * W<T>;
            const T* const old = p.dx.at(p.steps, t, r0 + j / nv) + k;
            store(acc + j * W<T>, p.add_dx ? load(old, p.input - k) : V<T>{});
          }
          multiply<T>(static_cast<int>(m), nv, depth, from, 1, w_ih + column0 * depth, acc);
          for (Index j = 0; j < m * nv; ++j) {
            const Index k = column0 + j % nv * W<T>;
            store(p.dx.at(p.steps, t, r0 + j / nv) + k, load(acc + j * W<T>), p.input - k);
          }
        }
      }
      row += n;
    }
  }

  void run(const Worker& me) const {
    pack_weights(me);
    me.sync();
    const T* d_after = nullptr;
    int turn = 0;
    for (Index s = 0; s < p.steps.count; turn ^= 1) {
      const Chunk c = chunk(s);
      if (p.dw_ih) pack_features(me, c);
      d_after = recurrence(me, c, d_after, d[turn]);
      me.sync();
      if (p.dw_ih) weight_gradients(me, c, d[turn]);
      if (p.dx.base) input_gradient(me, c, d[turn]);
      me.sync();
      s = c.last;
    }
  }
};

template <class T, class C>
void backward_cell(const Backward<T>& p, int threads) {
  using Pass = BackwardPass<T, C>;
  constexpr Index line = 64 / sizeof(T);
  Scratch scratch;
  Pass pass{p, Columns{p.hidden, kPanel, W<T>}, Columns{p.input, kPanel, W<T>}};
  const Index depth = C::gates * p.hidden;
  const Index width_h = pass.units.vectors() * W<T>, width_x = pass.inputs.vectors() * W<T>;
  pass.workers = useful_workers(p.steps, depth * (2 * p.hidden + p.input), threads);
  pass.by_units = split_units(p.steps, pass.units.groups(), depth * width_h * Index(sizeof(T)),
                              pass.workers);
  pass.stride = ((Pass::kept * p.hidden + kMaxRows + line - 1) / line | 1) * line;
  pass.chunk_rows = max(p.steps.batch, max(Index(128), (Index(512) << 10) / (pass.stride * Index(sizeof(T)))));
  pass.chunk_rows = min(pass.chunk_rows, p.steps.total());
  pass.w_hh = scratch.take<T>(depth * width_h);
  pass.w_ih = p.dx.base ? scratch.take<T>(depth * width_x) : nullptr;
  for (T*& d : pass.d) d = scratch.take<T>(pass.chunk_rows * pass.stride + W<T>);
  if (p.dw_ih) {
    pass.features_h = scratch.take<T>(pass.chunk_rows * width_h);
    pass.features_x = scratch.take<T>(pass.chunk_rows * width_x);
  }
  team(pass.workers, [&](const Worker& me) { pass.run(me); });
}

template <class T>
void backward(const Backward<T>& p, int threads) {
  switch (p.cell) {
    case Cell::rnn_tanh: return backward_cell<T, Rnn<T, false>>(p, threads);
    case Cell::rnn_relu: return backward_cell<T, Rnn<T, true>>(p, threads);
    case Cell::lstm: return backward_cell<T, Lstm<T>>(p, threads);
    case Cell::gru: return backward_cell<T, Gru<T>>(p, threads);
  }
}
