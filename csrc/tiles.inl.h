// Products of narrow numbers on AMX: eight tiles of 16 rows of 64 bytes, and an instruction that adds the product
// of two of them to a third. A tile of rows are 16 rows of 16 words, one of a panel 16 words of a depth by 16
// lanes (as panels have them: nothing is packed anew), one of sums 16 rows by 16 lanes.
//
// Every tile is whole: rows past the last are read from wherever they lie (`kBeyond`) and their sums, which no
// other row's see, are written and never read; words past the depth meet zeros in the panel.

// While one of these is there its thread may multiply words: tiles have to be laid out first, and a thread that
// lets go of them is spared 8 KiB of state whenever the system turns to another.
struct Multiplying {
  bool tiles;

  explicit Multiplying(bool use_tiles) : tiles(use_tiles) {
    struct Palette {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    alignas(64) static constexpr Palette palette{};
    if (tiles) _tile_loadconfig(&palette);
  }
  Multiplying(const Multiplying&) = delete;
  ~Multiplying() {
    if (tiles) _tile_release();
  }
};

// What a product reads and writes; distances between rows in bytes.
template <class Sum>
struct TileProduct {
  Index depth;
  const std::int32_t *rows, *panel;
  const Sum* start;
  Sum* end;
  Index row, panel_row, start_row;

  template <class A>
  TileProduct(const WordProduct<A>& product, int nv, const Sums<Sum>& sums)
      : depth(product.depth),
        rows(product.rows.first),
        panel(product.panel),
        start(sums.start),
        end(sums.end),
        row(product.rows.row * 4),
        panel_row(nv * 64),
        start_row(sums.start_row * 4) {}

  Index next() const { return panel_row * 4; }  // words of a panel in a tile of it
};

// GCC's instructions on tiles do not say that they read memory: what was written there must lie there before.
#define CARROUSEL_MEMORY asm volatile("" ::: "memory")
// Which tiles are meant must be literal numbers.
#define CARROUSEL_ADD(SUMS, ROWS, PANEL)                        \
  if constexpr (A::per == 2) _tile_dpbf16ps(SUMS, ROWS, PANEL); \
  else _tile_dpbusd(SUMS, ROWS, PANEL)

// 16 rows by NV vectors: sums in tiles 0 .. 3, so that none waits for its own last addition.
template <class A, int NV>
[[gnu::noinline]] void tiles_16(const TileProduct<typename A::Sum>& p) {
  CARROUSEL_MEMORY;
  _tile_loadd(0, p.start, p.start_row);
  if constexpr (NV > 1) _tile_loadd(1, p.start + 16, p.start_row);
  if constexpr (NV > 2) _tile_loadd(2, p.start + 32, p.start_row);
  if constexpr (NV > 3) _tile_loadd(3, p.start + 48, p.start_row);
  const std::int32_t* panel = p.panel;
  for (Index k = 0; k < p.depth; k += 16, panel += p.next()) {
    _tile_loadd(4, p.rows + k, p.row);
    _tile_loadd(5, panel, p.panel_row);
    CARROUSEL_ADD(0, 4, 5);
    if constexpr (NV > 1) {
      _tile_loadd(6, panel + 16, p.panel_row);
      CARROUSEL_ADD(1, 4, 6);
    }
    if constexpr (NV > 2) {
      _tile_loadd(7, panel + 32, p.panel_row);
      CARROUSEL_ADD(2, 4, 7);
    }
    if constexpr (NV > 3) {
      _tile_loadd(5, panel + 48, p.panel_row);
      CARROUSEL_ADD(3, 4, 5);
    }
  }
  _tile_stored(0, p.end, p.panel_row);
  if constexpr (NV > 1) _tile_stored(1, p.end + 16, p.panel_row);
  if constexpr (NV > 2) _tile_stored(2, p.end + 32, p.panel_row);
  if constexpr (NV > 3) _tile_stored(3, p.end + 48, p.panel_row);
  CARROUSEL_MEMORY;
}

// 32 rows by one or two vectors: each tile of a panel is read once for both tiles of rows.
template <class A, int NV>
[[gnu::noinline]] void tiles_32(const TileProduct<typename A::Sum>& p) {
  const auto* const start = reinterpret_cast<const char*>(p.start) + 16 * p.start_row;
  const auto* const rows = reinterpret_cast<const char*>(p.rows) + 16 * p.row;
  auto* const end = reinterpret_cast<char*>(p.end) + 16 * p.panel_row;
  CARROUSEL_MEMORY;
  _tile_loadd(0, p.start, p.start_row);
  _tile_loadd(2, start, p.start_row);
  if constexpr (NV > 1) {
    _tile_loadd(1, p.start + 16, p.start_row);
    _tile_loadd(3, start + 64, p.start_row);
  }
  const std::int32_t* panel = p.panel;
  for (Index k = 0; k < p.depth; k += 16, panel += p.next()) {
    _tile_loadd(4, p.rows + k, p.row);
    _tile_loadd(5, rows + 4 * k, p.row);
    _tile_loadd(6, panel, p.panel_row);
    CARROUSEL_ADD(0, 4, 6);
    CARROUSEL_ADD(2, 5, 6);
    if constexpr (NV > 1) {
      _tile_loadd(7, panel + 16, p.panel_row);
      CARROUSEL_ADD(1, 4, 7);
      CARROUSEL_ADD(3, 5, 7);
    }
  }
  _tile_stored(0, p.end, p.panel_row);
  _tile_stored(2, end, p.panel_row);
  if constexpr (NV > 1) {
    _tile_stored(1, p.end + 16, p.panel_row);
    _tile_stored(3, end + 64, p.panel_row);
  }
  CARROUSEL_MEMORY;
}
#undef CARROUSEL_ADD
#undef CARROUSEL_MEMORY

// m <= word_rows<A>(nv); rows lie along their words (step 1), and sums end with room for 16 or 32 rows.
template <class A>
inline void multiply_words(Index m, int nv, const WordProduct<A>& product,
                           const Sums<typename A::Sum>& sums) {
  if (product.few) return multiply_in_registers<A>(m, nv, product, sums);
  TileProduct<typename A::Sum> p(product, nv, sums);
  using Tile = void (*)(const TileProduct<typename A::Sum>&);
  static constexpr Tile low[] = {tiles_16<A, 1>, tiles_16<A, 2>, tiles_16<A, 3>, tiles_16<A, 4>};
  if (m <= 16) return low[nv - 1](p);
  for (int v = 0; v < nv; v += 2, p.panel += 32, p.start += 32, p.end += 32) {
    v + 1 < nv ? tiles_32<A, 2>(p) : tiles_32<A, 1>(p);
  }
}
