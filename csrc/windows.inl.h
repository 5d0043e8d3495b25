// What a forecaster sees of its windows, one window at a time while it is in the first cache. The
// formulas, in plain torch, are src/carrousel/ops/reference/{scaling,features}.py; of the
// simple forecasts, anchors.inl.h.

// log(u) where u = 1 + less: u = 2^e m with m around 1, log m = 2 atanh((m - 1) / (m + 1)), a series.
template <class T>
inline V<T> vlog(V<T> u, V<T> less) {
  using Is = Number<T>;
  constexpr T root = T(0.70710678118654752440), ln2 = T(0.69314718055994530942);
  V<typename Is::integer> bits, e;
  typename Is::integer lowest;
  std::memcpy(&bits, &u, sizeof bits);
  std::memcpy(&lowest, &root, sizeof lowest);
  e = (bits - fill(lowest)) >> Is::mantissa;
  bits -= e << Is::mantissa;
  V<T> m;
  std::memcpy(&m, &bits, sizeof m);
  const V<T> f = choose<T>(e == V<typename Is::integer>{}, less, m - fill(T(1)));
  const V<T> s = f / (f + fill(T(2))), s2 = s * s;
  constexpr int last = sizeof(T) == 8 ? 21 : 9;
  V<T> sum = fill(T(1) / T(last + 2));
#pragma GCC unroll 11
  for (int k = last; k > 0; k -= 2) sum = sum * s2 + fill(T(1) / T(k));
  const V<T> log = (s + s) * sum + numbers<T>(e) * fill(ln2);
  return choose<T>(less - less == V<T>{}, log, less);  // infinite, or no number
}

template <class T>
inline T larger(T a, T b) {  // NaN wherever there is one
  return a > b || a != a ? a : b;
}
template <class T>
inline bool finite(T x) {
  return x - x == 0;
}

// How far apart the values that may be compared with value i of window b lie, and whether there are any.
struct Range {
  double low, high;
  bool known;
};

// Of the value before it, the same phase of the two steps before and of each season before. Nothing is
// known where none of its phase is there, or one of them is zero: a rise from nothing says little.
template <class T>
Range neighbors(const Look<T>& p, const T* y, Index i, T origin, double base, double zero) {
  Range range{kInfinity, -kInfinity, false};
  bool nothing = false;
  const auto add = [&](Index at, bool phase) {
    if (at < 0 || !finite(y[at])) return;
    const double v = y[at] - origin;
    range.low = v < range.low ? v : range.low;
    range.high = v > range.high ? v : range.high;
    range.known |= phase;
    nothing |= std::fabs(v + base) <= zero;
  };
  add(i - 1, false);
  add(i - p.step, true);
  add(i - 2 * p.step, true);
  for (Index k = 0; k < p.seasons.count; ++k) add(i - p.seasons.at[k], true);
  range.known &= !nothing;
  return range;
}

// What the steps so far say of the scale.
struct Movement {
  double changes = 0, pairs = 0, spread = 0, counted = 0, size = 0, far = kInfinity;
  Index steps = 0, moved = 0;  // steps that could be compared with others, and that moved

  double mean_size() const { return size / larger(counted, 1.0); }
};

// The mean change over the last measured steps, but never far below all so far; there, a change of
// `far` times the usual one counts no more than that.
template <class T>
double recent_change(const WindowConstants& c, const Movement& m, const Room<T>& room) {
  double recent = 0, recently = 0, ever = 0;
  for (Index k = m.steps < c.recent ? 0 : m.steps - c.recent; k < m.steps; ++k) {
    recent += room.change[k];
    recently += room.pairs[k];
  }
  recent /= larger(recently, 1.0);
  if (!(c.ever * m.changes / m.pairs > recent)) return recent;
  const double most = c.far * room.sorted[(m.moved - 1) / 2];
  for (Index k = 0; k < m.steps; ++k) {
    const double limit = most * room.pairs[k];
    ever += room.change[k] > limit ? limit : room.change[k];
  }
  return larger(recent, c.ever * ever / m.pairs);
}

// The scale after the steps so far; where little was measured, partly what is usual.
template <class T>
double scale_of(const Look<T>& p, const Movement& m, const Room<T>& room) {
  const WindowConstants& c = p.constants;
  const double mean = m.mean_size(), floor = (p.relative < c.floor ? p.relative : c.floor) * mean;
  double scale = m.pairs > 0 ? recent_change(c, m, room) : m.spread / larger(m.counted, 1.0);
  if (scale <= c.still * mean) scale = floor;
  const double compared = m.pairs > 0 ? m.pairs : m.counted > 1 ? m.counted - 1 : 0;
  if (compared < c.few) {
    const double usual = larger(p.relative * mean, p.absolute);
    scale += (1 - compared / c.few) * (usual - scale);
  }
  return scale;
}

// The values of step t: outliers cut, gaps filled; what changed since the step before.
template <class T>
void take(const Look<T>& p, Index b, Index t, T origin, double base, Movement& m, const Room<T>& room) {
  const Index S = p.step, from = t * S;
  const T* const y = p.history + b * p.row;
  T* const v = p.values + b * p.steps * S;
  T* const level = p.level + b * p.steps;
  const double zero = p.constants.zero * m.mean_size();
  double sum = 0, size = 0, count = 0;
  for (Index i = from; i < from + S; ++i) {
    const bool there = finite(y[i]);
    p.mask[b * p.steps * S + i] = there;
    v[i] = 0;
    if (!there) continue;
    double x = y[i] - origin;
    if (i >= S && !(std::fabs(double(y[i] - y[i - S])) <= m.far) && m.far < kInfinity) {
      const Range range = neighbors(p, y, i, origin, base, zero);
      if (range.known) {
        x = x > range.high + m.far ? range.high + m.far : x < range.low - m.far ? range.low - m.far : x;
      }
    }
    v[i] = T(x);
    sum += v[i];
    size += std::fabs(v[i] + base);
    count += 1;
  }
  level[t] = count ? T(sum / count) : level[t - 1];
  double change = 0, pairs = 0, around = 0;
  for (Index j = 0; j < S; ++j) {
    const Index i = from + j;
    if (!finite(y[i])) {
      v[i] = room.known[j] ? v[i - S] : level[t];
    } else if (room.known[j]) {
      change += std::fabs(double(v[i] - v[i - S]));
      pairs += 1;
    } else {
      room.known[j] = true;
    }
    around += std::fabs(double(v[i] - level[t]));
  }
  m.spread += around / double(S) * count;
  m.counted += count;
  m.size += size;
  if (!pairs) return;
  room.change[m.steps] = T(change);
  room.pairs[m.steps++] = T(pairs);
  m.changes += change;
  m.pairs += pairs;
  if (!(change > 0)) return;
  const T moved = T(change / pairs);
  Index k = m.moved++;
  for (; k > 0 && room.sorted[k - 1] > moved; --k) room.sorted[k] = room.sorted[k - 1];
  room.sorted[k] = moved;
}

// Measured steps after which outliers are told from seasons: those of a whole season, and `seen` values.
template <class T>
Index enough_steps(const Look<T>& p) {
  const WindowConstants& c = p.constants;
  const Index longest = p.seasons.count ? p.seasons.at[p.seasons.count - 1] : 1;
  const Index values = (c.seen + p.step - 1) / p.step, season = (longest + p.step - 1) / p.step + 1;
  const Index enough = values > season ? values : season;
  return enough < c.recent ? enough : c.recent;
}

// Values relative to the last, level and scale of every step.
template <class T>
void measure(const Look<T>& p, Index b, const Room<T>& room) {
  const Index S = p.step, N = p.steps * S, row = b * p.steps;
  const T* const y = p.history + b * p.row;
  Index first = 0, last = N - 1;
  while (first < N && !finite(y[first])) ++first;
  while (last >= 0 && !finite(y[last])) --last;
  const T origin = last < 0 ? T(0) : y[last], least = T(p.constants.least);
  const double base = double(origin) + (p.offset ? p.offset[b] : 0);
  p.origin[b] = origin;
  first /= S;  // the step
  const Index enough = enough_steps(p);
  for (Index j = 0; j < S; ++j) room.known[j] = false;
  Movement movement;
  for (Index t = first; t < p.steps; ++t) {
    take(p, b, t, origin, base, movement, room);
    const double scale = scale_of(p, movement, room);
    if (movement.steps >= enough) movement.far = p.constants.far * scale;
    p.scale[row + t] = larger(T(scale), least);
    p.size[row + t] = T(movement.mean_size());
    p.age[row + t] = t - first;
  }
  for (Index t = 0; t < first; ++t) {  // nothing is asked there
    p.level[row + t] = first < p.steps ? p.level[row + first] : T(0);
    p.scale[row + t] = larger(T(p.absolute), least);
    p.size[row + t] = 0;
    p.age[row + t] = t - first;
    for (Index i = t * S; i < (t + 1) * S; ++i) {
      p.values[b * N + i] = p.level[row + t];
      p.mask[b * N + i] = 0;
    }
  }
}

// What each step shows the network: (T, F).
template <class T>
void show(const Look<T>& p, Index b) {
  const Index S = p.step, N = p.steps * S, marks = S * (1 + p.backs.count) + 1, columns = marks + 1 + S;
  const T* const values = p.values + b * N;
  const T* const level = p.level + b * p.steps;
  const T floor = T(p.constants.floor), widest = T(p.constants.widest);
  for (Index t = 0; t < p.steps; ++t) {
    const Index row = b * p.steps + t;
    T* const out = p.features + row * columns;
    const T* const v = values + t * S;
    const T scale = p.scale[row];
    for (Index j = 0; j < S; ++j) out[j] = (v[j] - level[t]) / scale;
    for (Index k = 0; k < p.backs.count; ++k) {
      const Index back = p.backs.at[k];
      const T* const before = back >= p.steps ? v : t < back ? values : v - back * S;
      for (Index j = 0; j < S; ++j) out[(k + 1) * S + j] = (v[j] - before[j]) / scale;
    }
    out[marks - 1] = p.steps > 1 && t ? (level[t] - level[t - 1]) / scale : 0;
    for (Index i = 0; i < marks; i += W<T>) {
      const V<T> x = load(out + i, marks - i), sign = sign_of<T>(x), size = flip<T>(x, sign);
      const V<T> shown = flip<T>(vlog<T>(fill(T(1)) + size, size), sign);
      store(out + i, p.age[row] < 0 ? V<T>{} : shown, marks - i);
    }
    const T relative = scale / larger(p.size[row], T(p.constants.least));
    const T within = relative < floor ? floor : relative > widest ? widest : relative;
    out[marks] = vlog<T>(fill(within), fill(within - 1))[0];
    for (Index j = 0; j < S; ++j) out[marks + 1 + j] = p.mask[b * N + t * S + j];
  }
}

template <class T>
void look(const Look<T>& p, int threads) {
  team(threads, [&](const Worker& worker) {
    const Index N = p.steps * p.step, kinds = p.seasons.count;
    Scratch scratch;
    T* const steps = scratch.take<T>(3 * p.steps);
    const Room<T> room{scratch.take<T>(kinds * N),
                       scratch.take<T>((kinds + 1) * N),
                       scratch.take<T>(kinds * p.steps),
                       steps,
                       steps + p.steps,
                       steps + 2 * p.steps,
                       scratch.take<bool>(p.step)};
    for (Index b = worker.first(p.batch); b < worker.last(p.batch); ++b) {
      measure(p, b, room);
      show(p, b);
      tables(p, b, room);
      for (Index t = p.first; t < p.steps; ++t) {
        forecast(p, b, t, room, p.anchors + (b * (p.steps - p.first) + t - p.first) * p.kinds * p.horizon);
      }
    }
  });
}

// Windows of one long array; what lies outside begin .. end of a window's series is NaN.
template <class T>
void gather(const Gather<T>& p, int threads) {
  team(threads, [&](const Worker& worker) {
    for (Index b = worker.first(p.batch); b < worker.last(p.batch); ++b) {
      const Index series = p.series[b], from = p.end[b] - p.history;
      float* const out = p.out + b * p.length;
      Index begin = p.start[series] - from, end = p.stop[series] - from;
      begin = begin < 0 ? 0 : begin > p.length ? p.length : begin;
      end = end < begin ? begin : end > p.length ? p.length : end;
      double offset = 0;
      for (Index i = end < p.history ? end : p.history; i-- > begin;) {
        if (finite(p.y[from + i])) {
          offset = double(p.y[from + i]);
          break;
        }
      }
      p.offset[b] = offset;
      for (Index i = 0; i < begin; ++i) out[i] = kMissing;
      for (Index i = begin; i < end; ++i) out[i] = float(double(p.y[from + i]) - offset);
      for (Index i = end; i < p.length; ++i) out[i] = kMissing;
    }
  });
}
