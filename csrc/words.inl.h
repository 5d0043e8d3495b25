// Products of narrow numbers: `per` of them lie in a word of 32 bits, in a row of inputs as in a panel of
// weights, and a tile is that of tile.inl.h with words in the place of numbers. A kind says how long a word
// is, what sums are kept in and how a word of a row and a vector of words of a panel are multiplied and added.
//
// With AMX (CARROUSEL_AMX) tiles.inl.h multiplies instead, unless rows are few.

#ifdef CARROUSEL_AMX
constexpr bool kTiles = true;
constexpr int kWordRows = 32;  // most rows of a product
#else
constexpr bool kTiles = false;
constexpr int kWordRows = kMaxRows;
#endif
constexpr Index kBeyond = kTiles ? kWordRows - 1 : 0;  // rows past the last that a product may read
constexpr Index kWordSpan = kSpan * kMaxRows / kWordRows;  // as many sums in a block as elsewhere

// Words of a panel: whole tiles of them, the last ones zero.
constexpr Index panel_depth(Index words) { return kTiles ? (words + 15) / 16 * 16 : words; }

// Rows for which the tiles are not worth it: they take as long for one row as for 16, some instructions on
// vectors less. To be said of a whole batch, for which of the two it is shows in a row's last bits.
constexpr Index kTooFewRows = 4;
constexpr bool too_few(Index rows) { return !kTiles || rows < kTooFewRows; }

struct WordRows {
  const std::int32_t* first;
  Index row, step;  // words from one row to the next, and from one word of a row to the next
};

// Rows that fit the registers, as `tile_rows` says of plain numbers.
template <class A>
constexpr int register_rows(int nv) {
  const int fit = (CARROUSEL_REGISTERS - A::vectors * (nv + 1)) / nv;
  return fit < 1 ? 1 : fit < kMaxRows ? fit : kMaxRows;
}

// Rows of a product.
template <class A>
constexpr int word_rows(int nv) {
  return kTiles ? kWordRows : register_rows<A>(nv);
}

template <class A>
struct WordProduct {
  Index depth;  // in words
  WordRows rows;
  const std::int32_t* panel;  // of panel_depth(depth) words
  bool few;  // rows: no tiles
};

template <class A, int M, int NV>
[[gnu::noinline]] void word_tile(const WordProduct<A>& product, const Sums<typename A::Sum>& sums) {
  using Sum = typename A::Sum;
  V<Sum> sum[M][NV];
  const Sum* start = sums.start;
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m, start += sums.start_row) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) sum[m][v] = load(start + v * W<Sum>);
  }
  const std::int32_t *a[M], *panel = product.panel;
  const Index step = product.rows.step;
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) a[m] = product.rows.first + m * product.rows.row;
  for (Index k = 0; k < product.depth; ++k) {
    typename A::Ready b[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) b[v] = A::panel(load(panel + v * W<Sum>));
    panel += NV * W<Sum>;
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const typename A::Ready x = A::row(a[m][k * step]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) A::add(sum[m][v], x, b[v]);
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) store(sums.end + (m * NV + v) * W<Sum>, sum[m][v]);
  }
}

// m <= register_rows<A>(nv)
template <class A>
inline void multiply_in_registers(Index m, int nv, const WordProduct<A>& product,
                                  const Sums<typename A::Sum>& sums) {
  using Tile = void (*)(const WordProduct<A>&, const Sums<typename A::Sum>&);
#define CARROUSEL_FIT(M, NV) (M <= register_rows<A>(NV) ? M : 1)
#define CARROUSEL_ROW(NV)                                                                                \
  {                                                                                                      \
    word_tile<A, 1, NV>, word_tile<A, CARROUSEL_FIT(2, NV), NV>, word_tile<A, CARROUSEL_FIT(3, NV), NV>, \
        word_tile<A, CARROUSEL_FIT(4, NV), NV>, word_tile<A, CARROUSEL_FIT(5, NV), NV>,                  \
        word_tile<A, CARROUSEL_FIT(6, NV), NV>, word_tile<A, CARROUSEL_FIT(7, NV), NV>,                  \
        word_tile<A, CARROUSEL_FIT(8, NV), NV>                                                           \
  }
  static constexpr Tile tiles[4][kMaxRows] = {CARROUSEL_ROW(1), CARROUSEL_ROW(2), CARROUSEL_ROW(3),
                                              CARROUSEL_ROW(4)};
#undef CARROUSEL_ROW
#undef CARROUSEL_FIT
  tiles[nv - 1][m - 1](product, sums);
}

// Words of a row of n numbers, as a buffer has room for them: whole vectors are written.
template <class A>
constexpr Index word_stride(Index n) {
  return (n + 63) / 64 * 64 / A::per;
}

#ifdef CARROUSEL_AMX
#include "tiles.inl.h"
#else
// Between them a thread may multiply words.
struct Multiplying {
  explicit Multiplying(bool) {}
};

// m <= word_rows<A>(nv)
template <class A>
inline void multiply_words(Index m, int nv, const WordProduct<A>& product,
                           const Sums<typename A::Sum>& sums) {
  multiply_in_registers<A>(m, nv, product, sums);
}
#endif
