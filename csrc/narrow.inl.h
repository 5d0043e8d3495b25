// A layer forward with narrow numbers in its products: weights packed as words, inputs and hidden states
// rounded as they come; gates and states are float32. The kind says how (words.inl.h).
//
// Work is split as in forward.inl.h. Where it is split by units every worker rounds all rows for itself,
// which costs less than waiting for each other once more.

// The packed weights of both products, W_ih x (0) and W_hh h (1), in the order of the groups: panels of so
// many words a row, a bias for each row of sums and, of integers, what a sum begins with and its scale.
struct NarrowWeights {
  const std::int32_t *panels[2], *start[2];
  const float *scale[2], *bias[2];
  Index words[2];
};

template <class C>
struct NarrowUnits : Columns {
  using G = Group<float, C>;
  Index dense;

  explicit NarrowUnits(Index hidden)
      : Columns{hidden, Layout<float, C>::widest, W<float>}, dense(Layout<float, C>::dense(hidden)) {}
  G group(Index g) const { return G(*this, g, dense); }
  Index row() const { return vectors() * Layout<float, C>::vector; }  // sums, also those of no unit
};

template <class A, class C>
struct NarrowPass {
  using G = Group<float, C>;
  // Rows as words, and the scale of each: of inputs (0) and hidden states (1).
  struct Room {
    std::int32_t* words[2];
    float* scale[2];
  };
  static constexpr int rows = word_rows<A>(C::gates == 3 ? 3 : kPanel);
  static constexpr Index most = kWordRows * 4 * W<float>;  // sums of a panel

  const Forward<float>& p;
  NarrowWeights w;
  NarrowUnits<C> units;
  const G* groups = nullptr;
  Room* rooms = nullptr;  // of each worker
  float* projected = nullptr;
  Index span = 1, ahead_rows = 0;  // as in ForwardPass
  int workers = 1;
  bool by_units = false;
  bool few[2] = {};  // rows for a product

  NarrowPass(const Forward<float>& layer, const NarrowWeights& weights)
      : p(layer), w(weights), units(layer.hidden) {}

  Index stride(int k) const { return word_stride<A>(k ? p.hidden : p.input); }
  Index before(Index t) const { return p.reverse ? t + 1 : t - 1; }
  Index step(Index s) const { return p.reverse ? p.steps.count - 1 - s : s; }
  bool mine(const Worker& me, Index piece) const { return by_units || me.owns(piece); }

  const float* h_before(Index t, Index r) const {
    return r < p.steps.rows(before(t)) ? p.y.at(p.steps, before(t), r) : p.h0 + r * p.hidden;
  }

  // Rounds a row into place `at` of the room.
  void round(const Room& room, int k, Index at, const float* from) const {
    room.scale[k][at] = A::round(from, k ? p.hidden : p.input, room.words[k] + at * stride(k));
  }

  // Product k and its bias for m rows of the room from `at` on and one group, in the tile's order.
  void product(const G& group, int k, const Room& room, Index at, Index m, float* out) const {
    const Index panel = group.nv * W<float>;
    WordProduct<A> factor{w.words[k],
                          {room.words[k] + at * stride(k), stride(k), 1},
                          w.panels[k] + group.offset() * panel_depth(w.words[k]),
                          few[k]};
    for (int i = 0; i < group.panels; ++i, out += m * panel) {
      const Index place = group.offset() + i * panel;
      A::product(factor, m, group.nv, w.start[k] + place, w.scale[k] + place, w.bias[k] + place,
                 room.scale[k] + at, out);
      factor.panel += panel * panel_depth(w.words[k]);
    }
  }

  const float* c_before(Index t, Index r) const {
    if (!p.cells) return p.c_n + r * p.hidden;  // runs in place
    const Index earlier = before(t);
    return r < p.steps.rows(earlier) ? p.cells + (p.steps.begin(earlier) + r) * p.hidden
                                     : p.c0 + r * p.hidden;
  }

  // Row `at` of the batch and one group, of whose sums it is row r of m.
  void gates(Index t, const G& group, Index at, const float* of_x, Index rx, Index mx, const float* of_h,
             Index r, Index m) const {
    float* const y = p.y.at(p.steps, t, at);
    const Index row = p.steps.begin(t) + at;
    for (Index v = 0; v * W<float> < group.units; ++v) {
      const Index u = group.first + v * W<float>, n = p.hidden - u;
      V<float> s[C::sums], cell{}, hidden, h{};
#pragma GCC unroll 4
      for (Index g = 0; g < C::gates; ++g) {
        const V<float> a = load(of_x + group.gate(g, v, rx, mx)), b = load(of_h + group.gate(g, v, r, m));
        if (C::gru && g == 2) s[2] = a, s[C::sums - 1] = b;
        else s[g] = a + b;
      }
      if constexpr (C::cell) cell = load(c_before(t, at) + u, n);
      if constexpr (C::gru) h = load(h_before(t, at) + u, n);
      C::forward(s, cell, h, hidden);
      store(y + u, hidden, n);
      if constexpr (C::cell) store((p.cells ? p.cells + row * p.hidden : p.c_n + at * p.hidden) + u, cell, n);
      if constexpr (C::saved > 0) {
        if (!p.saved) continue;
#pragma GCC unroll 4
        for (Index g = 0; g < C::saved; ++g) store(p.saved + (row * C::saved + g) * p.hidden + u, s[g], n);
      }
    }
  }

  // Groups g0 .. g1 of m rows from r0 on; `ahead`: the projection of row r0, or null.
  void block(Index t, Index g0, Index g1, Index r0, Index m, const Room& room, const float* ahead) const {
    alignas(64) float of_x[kWordSpan][most], of_h[kWordSpan][most];
    for (Index i = 0; i < g1 - g0; ++i) {
      if (!ahead) product(groups[g0 + i], 0, room, r0, m, of_x[i]);
      product(groups[g0 + i], 1, room, r0, m, of_h[i]);
    }
    for (Index r = 0; r < m; ++r) {
      for (Index i = 0; i < g1 - g0; ++i) {
        const G& group = groups[g0 + i];
        const float* const own = ahead ? ahead + r * units.row() + group.offset() : of_x[i];
        gates(t, group, r0 + r, own, ahead ? 0 : r, ahead ? 1 : m, of_h[i], r, m);
      }
    }
  }

  // W_ih x + b of the steps from the s-th on, as many as fit, for the rows (or groups) of this worker
  // -> the first step that is left.
  Index project(const Worker& me, const Pieces& pieces, Index s, Index g0, Index g1, const Room& room,
                float* out) const {
    Index n = 0;
    for (; s < p.steps.count && n + p.steps.rows(step(s)) <= ahead_rows; ++s) {
      const Index t = step(s);
      for (Index i = 0; i < pieces.count; ++i) {
        if (!mine(me, i)) continue;
        for (Index r = pieces.first(i); r < pieces.first(i + 1) && r < p.steps.rows(t); ++r) {
          round(room, 0, n++, p.x.at(p.steps, t, r));
        }
      }
    }
    alignas(64) float acc[most];
    const Pieces tiles(n, rows, 1);
    for (Index g = g0; g < g1; ++g) {
      for (Index i = 0; i < tiles.count; ++i) {
        const Index r0 = tiles.first(i), m = tiles.first(i + 1) - r0;
        product(groups[g], 0, room, r0, m, acc);
        for (Index q = 0; q < groups[g].vectors(); ++q) {
          for (Index r = 0; r < m; ++r) {
            store(out + (r0 + r) * units.row() + groups[g].offset() + q * W<float>,
                  load(acc + groups[g].vector(q, r, m)));
          }
        }
      }
    }
    return s;
  }

  // All rows of a step that this worker reads.
  void round_step(const Worker& me, const Pieces& pieces, Index t, const Room& room) const {
    for (Index i = 0; i < pieces.count; ++i) {
      if (!mine(me, i)) continue;
      for (Index r = pieces.first(i); r < pieces.first(i + 1) && r < p.steps.rows(t); ++r) {
        if (!ahead_rows) round(room, 0, r, p.x.at(p.steps, t, r));
        round(room, 1, r, h_before(t, r));
      }
    }
  }

  void run(const Worker& me) const {
    const Multiplying now(!few[0] || !few[1]);
    const Room& room = rooms[me.begin];
    const Index g0 = by_units ? me.first(units.groups()) : 0;
    const Index g1 = by_units ? me.last(units.groups()) : units.groups();
    const Pieces pieces(p.steps.batch, rows, by_units ? 1 : workers);
    float* const ahead = projected + (by_units ? 0 : me.begin * ahead_rows * units.row());
    const float* from = nullptr;
    Index ready = 0;
    for (Index s = 0; s < p.steps.count; ++s) {
      const Index t = step(s);
      if (ahead_rows && s == ready) {
        ready = project(me, pieces, s, g0, g1, room, ahead);
        from = ahead;
      }
      round_step(me, pieces, t, room);
      const float* next = from;
      for (Index k = 0; k * span < g1 - g0; ++k) {
        const Index g = g0 + there_and_back(s, k, g1 - g0, span);
        next = from;
        for (Index i = 0; i < pieces.count; ++i) {
          const Index r0 = pieces.first(i), m = min(pieces.first(i + 1), p.steps.rows(t)) - r0;
          if (m <= 0 || !mine(me, i)) continue;
          block(t, g, min(g + span, g1), r0, m, room, next);
          if (next) next += m * units.row();
        }
      }
      from = next;
      if (by_units) me.sync();
    }
  }
};

// `pack`: what each worker does before all of them start.
template <class A, class C, class Pack>
void narrow_forward(const Forward<float>& p, const NarrowWeights& weights, int threads, const Pack& pack) {
  Scratch scratch;
  NarrowPass<A, C> pass(p, weights);
  const Index row = pass.units.row(), batch = p.steps.batch, groups = pass.units.groups();
  const Index bytes = row * (p.input + p.hidden) * 4 / A::per;
  pass.workers = useful_workers(p.steps, row * (p.input + p.hidden) / A::per, threads);
  pass.by_units = split_units(p.steps, groups, bytes, pass.workers);
  constexpr Index ahead = 64;
  pass.ahead_rows = p.steps.count > 1 && batch < 2 * pass.rows && 2 * batch <= ahead ? ahead : 0;
  pass.few[0] = too_few(max(batch, pass.ahead_rows));
  pass.few[1] = too_few(batch);
  pass.span = max(1, min(kWordSpan, kSpanBytes * groups / bytes));
  Group<float, C>* const group = scratch.take<Group<float, C>>(groups);
  for (Index g = 0; g < groups; ++g) group[g] = pass.units.group(g);
  pass.groups = group;
  using Room = typename NarrowPass<A, C>::Room;
  pass.rooms = scratch.take<Room>(pass.workers);
  for (int i = 0; i < pass.workers; ++i) {
    for (int k = 0; k < 2; ++k) {
      const Index rows = (k ? batch : max(batch, pass.ahead_rows)) + kBeyond;
      pass.rooms[i].words[k] = scratch.take<std::int32_t>(rows * pass.stride(k));
      pass.rooms[i].scale[k] = scratch.take<float>(rows);
    }
  }
  pass.projected = scratch.take<float>((pass.by_units ? 1 : pass.workers) * pass.ahead_rows * row);
  if constexpr (C::cell) {
    if (!p.cells) std::memcpy(p.c_n, p.c0, static_cast<std::size_t>(batch * p.hidden) * sizeof(float));
  }
  team(pass.workers, [&](const Worker& me) {
    pack(me, pass.groups);
    pass.run(me);
  });
  final_states(p);
}
