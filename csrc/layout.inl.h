// How the sums of a cell lie beside each other, and its weights and biases packed in that order: groups
// of units, each in panels for the tile.

constexpr int kPanel = CARROUSEL_REGISTERS >= 32 ? 4 : 2;  // vectors in a panel
constexpr Index kSpan = 8;                                 // most groups in a block
constexpr Index kSums = kMaxRows * 4;                      // vectors that their sums take, each
// What fits the second cache beside others: weights of a block (unless of one group), features of dW.
constexpr Index kSpanBytes = (CARROUSEL_REGISTERS >= 32 ? 512 : 256) << 10;
constexpr Index kNearBytes = (CARROUSEL_REGISTERS >= 32 ? 512 : 128) << 10;

// How a cell's sums lie in groups of panels: group = `units` vectors of units x gates.
template <class T, class C>
struct Layout {
  static constexpr int widest = C::gates == 1 ? kPanel : 1;
  static constexpr int rows = tile_rows(C::gates == 3 ? 3 : kPanel);
  static constexpr Index vector = C::gates * W<T>;  // values that one vector of units needs

  static int panel(int units) { return C::gates == 1 ? units : C::gates == 3 ? 3 : kPanel; }

  // Units of a last vector so empty that its gates fit fewer vectors side by side; else 0.
  static Index dense(Index hidden) {
    const Index rest = hidden % W<T>, vectors = (rest * C::gates + W<T> - 1) / W<T>;
    return vectors < C::gates && vectors <= kPanel ? rest : 0;
  }
};

// The sums of one group of units. Gate g of vector v of the units lies in vector v*G + g; in a dense
// group (the last one, of `units` < W) it begins at lane g*units: i i i i f f f f g g g g o o o o.
template <class T, class C>
struct Group {
  Index first, units;   // its first unit; how many, padded to whole vectors unless dense
  Index lanes;          // from one gate to the next
  int nv, panels;       // panels of nv vectors

  Group(const Columns& columns, Index group, Index dense) : first(columns.first(group) * W<T>) {
    const int width = columns.width(group);
    const bool last = dense && group == columns.groups() - 1;
    units = last ? dense : width * W<T>;
    lanes = last ? dense : W<T>;
    nv = last ? static_cast<int>((dense * C::gates + W<T> - 1) / W<T>) : Layout<T, C>::panel(width);
    panels = last ? 1 : width * C::gates / nv;
  }

  Index offset() const { return first * C::gates; }  // in rows of sums and in packed weights
  Index vectors() const { return panels * nv; }

  // Where lane 0 of vector q of row r of M lies in the tile's sums.
  Index vector(Index q, Index r, Index m) const { return ((q / nv * m + r) * nv + q % nv) * W<T>; }

  // The same for gate g of vector v of the units. Several panels have kPanel vectors, and the group one
  // vector of units.
  Index gate(Index g, Index v, Index r, Index m) const {
    if (panels == 1) return r * nv * W<T> + v * C::gates * W<T> + g * lanes;
    return ((g / kPanel * m + r) * kPanel + g % kPanel) * W<T>;
  }

  // The row of the weights that fills a lane of vector q; -1: zeros.
  Index row(Index q, Index lane, Index hidden) const {
    if (lanes == W<T>) {
      const Index unit = first + q / C::gates * W<T> + lane;
      return unit < hidden ? q % C::gates * hidden + unit : -1;
    }
    const Index at = q * W<T> + lane, g = at / lanes;
    return g < C::gates ? g * hidden + first + at % lanes : -1;
  }
};

// Weights (G*H, depth) -> for each group and panel: depth x panel, units past H as zeros.
template <class T, class C>
void pack_forward(const T* weights, Index hidden, Index depth, const Group<T, C>& group, T* packed) {
  packed += group.offset() * depth;
  for (Index q = 0; q < group.vectors(); ++q) {
    T* const out = packed + group.vector(q, 0, depth);
    Index rows[W<T>];
    for (Index lane = 0; lane < W<T>; ++lane) rows[lane] = group.row(q, lane, hidden);
    for (Index k = 0; k < depth; k += W<T>) {
      V<T> block[W<T>];
#pragma GCC unroll 16
      for (Index lane = 0; lane < W<T>; ++lane) {
        block[lane] = rows[lane] < 0 ? V<T>{} : load(weights + rows[lane] * depth + k, depth - k);
      }
      transpose<T>(block);
      for (Index i = 0; i < W<T> && k + i < depth; ++i) store(out + (k + i) * group.nv * W<T>, block[i]);
    }
  }
}

// Biases in the order of the sums; the GRU's b_hn apart in `hidden_n`.
template <class T, class C>
void pack_bias(const Layer<T>& p, const Group<T, C>& group, T* packed, T* hidden_n) {
  for (Index at = 0; at < group.vectors() * W<T>; ++at) {
    const Index row = group.row(at / W<T>, at % W<T>, p.hidden);
    const T ih = row >= 0 && p.b_ih ? p.b_ih[row] : T(0), hh = row >= 0 && p.b_hh ? p.b_hh[row] : T(0);
    const bool apart = C::gru && row >= 2 * p.hidden;
    packed[group.offset() + at] = apart ? ih : ih + hh;
    if (apart) hidden_n[row - 2 * p.hidden] = hh;
  }
}
