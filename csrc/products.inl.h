// Products of matrices whose every bit is the same on any number of threads, which a library's need not be:
// a worker owns rows of the result, and each sum runs over its terms in order.

template <class T>
struct ProductPass {
  const Multiply<T>& p;
  Columns columns;

  // Terms k0 .. k0 + n of matrix i, packed by groups of columns.
  void pack(Index i, Index k0, Index n, T* packed) const {
    for (Index g = 0; g < columns.groups(); ++g) {
      const int nv = columns.width(g);
      const Index column0 = columns.first(g) * W<T>;
      const T* in = p.b + i % p.b_count * p.b_next + k0 * p.b_row + column0;
      for (Index k = 0; k < n; ++k, in += p.b_row) {
        for (int v = 0; v < nv; ++v, packed += W<T>) {
          store(packed, load(in + v * W<T>, p.columns - column0 - v * W<T>));
        }
      }
    }
  }

  // Rows r0 .. r0 + m of matrix i.
  void rows(Index i, Index k0, Index n, Index r0, Index m, const T* packed, T* a, T* acc) const {
    const T* from[kMaxRows];
    const T* const in = p.a + i * p.a_next + r0 * p.a_row + k0 * p.a_depth;
    Index stride = p.a_depth;
    if (stride != 1) {  // columns of a matrix: side by side they stay in cache
      for (Index k = 0; k < n; ++k) {
        for (Index r = 0; r < m; ++r) a[k * kMaxRows + r] = in[r * p.a_row + k * p.a_depth];
      }
      stride = kMaxRows;
    }
    for (Index r = 0; r < m; ++r) from[r] = stride == 1 ? in + r * p.a_row : a + r;
    T* const out = p.out + i * p.out_next + r0 * p.columns;
    for (Index g = 0; g < columns.groups(); ++g) {
      const int nv = columns.width(g);
      const Index column0 = columns.first(g) * W<T>, left = p.columns - column0;
      for (Index r = 0; r < m; ++r) {
        for (int v = 0; v < nv; ++v) {
          V<T> sum{};
          if (k0 > 0) sum = load(out + r * p.columns + column0 + v * W<T>, left - v * W<T>);
          else if (p.start) sum = load(p.start + column0 + v * W<T>, left - v * W<T>);
          store(acc + (r * nv + v) * W<T>, sum);
        }
      }
      multiply<T>(static_cast<int>(m), nv, n, from, stride, packed + column0 * n, acc);
      for (Index r = 0; r < m; ++r) {
        for (int v = 0; v < nv; ++v) {
          store(out + r * p.columns + column0 + v * W<T>, load(acc + (r * nv + v) * W<T>), left - v * W<T>);
        }
      }
    }
  }

  void run(const Worker& me) const {
    Scratch own;
    const Index depth = min(kDepth, p.depth);
    T* const packed = own.take<T>(depth * columns.vectors() * W<T>);
    T* const a = own.take<T>(depth * kMaxRows);
    alignas(64) T acc[kMaxRows * kPanel * W<T>];
    const Pieces tiles(p.rows, tile_rows(min(kPanel, columns.vectors())), 1);
    const Index first = me.first(tiles.count * p.count), last = me.last(tiles.count * p.count);
    for (Index at = first; at < last;) {
      const Index i = at / tiles.count, end = min(last, (i + 1) * tiles.count);
      for (Index k0 = 0; k0 < p.depth; k0 += depth) {
        const Index n = min(depth, p.depth - k0);
        pack(i, k0, n, packed);
        for (Index j = at; j < end; ++j) {
          const Index r0 = tiles.first(j % tiles.count), r1 = tiles.first(j % tiles.count + 1);
          rows(i, k0, n, r0, r1 - r0, packed, a, acc);
        }
      }
      at = end;
    }
  }
};

template <class T>
void product(const Multiply<T>& p, int threads) {
  const ProductPass<T> pass{p, Columns{p.columns, kPanel, W<T>}};
  const bool small = p.count * p.rows * p.columns * p.depth < 200000;
  team(small ? 1 : threads, [&](const Worker& me) { pass.run(me); });
}

// The sum of each column of a (rows, columns) matrix, row after row.
template <class T>
void column_sums(const T* in, Index rows, Index columns, Index row, T* out, int threads) {
  const Index vectors = (columns + W<T> - 1) / W<T>;
  team(rows * columns < 200000 ? 1 : threads, [&](const Worker& me) {
    for (Index v = me.first(vectors); v < me.last(vectors); ++v) {
      const Index c = v * W<T>, n = columns - c;
      V<T> sum{};
      for (Index r = 0; r < rows; ++r) sum += load(in + r * row + c, n);
      store(out + c, sum, n);
    }
  });
}
