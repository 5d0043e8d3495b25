// Backward through time, in chunks of steps. In each chunk, two phases with all workers between
// them: the recurrence (dh_{t-1} = W_hh^T d_t in the tile, the gates' derivatives right after it)
// leaves the pre-activation gradients d of the chunk in cache; then dW += d^T [x, h] and
// dx = d W_ih read them from there. Nothing of size N x G*H is ever allocated.
//
// Small layers run in parts of the batch, each with its own sums, added up in the end: then no d
// ever travels between two processors' caches. Large ones share every chunk: tiles (or units) of
// the recurrence, rows of the weight gradients. Parts and orders of summation follow from the sizes
// alone, so that the number of workers changes no bit.

constexpr Index kFewRows = 64;  // of d in a chunk, next to which dW is large
constexpr Index kPackedRows = 16;  // of weights at a time: they are read in the order in which they lie
constexpr Index kManyGroups = 16;  // of features, for which copying columns of d pays,
constexpr Index kColumnBytes = 128 << 10;  // so much at a time

template <class T, class C>
struct NormalizedBackward;  // normalized.inl.h

template <class T, class C>
struct BackwardPass {
  // Gradients per unit in a row of d.
  static constexpr Index kept = C::normalized ? 2 * C::gates : C::saved > 0 ? C::saved : 1;
  static constexpr int rows_h = tile_rows(kPanel);
  const Backward<T>& p;
  Columns units, inputs;
  Index row0, row1;  // the part of the batch that this pass runs
  int workers = 1;
  bool by_units = false;
  Index chunk_rows = 0;                  // most rows of d in a chunk
  Index stride = 0;                      // of d: odd in cache lines, and past the end by a tile
  T *w_hh = nullptr, *w_ih = nullptr;    // packed: depth G*H; null: read where they lie, in a single step
  T* d[2] = {};                          // d of this chunk and of the one before
  T *features_h = nullptr, *features_x = nullptr;  // panels of h_{t-1} and x: the chunk's rows
  T* columns_of_d = nullptr;  // copied for each worker; null: not worth it
  T** dx_rows = nullptr;  // where dx of each row of a chunk goes
  T* sums = nullptr;  // with layer normalization: gradients of gains and biases, in so many places
  Index places = 1;

  static constexpr Index hh_column(Index hidden) {
    return C::normalized ? C::gates * hidden : C::gru ? hidden : 0;
  }
  // Row of W_ih that belongs to column k of d: d keeps the GRU's n before r and z.
  static Index ih_row(Index k, Index hidden) {
    return !C::gru ? k : k < hidden ? 2 * hidden + k : k - hidden;
  }

  // In running direction of the forward pass.
  Index before(Index t) const { return p.reverse ? t + 1 : t - 1; }
  Index after(Index t) const { return p.reverse ? t - 1 : t + 1; }
  Index step(Index s) const { return p.reverse ? s : p.steps.count - 1 - s; }

  // Rows of the part in step t; below, i counts from row0 and r from the start of the batch.
  Index rows(Index t) const { return max(0, min(p.steps.rows(t), row1) - row0); }

  const T* h_before(Index t, Index r) const {
    return r < p.steps.rows(before(t)) ? p.y.at(p.steps, before(t), r) : p.h0 + r * p.hidden;
  }

  // Rows of a (depth x columns) matrix -> depth x panel, columns past the end as zeros.
  template <class Row>
  static void pack(const Columns& columns, Index group, Index first, Index last, Index depth, T* packed,
                   const Row& row) {
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
    if (!w_hh) return;
    const Index depth = C::gates * p.hidden;
    for (Index k = 0; k < depth; k += kPackedRows) {
      const Index end = min(k + kPackedRows, depth);
      for (Index g = me.first(units.groups()); g < me.last(units.groups()); ++g) {
        pack(units, g, k, end, depth, w_hh, [&](Index i) { return p.w_hh + i * p.hidden; });
      }
      if (!p.dx.base) continue;
      for (Index g = me.first(inputs.groups()); g < me.last(inputs.groups()); ++g) {
        pack(inputs, g, k, end, depth, w_ih, [&](Index i) { return p.w_ih + ih_row(i, p.hidden) * p.input; });
      }
    }
  }

  struct Chunk {
    Index first, last;  // in running order of this pass
    Index rows;
  };

  Chunk chunk(Index s) const {
    Chunk c{s, s, 0};
    while (c.last < p.steps.count) {
      const Index more = rows(step(c.last));
      if (c.last > s && c.rows + more > chunk_rows) break;
      c.rows += more;
      ++c.last;
    }
    return c;
  }

  void pack_features(const Worker& me, const Chunk& c) const {
    Index row = 0;
    for (Index s = c.first; s < c.last; ++s) {
      const Index t = step(s), n = rows(t);
      const Index first = me.first(n), last = me.last(n);
      for (Index g = 0; g < units.groups(); ++g) {
        pack(units, g, row + first, row + last, c.rows, features_h,
             [&](Index k) { return h_before(t, row0 + k - row); });
      }
      for (Index g = 0; g < inputs.groups(); ++g) {
        pack(inputs, g, row + first, row + last, c.rows, features_x,
             [&](Index k) { return p.x.at(p.steps, t, row0 + k - row); });
      }
      row += n;
    }
  }

  // W_hh^T d of the step after, for M rows (that it has) and groups g0 .. g1, each to its own sums. The weights
  // of as many groups from `next` on are brought near.
  void product(Index g0, Index g1, Index m, const T* const* d_after, T (*acc)[kSums * W<T>], Index next,
               const Ahead& ahead) const {
    static constexpr T zeros[kPanel * W<T>] = {};
    for (Index g = g0, n = 0; g < g1; g += n) {
      const int nv = units.width(g);
      for (n = 1; g + n < g1 && units.width(g + n) == nv;) ++n;
      const Index depth = C::gates * p.hidden;
      Product<T> factor{depth, d_after, w_hh + units.first(g) * W<T> * depth};
      if (next + g - g0 < units.groups())
        ahead.set(factor, w_hh + units.first(next + g - g0) * W<T> * depth, nv);
      multiply_panels<T>(static_cast<int>(m), nv, n, &factor, 1, {zeros, 0, acc[g - g0], 0, kSums * W<T>});
    }
  }

  // The part of M rows that lies in one group of columns, into the tile's sums (or zeros) and back.
  template <class Out>
  static void fetch(const Columns& columns, Index group, Index m, bool old, const Out& out, T* acc) {
    const int nv = columns.width(group);
    const Index column0 = columns.first(group) * W<T>, left = columns.count - column0;
    for (Index r = 0; r < m; ++r) {
      for (int v = 0; v < nv; ++v, acc += W<T>) {
        store(acc, old ? load(out(r) + column0 + v * W<T>, left - v * W<T>) : V<T>{});
      }
    }
  }
  template <class Out>
  static void put(const Columns& columns, Index group, Index m, const T* acc, const Out& out) {
    const int nv = columns.width(group);
    const Index column0 = columns.first(group) * W<T>, left = columns.count - column0;
    for (Index r = 0; r < m; ++r) {
      T* const to = out(r) + column0;
      for (int v = 0; v < nv; ++v, acc += W<T>) store(to + v * W<T>, load(acc), left - v * W<T>);
    }
  }

  // Rows out(0) .. out(m - 1) of a group of columns, if `old` holds, else zeros, plus from x panel. On 16
  // registers tiles are so small that a copy of their sums shows.
  template <class Out>
  static void add_tile(const Columns& columns, Index group, Index m, bool old, Index depth,
                       const T* const* from, Index from_stride, const T* packed, const Out& out) {
    const int nv = columns.width(group);
    const Index column0 = columns.first(group) * W<T>;
    const T* const panel = packed + column0 * depth;
    if constexpr (CARROUSEL_REGISTERS < 32) {
      const Index row = m > 1 ? out(1) - out(0) : 0;
      bool whole = column0 + nv * W<T> <= columns.count;
      for (Index r = 2; r < m; ++r) whole = whole && out(r) - out(r - 1) == row;
      if (whole) {
        static constexpr T zeros[kPanel * W<T>] = {};
        T* const to = out(0) + column0;
        const Product<T> product{depth, from, panel};
        const Sums<T> sums{old ? to : zeros, old ? row : 0, to, 0, 0, row};
        return multiply<T, true>(static_cast<int>(m), nv, &product, 1, from_stride, sums);
      }
    }
    alignas(64) T acc[kMaxRows * 4 * W<T>];
    fetch(columns, group, m, old, out, acc);
    multiply<T>(static_cast<int>(m), nv, depth, from, from_stride, panel, acc);
    put(columns, group, m, acc, out);
  }

  // The same as `add_product` for R rows in all: rows of w one after the other, as memory likes it.
  template <int R, class Out>
  void add_rows(const Columns& columns, Index g0, Index g1, Index depth, const T* d_now, const T* w,
                const Out& out) const {
    constexpr Index block = 8;
    const Index first = columns.first(g0) * W<T>, last = min(columns.first(g1) * W<T>, columns.count);
    for (Index k0 = 0; k0 < depth; k0 += block) {
      const Index n = min(block, depth - k0);
      const T *const in = w + k0 * columns.count, *const factor = d_now + k0;
      for (Index u = first; u < last; u += W<T>) {
        V<T> sum[R];
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) sum[r] = load(out(r) + u, last - u);
        for (Index k = 0; k < n; ++k) {
          const V<T> b = load(in + k * columns.count + u, last - u);
#pragma GCC unroll 4
          for (int r = 0; r < R; ++r) sum[r] += fill(factor[r * stride + k]) * b;
        }
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) store(out(r) + u, sum[r], last - u);
      }
    }
  }

  // out(r) += sum over k of d[r][k] * w[k] for all rows of a single step and groups g0 .. g1 of columns,
  // k = 0 .. depth-1. Each weight is read once, where it lies, in blocks that stay in L1.
  template <class Out>
  void add_product(const Columns& columns, Index g0, Index g1, Index depth, const T* d_now, const T* w,
                   const Out& out) const {
    switch (p.steps.batch) {
      case 1: return add_rows<1>(columns, g0, g1, depth, d_now, w, out);
      case 2: return add_rows<2>(columns, g0, g1, depth, d_now, w, out);
      case 3: return add_rows<3>(columns, g0, g1, depth, d_now, w, out);
      case 4: return add_rows<4>(columns, g0, g1, depth, d_now, w, out);
    }
    constexpr Index block = 96;
    alignas(64) T panel[block * kPanel * W<T>], acc[kMaxRows * kPanel * W<T>];
    const Index batch = p.steps.batch;
    for (Index k0 = 0; k0 < depth; k0 += block) {
      const Index n = min(block, depth - k0);
      for (Index g = g0; g < g1; ++g) {
        const int nv = columns.width(g);
        const Index column0 = columns.first(g) * W<T>, left = columns.count - column0;
        for (Index k = 0; k < n; ++k) {
          const T* const in = w + (k0 + k) * columns.count + column0;
          for (int v = 0; v < nv; ++v)
            store(panel + (k * nv + v) * W<T>, load(in + v * W<T>, left - v * W<T>));
        }
        const Pieces tiles(batch, tile_rows(nv), 1);
        for (Index i = 0; i < tiles.count; ++i) {
          const Index r0 = tiles.first(i), m = tiles.first(i + 1) - r0;
          const T* from[kMaxRows];
          for (Index r = 0; r < m; ++r) from[r] = d_now + (r0 + r) * stride + k0;
          const auto rows_out = [&](Index r) { return out(r0 + r); };
          fetch(columns, g, m, true, rows_out, acc);
          multiply<T>(static_cast<int>(m), nv, n, from, 1, panel, acc);
          put(columns, g, m, acc, rows_out);
        }
      }
    }
  }

  // Where what belongs to a row of a step lies; null: absent.
  struct Row {
    const T *dy, *h, *h_before, *saved, *cells, *c_before, *d_saved, *d_cells;
    T *dh0, *dc0, *total_dh, *total_dc, *d;
  };

  Row row_of(Index t, Index r, T* d_row) const {
    const Index hidden = p.hidden, row = p.steps.begin(t) + r, at = row * hidden;
    Row found{};
    if (p.dy.base) found.dy = p.dy.at(p.steps, t, r);
    if constexpr (C::saved > 0) {
      found.saved = p.saved + C::saved * at;
      if (p.d_saved) found.d_saved = p.d_saved + C::saved * at;
    } else {
      found.h = p.y.at(p.steps, t, r);
    }
    if constexpr (C::gru) found.h_before = h_before(t, r);
    if constexpr (C::cell) {
      const Index earlier = before(t);
      found.cells = p.cells + at;
      found.c_before =
          r < p.steps.rows(earlier) ? p.cells + (p.steps.begin(earlier) + r) * hidden : p.c0 + r * hidden;
      found.dc0 = p.dc0 + r * hidden;
      if (p.d_cells) found.d_cells = p.d_cells + at;
      if (p.total_dc) found.total_dc = p.total_dc + at;
    }
    found.dh0 = p.dh0 + r * hidden;
    if (p.total_dh) found.total_dh = p.total_dh + at;
    found.d = d_row;
    return found;
  }

  // Derivatives of the gates for one row and one vector of units, of which n are there.
  template <bool whole>
  void gates(const Row& row, Index u, Index n, V<T> dh) const {
    const auto read = [&](const T* from) { return load_lanes<whole>(from + u, n); };
    const auto write = [&](T* to, V<T> value) { store_lanes<whole>(to + u, value, n); };
    const Index hidden = p.hidden;
    if (row.dy) dh += read(row.dy);
    V<T> s[kept], d_out[kept], c{}, c_before{}, h_prev{}, h{}, dc{}, total_dc{};
    if constexpr (C::saved > 0) {
#pragma GCC unroll 4
      for (Index g = 0; g < C::saved; ++g) s[g] = read(row.saved + g * hidden);
    } else {
      h = read(row.h);
    }
    if constexpr (C::gru) h_prev = read(row.h_before);
    if constexpr (C::cell) {
      c = read(row.cells);
      c_before = read(row.c_before);
      dc = read(row.dc0);
      if (row.d_cells) dc += read(row.d_cells);
    }
    const V<T> carried = C::backward(s, c_before, c, h_prev, h, dh, dc, total_dc, d_out);
    if constexpr (C::saved > 0) {
      if (row.d_saved) {
        V<T> own[kept];
#pragma GCC unroll 4
        for (Index g = 0; g < kept; ++g) own[g] = read(row.d_saved + g * hidden);
        C::add(s, own, d_out);
      }
    }
#pragma GCC unroll 4
    for (Index g = 0; g < kept; ++g) write(row.d + g * hidden, d_out[g]);
    write(row.dh0, carried);
    if constexpr (C::cell) write(row.dc0, dc);
    if (row.total_dh) write(row.total_dh, dh);
    if (C::cell && row.total_dc) write(row.total_dc, total_dc);
  }

  // The derivatives of a vector of units, to which `sum` came from the step after (null: nothing), or, in a
  // row that has no such step yet (of no d), what is carried on to it.
  void derive(const Row& row, T* dh0, Index u, const T* sum) const {
    const Index n = p.hidden - u;
    V<T> dh = load(dh0 + u, n);
    if (sum) dh += load(sum);
    if (!row.d) store(dh0 + u, dh, n);
    else if (n >= W<T>) gates<true>(row, u, n, dh);
    else gates<false>(row, u, n, dh);
  }

  // One step for rows i0 .. i1 and groups g0 .. g1, the products first: the record is then read in
  // the order in which it lies. The step after it in time has been done.
  void block(Index s, Index g0, Index g1, Index i0, Index i1, const T* d_after, T* d_now, Index next,
             const Ahead& ahead) const {
    const Index t = step(s), now = s < p.steps.count ? rows(t) : 0;
    const Index later = s > 0 ? rows(step(s - 1)) : 0;
    const Index m = min(i1, later) - i0;
    alignas(64) T acc[kSpan][kSums * W<T>];
    if (m > 0) {
      const T* from[kMaxRows];
      for (Index i = 0; i < m; ++i) from[i] = d_after + (i0 + i) * stride + hh_column(p.hidden);
      product(g0, g1, m, from, acc, next, ahead);
    }
    for (Index i = i0; i < i1 && (i < now || i < later); ++i) {
      const Row row = i < now ? row_of(t, row0 + i, d_now + i * stride) : Row{};
      T* const dh0 = p.dh0 + (row0 + i) * p.hidden;
      for (Index g = g0; g < g1; ++g) {
        const int nv = units.width(g);
        for (int v = 0; v < nv; ++v) {
          const T* const sum = acc[g - g0] + ((i - i0) * nv + v) * W<T>;
          derive(row, dh0, (units.first(g) + v) * W<T>, i < later ? sum : nullptr);
        }
      }
    }
  }

  // Returns where the last step's d begins.
  const T* recurrence(const Worker& me, const Chunk& c, const T* d_after, T* d_chunk) const {
    if constexpr (C::normalized) {
      return NormalizedBackward<T, C>::recurrence(*this, me, c, d_after, d_chunk);
    } else {
      return plain_recurrence(me, c, d_after, d_chunk);
    }
  }

  const T* plain_recurrence(const Worker& me, const Chunk& c, const T* d_after, T* d_chunk) const {
    const Index g0 = by_units ? me.first(units.groups()) : 0;
    const Index g1 = by_units ? me.last(units.groups()) : units.groups();
    const Pieces pieces(row1 - row0, rows_h, by_units ? 1 : workers);
    const Index weights = kPanel * W<T> * C::gates * p.hidden * Index(sizeof(T));  // of a group
    const Index span = max(1, min(kSpan, kSpanBytes / weights));
    const Index sharers = by_units ? 1 : workers;  // of the pieces
    const bool far = weights_are_far(g1 - g0, span);
    const Index end = c.last == p.steps.count ? c.last + 1 : c.last;  // then dh_0 remains
    for (Index s = c.first; s < end; ++s) {
      if (!w_hh && s == p.steps.count) {
        add_product(units, g0, g1, C::gates * p.hidden, d_after + hh_column(p.hidden), p.w_hh,
                    [&](Index r) { return p.dh0 + r * p.hidden; });
        break;
      }
      for (Index k = 0; k * span < g1 - g0; ++k) {
        const Index g = g0 + there_and_back(s, k, g1 - g0, span);
        const bool more = far && (k + 1) * span < g1 - g0;
        const Index next = more ? g0 + there_and_back(s, k + 1, g1 - g0, span) : g;
        for (Index i = 0; i < pieces.count; ++i) {
          if (!by_units && !me.owns(i)) continue;
          const Ahead ahead{i / sharers, more ? max(1, pieces.count / sharers) : 0};
          block(s, g, min(g + span, g1), pieces.first(i), pieces.first(i + 1), d_after, d_chunk, next, ahead);
        }
      }
      if (by_units) me.sync();
      if (s == p.steps.count) break;
      d_after = d_chunk;
      d_chunk += rows(step(s)) * stride;
    }
    return d_after;
  }

  // Features of a chunk in panels, and the dW that they make with the columns of d from `column` on.
  struct Factor {
    const Columns& columns;
    const T* features;
    Index column;
    T *dw, *db;  // db null: absent
    bool input_order;
  };

  T* gradient_row(const Factor& f, Index j) const {
    return f.dw + (f.input_order ? ih_row(j, p.hidden) : j) * f.columns.count;
  }

  // The same as `weight_gradient` for R rows of d, so few that a tile would spend its time on being called.
  template <int R>
  void outer_product(const Factor& f, const T* d_chunk, Index j0, Index j1, bool first) const {
    for (Index j = j0; j < j1; ++j) {
      V<T> factor[R];
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) factor[r] = fill(d_chunk[r * stride + f.column + j]);
      T* const out = gradient_row(f, j);
      for (Index g = 0; g < f.columns.groups(); ++g) {
        const int nv = f.columns.width(g);
        const Index column0 = f.columns.first(g) * W<T>;
        const T* const panel = f.features + column0 * R;
        for (int v = 0; v < nv; ++v) {
          T* const to = out + column0 + v * W<T>;
          const Index left = f.columns.count - column0 - v * W<T>;
          V<T> sum = first ? V<T>{} : load(to, left);
#pragma GCC unroll 4
          for (int r = 0; r < R; ++r) sum += factor[r] * load(panel + (r * nv + v) * W<T>);
          store(to, sum, left);
        }
      }
    }
  }

  // Rows j .. j + m of the part of dW that one group of features makes with columns of d.
  void add_features(const Factor& f, Index group, const T* columns, Index apart, Index m, Index j,
                    const Chunk& c) const {
    const T* from[kMaxRows];
    for (Index i = 0; i < m; ++i) from[i] = columns + i;
    add_tile(f.columns, group, m, c.first > 0, c.rows, from, apart, f.features,
             [&](Index i) { return gradient_row(f, j + i); });
  }

  // dW[j][:] += sum over the chunk of d[:, column + j] * features, for rows j0 .. j1.
  void weight_gradient(const Factor& f, const T* d_chunk, Index j0, Index j1, const Chunk& c) const {
    const bool first = c.first == 0;
    switch (c.rows) {
      case 1: return outer_product<1>(f, d_chunk, j0, j1, first);
      case 2: return outer_product<2>(f, d_chunk, j0, j1, first);
      case 3: return outer_product<3>(f, d_chunk, j0, j1, first);
      case 4: return outer_product<4>(f, d_chunk, j0, j1, first);
    }
    // A block of features stays in the second cache for all columns of d, and some columns of d in the
    // first for all of the block. With few rows of d it is writing dW that takes the time, and memory
    // likes it in few rows at once.
    const Index most = min(c.rows <= kFewRows ? 3 : kMaxRows, tile_rows(min(kPanel, f.columns.vectors())));
    const Index block = max(1, kNearBytes / (kPanel * W<T> * c.rows * Index(sizeof(T))));
    for (Index g0 = 0; g0 < f.columns.groups(); g0 += block) {
      for (Index j = j0; j < j1; j += most) {
        for (Index g = g0; g < min(g0 + block, f.columns.groups()); ++g) {
          add_features(f, g, d_chunk + f.column + j, stride, min(most, j1 - j), j, c);
        }
      }
    }
  }

  // The same with some columns of d copied to lie side by side, tile by tile: they stay in the second cache
  // for the features of all factors, and a panel of features in the first for these columns.
  void weight_gradient(const Factor* factors, int count, const T* d_chunk, Index j0, Index j1, const Chunk& c,
                       T* copy) const {
    constexpr Index most = tile_rows(kPanel), vectors = (most + W<T> - 1) / W<T>;
    const Index tiles = max(1, kColumnBytes / (most * c.rows * Index(sizeof(T))));
    for (Index left = j0; left < j1; left += tiles * most) {
      const Index right = min(left + tiles * most, j1);
      for (Index j = left; j < right; j += most) {
        const T* from = d_chunk + factors->column + j;
        T* to = copy + (j - left) * c.rows;
        V<T> sum[vectors] = {};
        for (Index k = 0; k < c.rows; ++k, from += stride, to += most) {
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v) {
            const V<T> some = load(from + v * W<T>);
            store(to + v * W<T>, some);
            sum[v] += some;
          }
        }
        for (int f = 0; f < count; ++f) add_bias(factors[f], j, min(most, right - j), sum, c);
      }
      for (const Factor* f = factors; f != factors + count; ++f) {
        for (Index g = 0; g < f->columns.groups(); ++g) {
          for (Index j = left; j < right; j += most) {
            add_features(*f, g, copy + (j - left) * c.rows, most, min(most, right - j), j, c);
          }
        }
      }
    }
  }

  // db[k] += the sums of columns k .. k + n of d, n of each vector's lanes.
  void add_bias(const Factor& f, Index k, Index n, const V<T>* sums, const Chunk& c) const {
    for (Index i = 0; i < n && f.db; ++i) {
      T& out = f.db[f.input_order ? ih_row(k + i, p.hidden) : k + i];
      out = (c.first == 0 ? T(0) : out) + sums[i / W<T>][i % W<T>];
    }
  }

  // db of all factors, which have the same columns of d, a cache line of each row at a time.
  void bias_gradient(const Factor* factors, int count, const T* d_chunk, Index k0, Index k1,
                     const Chunk& c) const {
    constexpr int vectors = 64 / sizeof(T) / W<T>;
    for (Index k = k0; k < k1; k += vectors * W<T>) {
      V<T> sum[vectors] = {};
      for (Index r = 0; r < c.rows; ++r) {
        const T* const from = d_chunk + r * stride + factors->column + k;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sum[v] += load(from + v * W<T>);
      }
      for (int f = 0; f < count; ++f) add_bias(factors[f], k, min(vectors * W<T>, k1 - k), sum, c);
    }
  }

  void weight_gradients(const Worker& me, const Chunk& c, const T* d_chunk) const {
    const Index rows = C::gates * p.hidden, j0 = me.first(rows), j1 = me.last(rows);
    const Index hh = hh_column(p.hidden);
    // With layer normalization d is not the biases' gradient.
    T *const db_ih = C::normalized ? nullptr : p.db_ih, *const db_hh = C::normalized ? nullptr : p.db_hh;
    const Factor factors[] = {{inputs, features_x, 0, p.dw_ih, db_ih, true},
                              {units, features_h, hh, p.dw_hh, db_hh, false}};
    const int together = hh == 0 ? 2 : 1;  // that the same columns of d make
    for (const Factor* f = factors; f != factors + 2; f += together) {
      if (columns_of_d && c.rows > kFewRows) {
        weight_gradient(f, together, d_chunk, j0, j1, c, columns_of_d + me.begin * copied(chunk_rows));
        continue;
      }
      for (int i = 0; i < together; ++i) weight_gradient(f[i], d_chunk, j0, j1, c);
      if (f->db || f[together - 1].db) bias_gradient(f, together, d_chunk, j0, j1, c);
    }
  }

  // dx = d W_ih of a single step, for this worker's share of the columns.
  void input_gradient_unpacked(const Worker& me, const T* d_now) const {
    const Index g0 = me.first(inputs.groups()), g1 = me.last(inputs.groups());
    const auto out = [&](Index r) { return p.dx.at(p.steps, 0, r); };
    const Index first = inputs.first(g0) * W<T>, last = min(inputs.first(g1) * W<T>, p.input);
    for (Index r = 0; r < p.steps.batch && !p.add_dx; ++r) {
      for (Index k = first; k < last; ++k) out(r)[k] = 0;
    }
    // d keeps the GRU's n before r and z.
    const Index n = C::gru ? p.hidden : 0, rest = C::gates * p.hidden - n;
    add_product(inputs, g0, g1, n, d_now, p.w_ih + rest * p.input, out);
    add_product(inputs, g0, g1, rest, d_now + n, p.w_ih, out);
  }

  // Where dx of each row of the chunk goes, for this worker's share of them.
  void point(const Chunk& c, Index first, Index last, T** out) const {
    Index row = 0;
    for (Index s = c.first; s < c.last; ++s) {
      const Index t = step(s), n = rows(t);
      for (Index r = max(0, first - row); r < min(n, last - row); ++r)
        out[row + r - first] = p.dx.at(p.steps, t, row0 + r);
      row += n;
    }
  }

  // dx = d W_ih for this worker's share of the chunk's rows: a part of a panel stays in the first cache
  // for all of them.
  void input_gradient(const Worker& me, const Chunk& c, const T* d_chunk) const {
    if (!w_hh) return input_gradient_unpacked(me, d_chunk);
    const Index depth = C::gates * p.hidden, first = me.first(c.rows), last = me.last(c.rows);
    T** const out = dx_rows + first;
    point(c, first, last, out);
    const Pieces tiles(last - first, tile_rows(min(kPanel, inputs.vectors())), 1);
    for (Index k0 = 0; k0 < depth; k0 += kLongDepth) {
      const Index n = min(kLongDepth, depth - k0);
      for (Index g = 0; g < inputs.groups(); ++g) {
        const Index before = inputs.first(g) * W<T> * (depth - n) + k0 * inputs.width(g) * W<T>;
        for (Index i = 0; i < tiles.count; ++i) {
          const Index r0 = tiles.first(i), m = tiles.first(i + 1) - r0;
          const T* from[kMaxRows];
          for (Index j = 0; j < m; ++j) from[j] = d_chunk + (first + r0 + j) * stride + k0;
          add_tile(inputs, g, m, p.add_dx || k0 > 0, n, from, 1, w_ih + before,
                   [&](Index j) { return out[r0 + j]; });
        }
      }
    }
  }

  void run(const Worker& me) const {
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

  // Values that the copied columns of d of at most so many rows take, and what the last copy writes past them.
  static Index copied(Index rows) {
    return max(kColumnBytes / Index(sizeof(T)), tile_rows(kPanel) * rows) + kMaxRows;
  }

  void allocate(Scratch& scratch, Index chunk_bytes) {
    chunk_rows = max(row1 - row0, max(Index(256), chunk_bytes / (stride * Index(sizeof(T)))));
    chunk_rows = min(chunk_rows, p.steps.total());
    for (T*& buffer : d) buffer = scratch.take<T>(chunk_rows * stride + 64 / sizeof(T));
    if (p.dx.base) dx_rows = scratch.take<T*>(chunk_rows);
    if (!p.dw_ih) return;
    if (CARROUSEL_REGISTERS < 32 && inputs.groups() + units.groups() >= kManyGroups) {
      columns_of_d = scratch.take<T>(workers * copied(chunk_rows));
    }
    features_h = scratch.take<T>(chunk_rows * units.vectors() * W<T>);
    features_x = scratch.take<T>(chunk_rows * inputs.vectors() * W<T>);
  }
};

// Parts of the batch for a layer of some steps whose weight gradients are small; 1: none.
inline Index parts_of(const Steps& steps, Index gradient_bytes) {
  if (gradient_bytes > (128 << 10)) return 1;
  return max(1, min(16, steps.batch / (steps.batch < 32 ? 4 : 8)));
}

// The sums of part `part` go to its own copy of the weight gradients.
template <class T>
Backward<T> with_own_sums(Backward<T> p, Index part, Index gates, T* sums) {
  const Index n_ih = gates * p.hidden * p.input, n_hh = gates * p.hidden * p.hidden;
  const Index n_b = gates * p.hidden;
  if (!p.dw_ih) return p;
  sums += part * (n_ih + n_hh + 2 * n_b);
  p.dw_ih = sums;
  p.dw_hh = sums + n_ih;
  if (p.db_ih) p.db_ih = p.dw_hh + n_hh;
  if (p.db_hh) p.db_hh = p.dw_hh + n_hh + n_b;
  return p;
}

template <class T>
void add_up(Index n, Index parts, Index size, const T* sums, T* out) {
  for (Index i = 0; i < n; ++i) {
    T total = sums[i];
    for (Index part = 1; part < parts; ++part) total += sums[part * size + i];
    out[i] = total;
  }
}

constexpr Index kPlaces = 16;  // in which rows that several workers share are added up

// Values in one of them: gradients of gains (and the cell state's bias), then of both biases.
template <class C>
constexpr Index place_size(Index hidden) {
  if constexpr (C::normalized) return (C::norm + 2 * C::gates) * hidden;
  return 0;
}

// Zeros for the gradients of gains and biases in each of `count` places; null without normalization.
template <class T, class C>
T* place_sums(const Backward<T>& p, Index count, Scratch& scratch) {
  const Index n = count * place_size<C>(p.hidden);
  if (n == 0) return nullptr;
  T* const sums = scratch.take<T>(n);
  std::memset(sums, 0, static_cast<std::size_t>(n) * sizeof(T));
  return sums;
}

// The sums of all places, in their order, to where they are wanted.
template <class T, class C>
void add_places(const Backward<T>& p, Index count, const T* sums) {
  if constexpr (C::normalized) {
    if (!p.dw_ih) return;
    const Index n = C::norm * p.hidden, b = C::gates * p.hidden, one = place_size<C>(p.hidden);
    add_up(n, count, one, sums, p.dnorm);
    if (p.db_ih) add_up(b, count, one, sums + n, p.db_ih);
    if (p.db_hh) add_up(b, count, one, sums + n + (C::apart ? b : 0), p.db_hh);
  }
}

template <class T, class C>
void backward_cell(const Backward<T>& p, int threads) {
  using Pass = BackwardPass<T, C>;
  constexpr Index line = 64 / sizeof(T);
  Scratch scratch;
  Pass whole{p, Columns{p.hidden, kPanel, W<T>}, Columns{p.input, kPanel, W<T>}, 0, p.steps.batch};
  const Index depth = C::gates * p.hidden, size = depth * (p.input + p.hidden + 2);
  const Index width_h = whole.units.vectors() * W<T>, width_x = whole.inputs.vectors() * W<T>;
  whole.stride = ((Pass::kept * p.hidden + kMaxRows + line - 1) / line | 1) * line;
  const bool unpacked = p.steps.count == 1 && p.steps.batch <= 4 * kUnpackedRows;
  if (!unpacked) {
    whole.w_hh = scratch.take<T>(depth * width_h);
    whole.w_ih = p.dx.base ? scratch.take<T>(depth * width_x) : nullptr;
  }
  const Index multiplications = depth * (2 * p.hidden + p.input);
  int workers = useful_workers(p.steps, multiplications, threads);
  const Index parts = p.steps.count == 1 ? 1 : parts_of(p.steps, size * Index(sizeof(T)));
  if (parts == 1) {
    whole.by_units =
        unpacked || split_units(p.steps, whole.units.groups(), depth * width_h * Index(sizeof(T)), workers);
    // Of one sequence only dW and dx are shared, and worth it where there are sixteen times as many steps.
    if (!whole.by_units && p.steps.batch == 1) {
      workers = useful_workers(p.steps, multiplications / 16, threads);
    }
    whole.workers = workers;
    whole.allocate(scratch, 512 << 10);
    whole.places = kPlaces;
    whole.sums = place_sums<T, C>(p, kPlaces, scratch);
    team(workers, [&](const Worker& me) {
      whole.pack_weights(me);
      me.sync();
      whole.run(me);
    });
    add_places<T, C>(p, kPlaces, whole.sums);
    return;
  }
  T* const sums = scratch.take<T>(parts * size);
  T* const places = place_sums<T, C>(p, parts, scratch);
  team(workers, [&](const Worker& me) {
    whole.pack_weights(me);
    me.sync();
    Scratch own;
    for (Index i = 0; i < parts; ++i) {  // there and back: long sequences come first when packed
      if (!me.owns(i / workers % 2 ? workers - 1 - i % workers : i)) continue;
      const Backward<T> q = with_own_sums(p, i, Index(C::gates), sums);
      Pass pass{q, whole.units, whole.inputs, i * p.steps.batch / parts, (i + 1) * p.steps.batch / parts};
      pass.stride = whole.stride;
      pass.w_hh = whole.w_hh;
      pass.w_ih = whole.w_ih;
      pass.sums = places + i * place_size<C>(p.hidden);
      pass.allocate(own, 128 << 10);
      pass.run(Worker{0, 1, 1, nullptr});
    }
  });
  if (!p.dw_ih) return;
  const Index n_ih = depth * p.input, n_hh = depth * p.hidden;
  add_up(n_ih, parts, size, sums, p.dw_ih);
  add_up(n_hh, parts, size, sums + n_ih, p.dw_hh);
  if constexpr (C::normalized) return add_places<T, C>(p, parts, places);
  if (p.db_ih) add_up(depth, parts, size, sums + n_ih + n_hh, p.db_ih);
  if (p.db_hh) add_up(depth, parts, size, sums + n_ih + n_hh + depth, p.db_hh);
}
