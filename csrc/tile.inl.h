// The one matrix product under everything: a tile of M rows by NV vectors, sums kept in registers.
//
//   sum[m][v] = start[m][v] + rows[m][k * stride] * panel[k][v] + ...     k = 0 .. depth-1
//
// with one product, or some after each other (inputs and hidden states, say), at least one. A panel is packed:
// depth x (NV vectors), contiguous. Rows are wherever their pointers say: hidden states of a padded,
// packed or reversed batch (stride 1), or columns of a row-major matrix (stride = its row length),
// which gives the transposed product of the weight gradient. The sums start from anything (a bias:
// start_row 0) and end in a small buffer in L1. k runs in order whatever M is, so a row's result
// does not depend on which rows share its tile.

constexpr Index min(Index a, Index b) { return a < b ? a : b; }
constexpr Index max(Index a, Index b) { return a < b ? b : a; }

constexpr int kMaxRows = 8;
constexpr Index kDepth = 256;  // terms at a time where tiles share a panel: its part stays in the first cache
// The same where sums are read and written by every part, which costs more than a panel in the second cache.
constexpr Index kLongDepth = CARROUSEL_REGISTERS >= 32 ? kDepth : 2048;

// Rows that fit the registers: M*NV sums, NV panel vectors, one broadcast.
constexpr int tile_rows(int nv) {
  const int fit = (CARROUSEL_REGISTERS - 1 - nv) / nv;
  return fit < 1 ? 1 : fit < kMaxRows ? fit : kMaxRows;
}

template <class T>
struct Product {
  Index depth;
  const T* const* rows;
  const T* panel;
  // What later tiles need, brought into the second cache meanwhile, so many values a term; null: nothing.
  const T* ahead = nullptr;
  Index ahead_step = 0;
};

// Which part of the next panels to bring: each of so many pieces of rows has one.
struct Ahead {
  Index piece = 0, pieces = 0;  // 0: nothing to bring

  template <class T>
  void set(Product<T>& product, const T* panel, int nv) const {
    if (pieces == 0) return;
    const Index step = (nv * W<T> + pieces - 1) / pieces;
    if (piece * step >= nv * W<T>) return;
    product.ahead = panel + piece * step * product.depth;
    product.ahead_step = step;
  }
};

template <class T>
struct Sums {
  const T* start;  // M rows of NV vectors
  Index start_row;
  T* end;  // the same, contiguous; may be `start`
  Index start_next = 0, end_next = 0;  // from one panel to the next, where there are several
  Index end_row = 0;  // from one row of `end` to the next, where they are `spread`
};

template <class T, int M, int NV, bool spread = false, bool brings = false>
[[gnu::noinline]] void tile(const Product<T>* products, int count, Index stride, const Sums<T>& sums) {
  V<T> sum[M][NV];
  const T* start = sums.start;
  T* end = sums.end;
  const Index end_row = spread ? sums.end_row : NV * W<T>;
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m, start += sums.start_row) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) sum[m][v] = load(start + v * W<T>);
  }
  const Product<T>* const last = products + count;
  do {  // not a loop that may end at once: the compiler would keep a second set of the sums for that
    const T *a[M], *panel = products->panel;
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) a[m] = products->rows[m];
    [[maybe_unused]] const T* ahead = products->ahead;
    for (Index k = 0; k < products->depth; ++k) {
      if constexpr (brings) {
        prefetch(ahead);
        ahead += products->ahead_step;
      }
      V<T> b[NV];
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) b[v] = load(panel + v * W<T>);
      panel += NV * W<T>;
#pragma GCC unroll 8
      for (int m = 0; m < M; ++m) {
        const V<T> x = fill(a[m][k * stride]);
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) sum[m][v] += x * b[v];
      }
    }
  } while (++products != last);
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m, end += end_row) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) store(end + v * W<T>, sum[m][v]);
  }
}

template <class T>
using Tile = void (*)(const Product<T>*, int, Index, const Sums<T>&);

// rows <= tile_rows(nv)
template <class T, bool spread = false, bool brings = false>
inline void multiply(int m, int nv, const Product<T>* products, int count, Index stride,
                     const Sums<T>& sums) {
#define CARROUSEL_TILE(M, NV) tile<T, M <= tile_rows(NV) ? M : 1, NV, spread, brings>
#define CARROUSEL_ROW(NV)                                                                          \
  {                                                                                                \
    CARROUSEL_TILE(1, NV), CARROUSEL_TILE(2, NV), CARROUSEL_TILE(3, NV), CARROUSEL_TILE(4, NV),    \
        CARROUSEL_TILE(5, NV), CARROUSEL_TILE(6, NV), CARROUSEL_TILE(7, NV), CARROUSEL_TILE(8, NV) \
  }
  static constexpr Tile<T> tiles[4][kMaxRows] = {CARROUSEL_ROW(1), CARROUSEL_ROW(2), CARROUSEL_ROW(3),
                                                 CARROUSEL_ROW(4)};
#undef CARROUSEL_ROW
#undef CARROUSEL_TILE
  tiles[nv - 1][m - 1](products, count, stride, sums);
}

// P panels, one behind the other in memory, at a time: of few rows one panel has so few sums that each
// would wait for its own last addition.
template <class T, int M, int NV, int P>
[[gnu::noinline]] void few_rows(const Product<T>* products, int count, const Sums<T>& sums) {
  V<T> sum[P][NV][M];
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v)
        sum[p][v][m] = load(sums.start + p * sums.start_next + m * sums.start_row + v * W<T>);
    }
  }
  const Product<T>* const last = products + count;
  do {
    const T *a[M], *panel = products->panel;
    const Index apart = products->depth * NV * W<T>;
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) a[m] = products->rows[m];
    for (Index k = 0; k < products->depth; ++k, panel += NV * W<T>) {
      V<T> x[M];
#pragma GCC unroll 4
      for (int m = 0; m < M; ++m) x[m] = fill(a[m][k]);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) {
          const V<T> b = load(panel + p * apart + v * W<T>);
#pragma GCC unroll 4
          for (int m = 0; m < M; ++m) sum[p][v][m] += x[m] * b;
        }
      }
    }
  } while (++products != last);
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) store(sums.end + p * sums.end_next + (m * NV + v) * W<T>, sum[p][v][m]);
    }
  }
}

// Most panels of nv vectors that m rows take at a time. With 32 registers a panel is wide enough.
constexpr int panels_together(int m, int nv) {
  if (CARROUSEL_REGISTERS >= 32 || m > 3 || m * nv > 6) return 1;
  return m == 1 ? 4 : 2;
}

template <class T, int M, int P>
inline void few_rows(int nv, const Product<T>* products, int count, const Sums<T>& sums) {
  switch (nv) {
    case 1: return few_rows<T, M, 1, P>(products, count, sums);
    case 2: return few_rows<T, M, 2, P>(products, count, sums);
    default: return few_rows<T, M, 3, P>(products, count, sums);
  }
}

// Rows (stride 1) times `panels` panels, one behind the other in memory.
template <class T>
inline void multiply_panels(int m, int nv, Index panels, const Product<T>* products, int count,
                            Sums<T> sums) {
  Product<T> now[2];
  for (int f = 0; f < count; ++f) now[f] = products[f];
  while (panels > 0) {
    const Index most = min(panels, panels_together(m, nv)), p = most >= 4 ? 4 : most >= 2 ? 2 : 1;
    if constexpr (CARROUSEL_REGISTERS >= 32) {
      multiply<T>(m, nv, now, count, 1, sums);
    } else if (p == 4) {
      few_rows<T, 1, 4>(nv, now, count, sums);
    } else if (p == 2 && m == 1) {
      few_rows<T, 1, 2>(nv, now, count, sums);
    } else if (p == 2 && m == 2) {
      few_rows<T, 2, 2>(nv, now, count, sums);
    } else if (p == 2) {
      nv == 1 ? few_rows<T, 3, 1, 2>(now, count, sums) : few_rows<T, 3, 2, 2>(now, count, sums);
    } else if (now[0].ahead) {
      multiply<T, false, true>(m, nv, now, count, 1, sums);
    } else {
      multiply<T>(m, nv, now, count, 1, sums);
    }
    for (int f = 0; f < count; ++f) {
      const Index next = p * nv * W<T> * now[f].depth;
      now[f].panel += next;
      if (now[f].ahead) now[f].ahead += next;
    }
    sums.start += p * sums.start_next;
    sums.end += p * sums.end_next;
    panels -= p;
  }
}

// acc += rows x panel
template <class T>
inline void multiply(int m, int nv, Index depth, const T* const* rows, Index stride, const T* panel, T* acc) {
  const Product<T> product{depth, rows, panel};
  multiply<T>(m, nv, &product, 1, stride, Sums<T>{acc, nv * W<T>, acc});
}

// Which lanes of two rows, s apart, belong to the first (or second) of the two after exchanging
// blocks of s lanes. The loop must be unrolled, or the compiler builds the mask at run time.
template <class T, int s, bool second>
inline auto exchange() {
  V<typename Number<T>::integer> which;
#pragma GCC unroll 16
  for (int j = 0; j < W<T>; ++j) which[j] = (j & s ? W<T> + j - s : j) + (second ? s : 0);
  return which;
}

// W x W values, in place: r[i][j] <-> r[j][i], by exchanging blocks of 1, 2, 4, ... lanes.
template <class T, int s = 1>
inline void transpose(V<T> (&r)[W<T>]) {
  if constexpr (s < W<T>) {
#pragma GCC unroll 16
    for (int i = 0; i < W<T>; ++i) {
      if (i & s) continue;
      const V<T> a = r[i], b = r[i + s];
      r[i] = shuffle<T>(a, b, exchange<T, s, false>());
      r[i + s] = shuffle<T>(a, b, exchange<T, s, true>());
    }
    transpose<T, 2 * s>(r);
  }
}

// The sums over the lanes of each of W vectors: lane i of the result belongs to r[i]. The exchanges
// of `transpose` without those that nobody needs.
template <class T, int s = 1>
inline V<T> lane_sums(V<T> (&r)[W<T>]) {
  if constexpr (s < W<T>) {
#pragma GCC unroll 16
    for (int i = 0; i + s < W<T>; i += 2 * s) {
      r[i] = shuffle<T>(r[i], r[i + s], exchange<T, s, false>()) +
             shuffle<T>(r[i], r[i + s], exchange<T, s, true>());
    }
    return lane_sums<T, 2 * s>(r);
  }
  return r[0];
}

// x . w for M rows of x and `count` <= W rows of w, as they lie in memory: with few rows of inputs,
// packing the weights would cost more than using them. Lanes past `count` are of no use. Some rows of w
// at a time, so that the sums stay in registers.
constexpr int kDotRows = 4;

template <class T, int M>
[[gnu::noinline]] void row_dots(Index depth, const T* w, Index count, const T* const* x, V<T>* out) {
  constexpr int most = CARROUSEL_REGISTERS >= 32 ? 16 : 8, fit = most / (M > 2 ? 4 : M);
  constexpr int N = fit < W<T> ? fit : W<T>;
  V<T> sum[M][W<T>];
  for (Index i0 = 0; i0 < W<T>; i0 += N) {
    V<T> part[M][N];
    const T* rows[N];
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) rows[i] = w + min(i0 + i, count - 1) * depth;
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 16
      for (int i = 0; i < N; ++i) part[m][i] = V<T>{};
    }
    Index k = 0;
    for (; k + W<T> <= depth; k += W<T>) {
#pragma GCC unroll 16
      for (int i = 0; i < N; ++i) {
        const V<T> b = load(rows[i] + k);
#pragma GCC unroll 4
        for (int m = 0; m < M; ++m) part[m][i] += b * load(x[m] + k);
      }
    }
    if (k < depth) {
#pragma GCC unroll 16
      for (int i = 0; i < N; ++i) {
        const V<T> b = load_some(rows[i] + k, depth - k);
#pragma GCC unroll 4
        for (int m = 0; m < M; ++m) part[m][i] += b * load_some(x[m] + k, depth - k);
      }
    }
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
#pragma GCC unroll 16
      for (int i = 0; i < N; ++i) sum[m][i0 + i] = part[m][i];
    }
  }
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) out[m] = lane_sums<T>(sum[m]);
}

// m <= kDotRows
template <class T>
inline void row_dots(Index m, Index depth, const T* w, Index count, const T* const* x, V<T>* out) {
  switch (m) {
    case 1: return row_dots<T, 1>(depth, w, count, x, out);
    case 2: return row_dots<T, 2>(depth, w, count, x, out);
    case 3: return row_dots<T, 3>(depth, w, count, x, out);
    default: return row_dots<T, 4>(depth, w, count, x, out);
  }
}

// Columns in groups of at most `widest` vectors, so that a narrow matrix wastes no lanes.
struct Columns {
  Index count;  // columns
  int widest;  // vectors in a full group
  int lanes;  // W

  Index vectors() const { return (count + lanes - 1) / lanes; }
  Index groups() const { return (vectors() + widest - 1) / widest; }
  Index first(Index group) const { return group * widest; }  // in vectors
  int width(Index group) const {
    const Index left = vectors() - first(group);
    return static_cast<int>(left < widest ? left : widest);
  }
};

// Split n rows into pieces of at most `most` rows, as equal as possible, a multiple of `slots` of
// them where there are enough rows; piece i is first(i) .. first(i + 1).
struct Pieces {
  Index rows, count;

  Pieces(Index n, Index most, Index slots) : rows(n), count((n + most - 1) / most) {
    if (n >= slots) count = (count + slots - 1) / slots * slots;
  }
  Index first(Index i) const { return i * rows / count; }
};
