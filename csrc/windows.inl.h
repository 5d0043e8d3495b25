// What a forecaster sees of its windows, one window at a time while it is in the first cache. The
// formulas, in plain torch, are src/carrousel/forecast/{scaling,model}.py; of the
// simple forecasts, anchors.inl.h.

constexpr Index kRecent = 8;      // steps over which the scale is measured
constexpr double kFloor = 1e-4;   // smallest scale, relative to the size of the values

// log(u) where u = 1 + less: u = 2^e m with m around 1, log m = 2 atanh((m - 1) / (m + 1)), a series.
template <class T>
inline V<T> vlog(V<T> u, V<T> less) {
  using Is = Number<T>;
  constexpr T root = T(0.70710678118654752440), ln2 = T(0.69314718055994530942);
  V<typename Is::integer> bits, e;
  typename Is::integer lowest;
  __builtin_memcpy(&bits, &u, sizeof bits);
  __builtin_memcpy(&lowest, &root, sizeof lowest);
  e = (bits - lowest) >> Is::mantissa;
  bits -= e << Is::mantissa;
  V<T> m;
  __builtin_memcpy(&m, &bits, sizeof m);
  const V<T> f = e == 0 ? less : m - fill(T(1));
  const V<T> s = f / (f + fill(T(2))), s2 = s * s;
  constexpr int last = sizeof(T) == 8 ? 21 : 9;
  V<T> sum = fill(T(1) / T(last + 2));
#pragma GCC unroll 11
  for (int k = last; k > 0; k -= 2) sum = sum * s2 + fill(T(1) / T(k));
  const V<T> log = (s + s) * sum + __builtin_convertvector(e, V<T>) * fill(ln2);
  return less - less == V<T>{} ? log : less;  // infinite, or no number
}

template <class T>
inline T larger(T a, T b) {  // NaN wherever there is one
  return a > b || a != a ? a : b;
}
template <class T>
inline bool finite(T x) {
  return x - x == 0;
}

// Values relative to the last, level and scale of every step.
template <class T>
void measure(const Look<T>& p, Index b, const Room<T>& room) {
  const Index S = p.step, N = p.steps * S;
  const T* const y = p.history + b * p.row;
  T* const values = p.values + b * N;
  T* const mask = p.mask + b * N;
  T* const level = p.level + b * p.steps;
  T origin = 0;
  for (Index i = N; i-- > 0;) {
    if (finite(y[i])) {
      origin = y[i];
      break;
    }
  }
  p.origin[b] = origin;
  Index first = p.steps;
  for (Index t = 0; t < p.steps; ++t) {
    double sum = 0, size = 0, count = 0;
    for (Index i = t * S; i < (t + 1) * S; ++i) {
      const bool there = finite(y[i]);
      values[i] = there ? y[i] - origin : 0;
      mask[i] = there;
      sum += values[i];
      size += there ? __builtin_fabs(y[i]) : 0;
      count += there;
    }
    room.count[t] = T(count);
    room.total[t] = T(size);
    level[t] = count ? T(sum / count) : t ? level[t - 1] : 0;
    if (count && first == p.steps) first = t;
  }
  for (Index t = 0; t < first; ++t) level[t] = first < p.steps ? level[first] : 0;
  for (Index j = 0; j < S; ++j) room.known[j] = false;
  double changes = 0, pairs = 0, spread = 0, counted = 0, size = 0;
  for (Index t = 0; t < p.steps; ++t) {
    double change = 0, pair = 0, around = 0;
    for (Index j = 0; j < S; ++j) {
      T* const v = values + t * S + j;
      if (!mask[t * S + j]) {
        *v = room.known[j] ? v[-S] : level[t];
      } else if (room.known[j]) {
        change += __builtin_fabs(*v - v[-S]);
        pair += 1;
      } else {
        room.known[j] = true;
      }
      around += __builtin_fabs(*v - level[t]);
    }
    room.change[t] = T(change);
    room.pairs[t] = T(pair);
    changes += change;
    pairs += pair;
    spread += around / double(S) * room.count[t];
    counted += room.count[t];
    size += room.total[t];
    double recent = 0, recently = 0;
    for (Index k = t < kRecent ? 0 : t - kRecent + 1; k <= t; ++k) {
      recent += room.change[k];
      recently += room.pairs[k];
    }
    const double one = 1;
    const double measured = larger(recent / larger(recently, one), 0.1 * changes / larger(pairs, one));
    const double mean = size / larger(counted, one);
    const double scale = larger(pairs > 0 ? measured : spread / larger(counted, one), kFloor * mean);
    p.size[b * p.steps + t] = T(mean);
    p.scale[b * p.steps + t] = larger(T(scale), T(1e-30));
    p.age[b * p.steps + t] = t - first;
  }
}

// What each step shows the network: (T, F).
template <class T>
void show(const Look<T>& p, Index b) {
  const Index S = p.step, N = p.steps * S, marks = S * (1 + p.backs.count) + 1, columns = marks + 1 + S;
  const T* const values = p.values + b * N;
  const T* const level = p.level + b * p.steps;
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
    const T relative = scale / larger(p.size[row], T(1e-30));
    const T within = relative < T(kFloor) ? T(kFloor) : relative > 10 ? T(10) : relative;
    out[marks] = vlog<T>(fill(within), fill(within - 1))[0];
    for (Index j = 0; j < S; ++j) out[marks + 1 + j] = p.mask[b * N + t * S + j];
  }
}

template <class T>
void look(const Look<T>& p, int threads) {
  team(threads, [&](const Worker& worker) {
    const Index N = p.steps * p.step, kinds = p.seasons.count;
    Scratch scratch;
    T* const steps = scratch.take<T>(4 * p.steps);
    const Room<T> room{scratch.take<T>(kinds * N), scratch.take<T>((kinds + 1) * N),
                       scratch.take<T>(kinds * p.steps), steps, steps + p.steps, steps + 2 * p.steps,
                       steps + 3 * p.steps, scratch.take<bool>(p.step)};
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
      T* const out = p.out + b * p.length;
      Index begin = p.start[series] - from, end = p.stop[series] - from;
      begin = begin < 0 ? 0 : begin > p.length ? p.length : begin;
      end = end < begin ? begin : end > p.length ? p.length : end;
      for (Index i = 0; i < begin; ++i) out[i] = T(__builtin_nan(""));
      for (Index i = begin; i < end; ++i) out[i] = p.y[from + i];
      for (Index i = end; i < p.length; ++i) out[i] = T(__builtin_nan(""));
    }
  });
}
