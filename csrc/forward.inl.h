// Forward through time: for each step, tile the rows against the packed weights and apply the gates
// while the sums are still in L1.
//
// Work is split by rows (each worker owns tiles of rows through all steps and never waits) or by
// units (each worker owns groups of hidden units, keeps their weights in its own cache and waits
// once a step). Each row's arithmetic is the same in every split.
//
// A block is some rows by a span of groups whose weights fit the second cache: its sums come first,
// then the gates of whole rows, so that the record is written in the order in which it lies.

// Where the k-th span of n groups begins in step s. Every other step goes backwards, so that the
// weights that are still in the nearest cache come first.
inline Index there_and_back(Index s, Index k, Index n, Index span) {
  return (s % 2 ? (n - 1) / span - k : k) * span;
}

// Weights that a step of few rows shares with others: reading a half of them must take longer than waiting
// once a step, a microsecond where the processors are a virtual machine's. With 32 registers such a step
// was measured on Zen 4 alone, which waits for less.
constexpr Index kSharedBytes = (CARROUSEL_REGISTERS >= 32 ? 32 : 128) << 10;

// Split by units where rows are too few to share, or where weights that no private cache holds
// would be read by every worker.
inline bool split_units(const Steps& steps, Index groups, Index weight_bytes, int workers) {
  if (workers == 1 || groups < workers) return false;
  const bool few_rows = steps.batch < 4 * workers && weight_bytes >= kSharedBytes;
  const bool large = weight_bytes > (512 << 10) && steps.batch < 512;
  return few_rows || large;
}

// Whether so many groups of units, `span` of which fit the second cache, are worth bringing there before they are
// used. With 32 registers that was never measured.
inline bool weights_are_far(Index groups, Index span) {
  return CARROUSEL_REGISTERS < 32 && groups > 2 * span;
}

template <class T, class C>
struct ForwardPass {
  using L = Layout<T, C>;
  const Forward<T>& p;
  Columns units;
  const Group<T, C>* groups = nullptr;
  Index span = 1;  // groups in a block
  int workers = 1;
  bool by_units = false;
  Index ahead_rows = 0;  // most rows whose inputs are projected before their step; 0: inside the tile
  T *w_ih = nullptr, *w_hh = nullptr, *bias = nullptr, *bias_n = nullptr, *projected = nullptr;
  const T** pointers = nullptr;  // for each worker: inputs, hidden states and cell states of a step's rows

  Index before(Index t) const { return p.reverse ? t + 1 : t - 1; }

  void pack(const Worker& me) const {
    for (Index g = me.first(units.groups()); g < me.last(units.groups()); ++g) {
      pack_bias<T, C>(p, groups[g], bias, bias_n);
      if (!w_hh) continue;
      pack_forward<T, C>(p.w_ih, p.hidden, p.input, groups[g], w_ih);
      pack_forward<T, C>(p.w_hh, p.hidden, p.hidden, groups[g], w_hh);
    }
    me.sync();
  }

  // Where step t reads what the step before it left; at the start, the initial state.
  void point(Index t, const T** x, const T** h, const T** c) const {
    const Index continued = p.steps.rows(before(t));
    for (Index r = 0; r < p.steps.rows(t); ++r) {
      x[r] = p.x.at(p.steps, t, r);
      h[r] = r < continued ? p.y.at(p.steps, before(t), r) : p.h0 + r * p.hidden;
      if constexpr (C::cell) {
        if (!p.cells) c[r] = p.c_n + r * p.hidden;  // runs in place
        else c[r] = r < continued ? p.cells + (p.steps.begin(before(t)) + r) * p.hidden : p.c0 + r * p.hidden;
      }
    }
  }

  // What the sums of m rows of a group begin with: the bias, or the projection made ahead.
  Sums<T> begin(const Group<T, C>& group, Index m, const T* ahead_row, T* acc) const {
    const Index panel = group.nv * W<T>, next = group.panels == 1 ? kSums * W<T> : m * panel;
    if (ahead_row) return {ahead_row + group.offset(), units.vectors() * L::vector, acc, panel, next};
    return {bias + group.offset(), 0, acc, panel, next};
  }

  Product<T> inputs(const T* const* x) const { return {p.input, x, w_hh ? w_ih : p.w_ih}; }
  Product<T> hiddens(const T* const* h) const { return {p.hidden, h, w_hh ? w_hh : p.w_hh}; }

  // Start plus products, for M rows of one group, or of `alike` groups of one panel; the weights of `next` are
  // brought near.
  void add(const Group<T, C>& group, Index m, const Product<T>* factors, int count, const Sums<T>& sums,
           Index alike = 1, const Group<T, C>* next = nullptr, const Ahead& ahead = {}) const {
    if (!w_hh) return add_dots(group, m, factors, count, sums);
    Product<T> packed[2];
    for (int f = 0; f < count; ++f) {
      packed[f] = factors[f];
      packed[f].panel += group.offset() * factors[f].depth;
      if (next) ahead.set(packed[f], factors[f].panel + next->offset() * factors[f].depth, group.nv);
    }
    multiply_panels<T>(static_cast<int>(m), group.nv, group.panels * alike, packed, count, sums);
  }

  // How many groups from the g-th on have one panel each and are as wide.
  Index alike(Index g, Index g1) const {
    Index n = 1;
    if (!w_hh || groups[g].panels > 1) return n;
    while (g + n < g1 && groups[g + n].nv == groups[g].nv && groups[g + n].lanes == groups[g].lanes) ++n;
    return n;
  }

  // The same with the weights as they lie in memory.
  void add_dots(const Group<T, C>& group, Index m, const Product<T>* factors, int count,
                const Sums<T>& sums) const {
    for (Index q = 0; q < group.vectors(); ++q) {
      const Index unit0 = group.first + q / C::gates * W<T>;
      const Index row0 = q % C::gates * p.hidden + unit0, left = min(W<T>, p.hidden - unit0);
      for (Index r0 = 0; r0 < m; r0 += kDotRows) {
        const Index n = min(kDotRows, m - r0);
        V<T> sum[kDotRows];
        for (Index r = 0; r < n; ++r) sum[r] = load(sums.start + (r0 + r) * sums.start_row + q * W<T>);
        for (const Product<T>* f = factors; f != factors + count; ++f) {
          V<T> dots[kDotRows];
          row_dots<T>(n, f->depth, f->panel + row0 * f->depth, left, f->rows + r0, dots);
          for (Index r = 0; r < n; ++r) sum[r] += dots[r];
        }
        for (Index r = 0; r < n; ++r) store(sums.end + group.vector(q, r0 + r, m), sum[r]);
      }
    }
  }

  // The GRU's candidate needs W_in x + b_in and W_hn h + b_hn apart: set the first aside.
  void set_aside(const Group<T, C>& group, Index m, T* acc, T* apart) const {
    for (Index r = 0; r < m; ++r) {
      T* const third = acc + group.gate(2, 0, r, m);
      store(apart + r * W<T>, load(third));
      store(third, load(bias_n + group.first), group.units);
    }
  }

  // Where what a row of a step reads and writes lies; null: absent.
  struct Row {
    const T *h, *c;
    T *y, *cells, *saved;
  };

  Row row_of(Index t, Index r, const T* h, const T* c) const {
    const Index row = p.steps.begin(t) + r;
    Row found{h, c, p.y.at(p.steps, t, r), nullptr, nullptr};
    if constexpr (C::cell) found.cells = p.cells ? p.cells + row * p.hidden : p.c_n + r * p.hidden;
    if constexpr (C::saved > 0) found.saved = p.saved ? p.saved + row * C::saved * p.hidden : nullptr;
    return found;
  }

  // A row, which is row r of m in the sums, and a vector of a group's units, of which n are there.
  template <bool whole>
  void gates(const Row& row, const Group<T, C>& group, Index v, Index n, Index r, Index m, const T* acc,
             const T* apart) const {
    const Index u = group.first + v * W<T>;
    V<T> s[C::sums];
#pragma GCC unroll 4
    for (Index g = 0; g < C::gates; ++g) s[g] = load(acc + group.gate(g, v, r, m));
    if constexpr (C::gru) {
      s[3] = s[2];
      s[2] = load(apart + r * W<T>);
    }
    V<T> cell{}, hidden, h_before{};
    if constexpr (C::cell) cell = load_lanes<whole>(row.c + u, n);
    if constexpr (C::gru) h_before = load_lanes<whole>(row.h + u, n);
    C::forward(s, cell, h_before, hidden);
    store_lanes<whole>(row.y + u, hidden, n);
    if constexpr (C::cell) store_lanes<whole>(row.cells + u, cell, n);
    if constexpr (C::saved > 0) {
      if (!row.saved) return;
#pragma GCC unroll 4
      for (Index g = 0; g < C::saved; ++g) store_lanes<whole>(row.saved + g * p.hidden + u, s[g], n);
    }
  }

  // Groups g0 .. g1; `ahead_row` is the projection of row r0, or null: project here.
  void block(Index t, Index g0, Index g1, Index r0, Index m, const T* const* x, const T* const* h,
             const T* const* c, const T* ahead_row, Index next, const Ahead& ahead) const {
    alignas(64) T acc[kSpan][kSums * W<T>], apart[kSpan][kMaxRows * W<T>];
    Product<T> both[] = {inputs(x), hiddens(h)};
    if (ahead_row) both[0].depth = 0;
    for (Index i = 0, n = 0; i < g1 - g0; i += n) {
      const Group<T, C>& group = groups[g0 + i];
      const bool more = ahead.pieces > 0 && next + i < units.groups();
      const Group<T, C>* const then = more ? groups + next + i : nullptr;
      n = alike(g0 + i, g1);
      if constexpr (C::gru) {
        add(group, m, both, 1, begin(group, m, ahead_row, acc[i]), n);
        for (Index j = i; j < i + n; ++j) set_aside(groups[g0 + j], m, acc[j], apart[j]);
        add(group, m, both + 1, 1, {acc[i], group.nv * W<T>, acc[i], kSums * W<T>, kSums * W<T>}, n, then,
            ahead);
      } else {
        const int known = ahead_row ? 1 : 0;
        add(group, m, both + known, 2 - known, begin(group, m, ahead_row, acc[i]), n, then, ahead);
      }
    }
    for (Index r = 0; r < m; ++r) {
      const Row row = row_of(t, r0 + r, h[r], C::cell ? c[r] : nullptr);
      for (Index i = 0; i < g1 - g0; ++i) {
        const Group<T, C>& group = groups[g0 + i];
        for (Index v = 0; v * W<T> < group.units; ++v) {
          const Index n = p.hidden - group.first - v * W<T>;
          if (n >= W<T>) gates<true>(row, group, v, n, r, m, acc[i], apart[i]);
          else gates<false>(row, group, v, n, r, m, acc[i], apart[i]);
        }
      }
    }
  }

  Index step(Index s) const { return p.reverse ? p.steps.count - 1 - s : s; }  // that runs s-th
  bool mine(const Worker& me, Index piece) const { return by_units || me.owns(piece); }

  // W_ih x + b for the rows that this worker owns (or its groups of all rows) of the steps from the
  // s-th on, as many as fit, in the order in which the steps will read them. Workers that own rows
  // each have their own room for it: they do not wait for each other, and are not at the same step.
  // Returns the first step that is left for the next time.
  Index project(const Worker& me, const Pieces& pieces, Index s, Index g0, Index g1, const T** x,
                T* out) const {
    Index n = 0;
    for (; s < p.steps.count && n + p.steps.rows(step(s)) <= ahead_rows; ++s) {
      const Index t = step(s);
      for (Index i = 0; i < pieces.count; ++i) {
        if (!mine(me, i)) continue;
        for (Index r = pieces.first(i); r < pieces.first(i + 1) && r < p.steps.rows(t); ++r) {
          x[n++] = p.x.at(p.steps, t, r);
        }
      }
    }
    for (Index k0 = 0; k0 < p.input; k0 += kLongDepth) {
      for (Index g = g0; g < g1; ++g) {
        const Index panel = groups[g].nv * W<T>;
        for (int i = 0; i < groups[g].panels; ++i) {
          project_panel(groups[g].nv, groups[g].offset() + i * panel, k0, n, x, out);
        }
      }
    }
    return s;
  }

  // The part of it of inputs k0 .. k0 + kLongDepth and the sums of one panel, from the `at`-th on.
  void project_panel(int nv, Index at, Index k0, Index n, const T* const* x, T* out) const {
    const Pieces tiles(n, L::rows, 1);
    const Index row = units.vectors() * L::vector;
    alignas(64) T acc[kSums * W<T>];
    for (Index i = 0; i < tiles.count; ++i) {
      const Index r0 = tiles.first(i), m = tiles.first(i + 1) - r0;
      const T* from[kMaxRows];
      for (Index r = 0; r < m; ++r) from[r] = x[r0 + r] + k0;
      T* const to = out + r0 * row + at;
      const Product<T> factor{min(kLongDepth, p.input - k0), from, w_ih + at * p.input + k0 * nv * W<T>};
      multiply<T>(static_cast<int>(m), nv, &factor, 1, 1,
                  k0 == 0 ? Sums<T>{bias + at, 0, acc} : Sums<T>{to, row, acc});
      for (Index r = 0; r < m; ++r) {
        for (int v = 0; v < nv; ++v) store(to + r * row + v * W<T>, load(acc + (r * nv + v) * W<T>));
      }
    }
  }

  void run(const Worker& me) const {
    pack(me);
    const Index batch = p.steps.batch, row = units.vectors() * L::vector;
    const T** const x = pointers + me.begin * (3 * batch + ahead_rows);
    const T **const h = x + batch, **const c = h + batch, **const all_x = c + batch;
    const Index g0 = by_units ? me.first(units.groups()) : 0;
    const Index g1 = by_units ? me.last(units.groups()) : units.groups();
    const Pieces pieces(batch, L::rows, by_units ? 1 : workers);
    T* const ahead = projected + (by_units ? 0 : me.begin * ahead_rows * row);
    const Index sharers = by_units ? 1 : workers;  // of the pieces
    const bool far = w_hh && weights_are_far(g1 - g0, span);
    const T* from = nullptr;  // the projections of the step's first row, if they were made ahead
    Index ready = 0;          // the first step without
    for (Index s = 0; s < p.steps.count; ++s) {
      const Index t = step(s);
      if (ahead_rows && s == ready) {
        ready = project(me, pieces, s, g0, g1, all_x, ahead);
        from = ahead;
      }
      point(t, x, h, c);
      const T* next = from;
      for (Index k = 0; k * span < g1 - g0; ++k) {
        const Index g = g0 + there_and_back(s, k, g1 - g0, span);
        const bool more = far && (k + 1) * span < g1 - g0;
        const Index then = more ? g0 + there_and_back(s, k + 1, g1 - g0, span) : g;
        next = from;
        for (Index i = 0; i < pieces.count; ++i) {
          const Index r0 = pieces.first(i), m = min(pieces.first(i + 1), p.steps.rows(t)) - r0;
          if (m <= 0 || !mine(me, i)) continue;
          block(t, g, min(g + span, g1), r0, m, x + r0, h + r0, c + r0, next, then,
                {i / sharers, more ? max(1, pieces.count / sharers) : 0});
          if (next) next += m * row;
        }
      }
      from = next;
      if (by_units) me.sync();
    }
  }
};

// The state after each sequence's own last step; sequences are sorted by length, longest first.
template <class T>
void final_states(const Forward<T>& p) {
  Index t = p.reverse ? 0 : p.steps.count - 1;
  for (Index r = 0; r < p.steps.batch; ++r) {
    while (p.steps.rows(t) <= r) --t;
    const std::size_t bytes = static_cast<std::size_t>(p.hidden) * sizeof(T);
    if (p.h_n) std::memcpy(p.h_n + r * p.hidden, p.y.at(p.steps, t, r), bytes);
    if (p.cells) { std::memcpy(p.c_n + r * p.hidden, p.cells + (p.steps.begin(t) + r) * p.hidden, bytes); }
  }
}

constexpr Index kUnpackedRows = 16;  // of a single step

// Enough work for a team: waking it costs from some microseconds to a hundred (on a virtual machine), and a
// million multiplications with their gates some thirty.
inline int useful_workers(const Steps& steps, Index multiplications, int threads) {
  return steps.total() * multiplications < 1000000 ? 1 : threads;
}

// Whether inputs can be projected for several steps at a time: of packed weights.
inline bool can_project(const Steps& steps) { return steps.count > 1 && steps.total() > 2; }

// Few rows: their inputs are.
template <class T, class C>
bool few(const Forward<T>& p) {
  return can_project(p.steps) && p.steps.batch < 2 * Layout<T, C>::rows;
}

// Workers and how they share, groups of units, and room for the packed weights and biases.
template <class T, class C>
void prepare(ForwardPass<T, C>& pass, Scratch& scratch, int threads) {
  using L = Layout<T, C>;
  const Forward<T>& p = pass.p;
  const Index row = pass.units.vectors() * L::vector, depth = p.input + p.hidden;
  pass.workers = useful_workers(p.steps, row * depth, threads);
  pass.by_units = split_units(p.steps, pass.units.groups(), row * depth * Index(sizeof(T)), pass.workers);
  if (!pass.by_units && p.steps.batch == 1) pass.workers = 1;  // nothing to share
  // Weights that a row or two, or few rows of a single step, will use are not worth packing.
  if (p.steps.total() > (p.steps.count == 1 ? kUnpackedRows : 2)) {
    pass.w_ih = scratch.take<T>(row * p.input);
    pass.w_hh = scratch.take<T>(row * p.hidden);
  }
  const Index groups = pass.units.groups(), dense = pass.w_hh ? L::dense(p.hidden) : 0;
  Group<T, C>* const group = scratch.take<Group<T, C>>(groups);
  for (Index g = 0; g < groups; ++g) group[g] = Group<T, C>(pass.units, g, dense);
  pass.groups = group;
  // With few rows a block's gates run while the weights of the next are on their way.
  const Index most = !few<T, C>(p) ? kSpan : C::gates == 4 ? 1 : panels_together(1, Layout<T, C>::panel(1));
  const Index used = pass.ahead_rows ? p.hidden : depth;  // of a step's weights
  pass.span = max(1, min(most, kSpanBytes * groups / (row * used * Index(sizeof(T)))));
  pass.bias = scratch.take<T>(row);
  pass.bias_n = scratch.take<T>(row);
}

template <class T, class C>
void forward_cell(const Forward<T>& p, int threads) {
  using L = Layout<T, C>;
  Scratch scratch;
  ForwardPass<T, C> pass{p, Columns{p.hidden, L::widest, W<T>}};
  const Index row = pass.units.vectors() * L::vector, batch = p.steps.batch;
  // Inputs much wider than a step has rows: their weights are then read for several steps, not for each.
  const bool wide =
      can_project(p.steps) && row * p.input * Index(sizeof(T)) > kSpanBytes && p.input > 4 * batch;
  pass.ahead_rows = few<T, C>(p) ? 64 : wide ? max(256, batch) : 0;
  prepare(pass, scratch, threads);
  const Index rooms = pass.by_units ? 1 : min(pass.workers, batch);  // those who own no row need none
  pass.projected = scratch.take<T>(rooms * pass.ahead_rows * row);
  pass.pointers = scratch.take<const T*>((3 * batch + pass.ahead_rows) * pass.workers);
  if constexpr (C::cell) {
    if (!p.cells) std::memcpy(p.c_n, p.c0, static_cast<std::size_t>(batch * p.hidden) * sizeof(T));
  }
  team(pass.workers, [&](const Worker& me) { pass.run(me); });
  final_states(p);
}
