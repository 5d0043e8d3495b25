// The recurrent part of a layer whose inputs' sums are there (kernels.h), forward and backward. An item is a
// few rows of the batch by one head (or, of a cell without a product, by some units): it runs through all
// steps on its own, so that nobody waits for anybody, and its weights stay in cache. Items follow from the
// sizes alone, and so do the sums over them: the number of workers changes no bit.

constexpr Index kScanned = 64;  // units in an item of a cell without a product

template <class T, class C>
struct Items {
  Pieces pieces;
  Index hidden, size, heads;  // units of a head

  Items(const Recurrence<T>& p, Index rows)
      // Two workers may share a batch that one tile would hold.
      : pieces(p.steps.batch, p.steps.batch >= 8 ? min(rows, (p.steps.batch + 1) / 2) : rows, 1),
        hidden(p.hidden),
        size(C::product ? p.hidden / p.heads : kScanned),
        heads((p.hidden + size - 1) / size) {}

  Index count() const { return pieces.count * heads; }
  Index row0(Index i) const { return pieces.first(i / heads); }
  Index row1(Index i) const { return pieces.first(i / heads + 1); }
  Index head(Index i) const { return i % heads; }
  Index unit0(Index i) const { return head(i) * size; }
  Index unit1(Index i) const { return min(unit0(i) + size, hidden); }
};

// Zoneout (Krueger et al. 2017): of state `which`, what stays as before.
template <class T>
inline bool zoned(const Recurrence<T>& p, int which) {
  return p.zone[which] || p.share[which] != T(0);
}
template <class T>
inline V<T> zone(const Recurrence<T>& p, int which, Index row, Index u, Index n, V<T> before, V<T> now) {
  if (p.zone[which]) return choose<T>(load(p.zone[which] + row * p.hidden + u, n) > V<T>{}, before, now);
  const T share = p.share[which];
  return share == T(0) ? now : fill(share) * before + fill(1 - share) * now;
}

template <class T, class C>
struct RecurrentForward {
  using L = Layout<T, C>;
  const RecurrenceForward<T>& p;
  Items<T, C> items;
  Columns units;                         // of a head
  const Group<T, C>* groups = nullptr;   // of a head
  T* weight = nullptr;                   // packed, head by head
  Index head_sums() const { return units.vectors() * L::vector; }
  Index step(Index s) const { return p.reverse ? p.steps.count - 1 - s : s; }

  void pack(const Worker& me) const {
    if (!C::product) return;
    for (Index i = me.first(items.heads * units.groups()); i < me.last(items.heads * units.groups()); ++i) {
      const Index head = i / units.groups(), d = items.size;
      pack_forward<T, C>(p.weight + head * C::gates * d * d, d, d, groups[i % units.groups()],
                         weight + head * head_sums() * d);
    }
    me.sync();
  }

  // R h of the m rows from r0 on, for one head.
  void product(Index head, Index r0, Index m, T* read, T* acc) const {
    const Index d = items.size, u0 = head * d;
    const T* rows[kMaxRows];
    for (Index r = 0; r < m; ++r) {
      rows[r] = p.last + (r0 + r) * p.hidden + u0;
      if (!p.read) continue;
      for (Index u = 0; u < d; u += W<T>) {
        const V<T> factor = load(p.read + (r0 + r) * p.hidden + u0 + u, d - u);
        store(read + r * d + u, factor * load(rows[r] + u, d - u), d - u);
      }
      rows[r] = read + r * d;
    }
    for (Index g = 0; g < units.groups(); ++g) {
      const Group<T, C>& group = groups[g];
      const T* panel = weight + head * head_sums() * d + group.offset() * d;
      T* sums = acc + m * group.offset();
      for (Index i = 0; i < m * group.vectors(); ++i) store(sums + i * W<T>, V<T>{});
      for (Index i = 0; i < group.panels; ++i) {
        multiply<T>(static_cast<int>(m), group.nv, d, rows, 1, panel, sums);
        panel += group.nv * W<T> * d;
        sums += m * group.nv * W<T>;
      }
    }
  }

  // One vector of units of one row, whose share of the product is in h.
  void unit(Index row, Index r, Index u, Index n, V<T> (&h)[C::gates], T* y) const {
    const Index state = p.steps.batch * p.hidden, at = r * p.hidden + u;
    V<T> x[C::gates], now[C::states], before[C::states], s[C::saved];
#pragma GCC unroll 4
    for (int g = 0; g < C::gates; ++g) x[g] = load(p.sums + (row * C::gates + g) * p.hidden + u, n);
    if constexpr (C::apart) {
      if (p.bias_n) h[2] += load(p.bias_n + u, n);
    }
#pragma GCC unroll 4
    for (int k = 0; k < C::states; ++k) before[k] = now[k] = load(p.last + k * state + at, n);
    const Beside<T> beside{p.peephole ? p.peephole + u : nullptr, p.hidden, n, nullptr};
    C::forward(beside, x, h, now, s);
    now[0] = zone(p, 0, row, u, n, before[0], now[0]);
    if constexpr (C::states == 2) now[1] = zone(p, 1, row, u, n, before[1], now[1]);
    store(y + u, now[0], n);
#pragma GCC unroll 4
    for (int k = 0; k < C::states; ++k) store(p.last + k * state + at, now[k], n);
    if (!p.saved) return;
#pragma GCC unroll 8
    for (int k = 0; k < C::saved; ++k) store(p.saved + (row * C::saved + k) * p.hidden + u, s[k], n);
#pragma GCC unroll 4
    for (int k = 1; k < C::states; ++k) {
      store(p.states + ((k - 1) * p.steps.total() + row) * p.hidden + u, now[k], n);
    }
  }

  void run_item(Index i, T* read, T* acc) const {
    const Index r0 = items.row0(i), u0 = items.unit0(i), u1 = items.unit1(i);
    for (Index s = 0; s < p.steps.count; ++s) {
      const Index t = step(s), m = min(items.row1(i), p.steps.rows(t)) - r0;
      if (m <= 0) continue;
      if (C::product) product(items.head(i), r0, m, read, acc);
      for (Index r = 0; r < m; ++r) {
        T* const y = p.y.at(p.steps, t, r0 + r);
        const Index row = p.steps.begin(t) + r0 + r;
        V<T> h[C::gates] = {};
        if constexpr (!C::product) {
          for (Index u = u0; u < u1; u += W<T>) unit(row, r0 + r, u, u1 - u, h, y);
        } else {
          for (Index g = 0; g < units.groups(); ++g) {
            const Group<T, C>& group = groups[g];
            const T* const sums = acc + m * group.offset();
            for (Index v = 0; v * W<T> < group.units; ++v) {
              const Index u = u0 + group.first + v * W<T>;
#pragma GCC unroll 4
              for (Index k = 0; k < C::gates; ++k) h[k] = load(sums + group.gate(k, v, r, m));
              unit(row, r0 + r, u, u1 - u, h, y);
            }
          }
        }
      }
    }
  }

  void run(const Worker& me) const {
    pack(me);
    Scratch own;
    T* const read = p.read ? own.take<T>(kMaxRows * items.size) : nullptr;
    T* const acc = C::product ? own.take<T>(kMaxRows * head_sums() + W<T>) : nullptr;
    for (Index i = 0; i < items.count(); ++i) {
      if (me.owns(i)) run_item(i, read, acc);
    }
  }
};

template <class T>
inline int recurrent_workers(const Recurrence<T>& p, Index gates, Index depth, Index items, int threads) {
  const int useful = useful_workers(p.steps, gates * p.hidden * (depth + 8), threads);
  return static_cast<int>(min(useful, items));
}

template <class T, class C>
void recur_by(const RecurrenceForward<T>& p, int threads) {
  using L = Layout<T, C>;
  Scratch scratch;
  const Items<T, C> items(p, L::rows);
  RecurrentForward<T, C> all{p, items, Columns{items.size, L::widest, W<T>}};
  const Index states = C::states * p.steps.batch * p.hidden;
  std::memcpy(p.last, p.start, static_cast<std::size_t>(states) * sizeof(T));
  if (C::product) {
    const Index groups = all.units.groups();
    Group<T, C>* const group = scratch.take<Group<T, C>>(groups);
    for (Index g = 0; g < groups; ++g) group[g] = Group<T, C>(all.units, g, L::dense(items.size));
    all.groups = group;
    all.weight = scratch.take<T>(items.heads * all.head_sums() * items.size);
  }
  const Index depth = C::product ? items.size : 0;
  const int workers = recurrent_workers<T>(p, C::gates, depth, items.count(), threads);
  team(workers, [&](const Worker& me) { all.run(me); });
}

template <class T, class C>
struct RecurrentBackward {
  static constexpr int rows = tile_rows(kPanel);
  const RecurrenceBackward<T>& p;
  Items<T, C> items;
  Columns units;                  // of a head
  T* weight = nullptr;            // packed, head by head: depth G*D
  T* sums = nullptr;              // gradients of peepholes of every piece of rows
  Index peepholes = 0;            // values of them
  Index head_size() const { return C::gates * items.size * units.vectors() * W<T>; }
  Index before(Index t) const { return p.reverse ? t + 1 : t - 1; }
  Index step(Index s) const { return p.reverse ? s : p.steps.count - 1 - s; }

  void pack(const Worker& me) const {
    if (!C::product) return;
    const Index depth = C::gates * items.size;
    for (Index i = me.first(items.heads * units.groups()); i < me.last(items.heads * units.groups()); ++i) {
      const Index head = i / units.groups(), g = i % units.groups(), column0 = units.first(g) * W<T>;
      const int nv = units.width(g);
      T* const to = weight + head * head_size() + column0 * depth;
      for (Index k = 0; k < depth; ++k) {
        const T* const in = p.weight + (head * depth + k) * items.size + column0;
        for (int v = 0; v < nv; ++v) {
          store(to + (k * nv + v) * W<T>, load(in + v * W<T>, items.size - column0 - v * W<T>));
        }
      }
    }
    me.sync();
  }

  // R^T d of m rows for group g of a head's units; d: the first row's.
  void product(Index head, Index g, Index m, const T* d, T* acc) const {
    const int nv = units.width(g);
    const Index depth = C::gates * items.size;
    const T* panel = weight + head * head_size() + units.first(g) * W<T> * depth;
    const T* from[C::gates][kMaxRows];
    Product<T> gates[C::gates];
    for (Index k = 0; k < C::gates; ++k) {
      for (Index r = 0; r < m; ++r) {
        from[k][r] = d + (r * C::kept + C::hh + k) * p.hidden + head * items.size;
      }
      gates[k] = {items.size, from[k], panel + k * items.size * nv * W<T>};
    }
    for (Index i = 0; i < m * nv; ++i) store(acc + i * W<T>, V<T>{});
    multiply<T>(static_cast<int>(m), nv, gates, C::gates, 1, Sums<T>{acc, nv * W<T>, acc});
  }

  const T* state_before(Index k, Index t, Index r) const {  // k: 0 h, and the others
    const Index earlier = before(t);
    if (r >= p.steps.rows(earlier)) return p.start + (k * p.steps.batch + r) * p.hidden;
    if (k == 0) return p.y.at(p.steps, earlier, r);
    return p.states + ((k - 1) * p.steps.total() + p.steps.begin(earlier) + r) * p.hidden;
  }

  // One vector of units of row r of step t, to which `dh` comes from later steps.
  void unit(Index t, Index r, Index u, Index n, V<T> dh, T* dpeephole) const {
    const Index row = p.steps.begin(t) + r, at = r * p.hidden + u, state = p.steps.batch * p.hidden;
    V<T> s[C::saved], was[C::states], now[C::states], d_state[C::states], stays[2] = {}, d[C::kept];
#pragma GCC unroll 8
    for (int k = 0; k < C::saved; ++k) s[k] = load(p.saved + (row * C::saved + k) * p.hidden + u, n);
#pragma GCC unroll 4
    for (int k = 0; k < C::states; ++k) {
      was[k] = load(state_before(k, t, r) + u, n);
      if (k > 0) {
        now[k] = load(p.states + ((k - 1) * p.steps.total() + row) * p.hidden + u, n);
        d_state[k] = load(p.dstart + k * state + at, n);
      }
    }
    if (p.dy.base) dh += load(p.dy.at(p.steps, t, r) + u, n);
    d_state[0] = dh;
    if (p.total_dh) store(p.total_dh + row * p.hidden + u, dh, n);
    V<T> total_dc{}, carried_dc{};
#pragma GCC unroll 2
    for (int k = 0; k < (C::states == 2 ? 2 : 1); ++k) {
      if (k == 1) carried_dc = d_state[k];
      if (!zoned(p, k)) continue;
      stays[k] = zone(p, k, row, u, n, d_state[k], V<T>{});
      d_state[k] = zone(p, k, row, u, n, V<T>{}, d_state[k]);
    }
    C::backward({p.peephole ? p.peephole + u : nullptr, p.hidden, n, dpeephole ? dpeephole + u : nullptr}, s,
                was, now, d_state, total_dc, d);
    if (p.before) {
      const V<T> factor = p.read ? load(p.read + at, n) : fill(T(1));
      store(p.before + row * p.hidden + u, was[0] * factor, n);
    }
#pragma GCC unroll 4
    for (int k = 0; k < C::kept; ++k) store(p.d + (row * C::kept + k) * p.hidden + u, d[k], n);
    d_state[0] += stays[0];
    if constexpr (C::states == 2) {
      d_state[1] += stays[1];
      if (zoned(p, 1)) total_dc = carried_dc;
    }
#pragma GCC unroll 4
    for (int k = 0; k < C::states; ++k) store(p.dstart + k * state + at, d_state[k], n);
    if (C::states > 1 && p.total_dc) store(p.total_dc + row * p.hidden + u, total_dc, n);
  }

  void run_item(Index i, T* acc) const {
    const Index r0 = items.row0(i), u0 = items.unit0(i), u1 = items.unit1(i);
    T* const dpeephole = sums ? sums + i / items.heads * peepholes : nullptr;
    for (Index s = 0; s <= p.steps.count; ++s) {  // dh_0 remains at the end
      const Index t = step(s), now = s < p.steps.count ? min(items.row1(i), p.steps.rows(t)) - r0 : 0;
      const Index after = step(s - 1), later = s > 0 ? min(items.row1(i), p.steps.rows(after)) - r0 : 0;
      const Index m = C::product ? max(later, 0) : 0;
      const T* const d_after = p.d + (p.steps.begin(m > 0 ? after : 0) + r0) * C::kept * p.hidden;
      for (Index g = 0; g < units.groups(); ++g) {
        if (m > 0) product(items.head(i), g, m, d_after, acc);
        const int nv = units.width(g);
        for (Index r = 0; r < max(now, m); ++r) {
          for (int v = 0; v < nv; ++v) {
            const Index u = u0 + (units.first(g) + v) * W<T>, n = u1 - u, at = (r0 + r) * p.hidden + u;
            if (n <= 0) continue;
            V<T> dh = load(p.dstart + at, n);
            if (r < m) {
              const V<T> through = load(acc + (r * nv + v) * W<T>);
              dh += p.read ? through * load(p.read + at, n) : through;
            }
            if (r < now) unit(t, r0 + r, u, n, dh, dpeephole);
            else store(p.dstart + at, dh, n);
          }
        }
      }
    }
  }

  void run(const Worker& me) const {
    pack(me);
    alignas(64) T acc[kMaxRows * 4 * W<T>];
    for (Index i = 0; i < items.count(); ++i) {
      if (me.owns(i)) run_item(i, acc);
    }
  }
};

template <class T, class C>
void recur_back_by(const RecurrenceBackward<T>& p, int threads) {
  using Pass = RecurrentBackward<T, C>;
  Scratch scratch;
  const Items<T, C> items(p, Pass::rows);
  Pass all{p, items, Columns{items.size, kPanel, W<T>}};
  const Index pieces = items.pieces.count;
  if (C::product) all.weight = scratch.take<T>(items.heads * all.head_size());
  if (p.dpeephole) {
    all.peepholes = traits(p.rule).peepholes * p.hidden;
    all.sums = scratch.take<T>(pieces * all.peepholes);
    std::memset(all.sums, 0, static_cast<std::size_t>(pieces * all.peepholes) * sizeof(T));
  }
  const Index depth = C::product ? items.size : 0;
  const int workers = recurrent_workers<T>(p, C::gates, depth, items.count(), threads);
  team(workers, [&](const Worker& me) { all.run(me); });
  if (p.dpeephole) add_up(all.peepholes, pieces, all.peepholes, all.sums, p.dpeephole);
}

#define CARROUSEL_RULES(F, p, threads)                                        \
  switch (p.rule) {                                                           \
    case Rule::min_gru: return F<T, MinGru<T, false>>(p, threads);            \
    case Rule::min_gru_positive: return F<T, MinGru<T, true>>(p, threads);    \
    case Rule::min_lstm: return F<T, MinLstm<T, false>>(p, threads);          \
    case Rule::min_lstm_positive: return F<T, MinLstm<T, true>>(p, threads);  \
    case Rule::slstm: return F<T, Slstm<T, false>>(p, threads);               \
    case Rule::slstm_exponential: return F<T, Slstm<T, true>>(p, threads);    \
    case Rule::rnn_tanh: return F<T, RecurrentRnn<T, false>>(p, threads);     \
    case Rule::rnn_relu: return F<T, RecurrentRnn<T, true>>(p, threads);      \
    case Rule::gru: return F<T, RecurrentGru<T>>(p, threads);                 \
    case Rule::lstm: return F<T, RecurrentLstm<T, false>>(p, threads);        \
    case Rule::lstm_coupled: return F<T, RecurrentLstm<T, true>>(p, threads); \
  }

template <class T>
void recur(const RecurrenceForward<T>& p, int threads) {
  CARROUSEL_RULES(recur_by, p, threads)
}

template <class T>
void recur_back(const RecurrenceBackward<T>& p, int threads) {
  CARROUSEL_RULES(recur_back_by, p, threads)
}
#undef CARROUSEL_RULES
