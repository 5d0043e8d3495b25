// The loss of a quantile forecast and its derivative by the head's output, in one pass over each row
// while it is in the first cache. The formula, in plain torch, is src/carrousel/forecast/network/loss.py.

// log(1 + exp(x)) = max(x, 0) + log1p(u), u = exp(-|x|); log1p(u) = 2 atanh(u / (2 + u)), a series.
template <class T>
inline V<T> vsoftplus(V<T> x) {
  const V<T> zero{};
  const V<T> u = vexp<T>(choose<T>(x > zero, -x, x));
  const V<T> s = u / (u + fill(T(2)));
  const V<T> s2 = s * s;
  V<T> sum = fill(T(1. / 15));
#pragma GCC unroll 7
  for (int k = 13; k > 0; k -= 2) sum = sum * s2 + fill(T(1) / T(k));
  return choose<T>(x > zero, x, zero) + (s + s) * sum;
}

template <class T>
inline T sum_lanes(V<T> v) {
  T sum = 0;
  for (int j = 0; j < W<T>; ++j) sum += v[j];
  return sum;
}

template <class T>
struct Tails {  // distances of the quantiles from the median, and their derivatives
  static constexpr Index most = 2 * 16;
  T slope[most], reach[most];
  V<T> moved[most];  // of each lane: dL/dreach

  void read(const T* raw, Index side) {
    for (Index i = 0; i < 2 * side; i += W<T>) {
      const V<T> x = load(raw + i, 2 * side - i);
      store(reach + i, vsoftplus<T>(x), 2 * side - i);
      store(slope + i, vsigmoid<T>(x), 2 * side - i);
    }
    for (Index i = 0; i < 2 * side; ++i) {
      if (i % side) reach[i] += reach[i - 1];
      moved[i] = V<T>{};
    }
  }
  void write(T* out, Index side) {
    T grad = 0;
    for (Index i = 2 * side; i-- > 0;) {
      grad = sum_lanes<T>(moved[i]) + ((i + 1) % side ? grad : T(0));
      out[i] = grad * slope[i];
    }
  }
};

// What errors count (R), the mean ratio of scale and size, the number of targets: see row_weights in
// loss.py. Every worker finds it for itself: less work than waiting for each other.
template <class T>
struct Weights {
  double typical = 0, known = 0;

  explicit Weights(const QuantileLoss<T>& p) {
    double counted = 0;
    for (Index r = 0; r < p.rows; ++r) {
      const Index n = targets(p, r);
      known += double(n);
      counted += n > 0;
      typical += double(ratio(p, r) * T(n > 0));
    }
    typical /= counted > 1 ? counted : 1;
    if (typical < 1e-30) typical = 1e-30;
    if (known < 1) known = 1;
  }
  T of(const QuantileLoss<T>& p, Index r) const {
    const double weight = 1 - p.relative + p.relative * double(ratio(p, r)) / typical;
    return targets(p, r) ? T(weight / known) : T(0);
  }
  static T ratio(const QuantileLoss<T>& p, Index r) {
    const T size = p.size[r] < T(1e-30) ? T(1e-30) : p.size[r], ratio = p.scale[r] / size;
    return ratio > 1 ? T(1) : ratio < 0 ? T(0) : ratio;
  }
  static Index targets(const QuantileLoss<T>& p, Index r) {  // that teach something
    const T level = p.level[r], least = p.resolution * (level < 0 ? -level : level);
    if (!(p.size[r] > 0 && p.scale[r] > least && p.age[r] >= 0)) return 0;
    const T* const target = p.targets(r);
    V<typename Number<T>::integer> there{};
    for (Index j = 0; j < p.horizon; j += W<T>) {
      V<T> x = load(target + j, p.horizon - j);
      for (Index i = p.horizon - j; i < W<T>; ++i) x[i] = T(kInfinity);
      there -= x - x == V<T>{};
    }
    Index n = 0;
    for (int i = 0; i < W<T>; ++i) n += there[i];
    return n;
  }
};

// W steps of the horizon of one row, from step j on; returns their loss.
template <class T>
inline V<T> quantile_steps(const QuantileLoss<T>& p, Index r, Index j, T row_weight, Tails<T>& tails) {
  const Index h = p.horizon, n = h - j, width_at = (p.kinds + 1) * h + j;
  const T* out = p.out + r * p.columns + j;
  const T* anchors = p.anchors + r * p.kinds * h + j;
  T* grad = p.grad + r * p.columns + j;
  const V<T> zero{}, one = fill(T(1)), scale = one / fill(p.scale[r]);

  V<T> largest = load(out, n), total = zero, centre = zero;
  for (Index k = 1; k < p.kinds; ++k) {
    const V<T> x = load(out + k * h, n);
    largest = choose<T>(x > largest, x, largest);
  }
  for (Index k = 0; k < p.kinds; ++k) {
    const V<T> e = vexp<T>(load(out + k * h, n) - largest);
    store(grad + k * h, e, n);
    total += e;
    centre += e * load(anchors + k * h, n);
  }
  total = one / total;
  centre *= total;

  const V<T> target = load(p.targets(r) + j, n);
  V<T> weight = choose<T>(target == target, fill(row_weight), zero);
  for (Index i = n; i < W<T>; ++i) weight[i] = 0;
  const V<T> far = (target - fill(p.origin[r / p.steps]) - centre) * scale;
  const V<T> limit = fill(p.limit);
  const auto inside = (far < limit) & (far > -limit);  // false where the target is missing
  V<T> error = choose<T>(far > limit, limit, choose<T>(far < -limit, -limit, far));
  error = choose<T>(target == target, error, zero) - load(out + p.kinds * h, n);

  const V<T> raw = load(p.out + r * p.columns + width_at, n), width = vsoftplus<T>(raw);
  const V<T> sign = choose<T>(error > zero, one, choose<T>(error < zero, -one, zero));
  V<T> d_error = weight * sign * fill(p.median_weight), d_width = zero, loss = d_error * error;
  const V<T> share = weight * fill(p.quantile_weight);
  for (Index i = 0; i < 2 * p.side; ++i) {
    const V<T> reach = fill(i < p.side ? -tails.reach[i] : tails.reach[i]);
    const V<T> rest = error - width * reach;
    const V<T> slope = share * choose<T>(rest < zero, fill(p.probability[i] - 1), fill(p.probability[i]));
    loss += slope * rest;
    d_error += slope;
    d_width -= slope * reach;
    tails.moved[i] += i < p.side ? slope * width : -slope * width;
  }
  store(p.grad + r * p.columns + width_at, d_width * vsigmoid<T>(raw), n);
  store(grad + p.kinds * h, -d_error, n);
  const V<T> d_centre = choose<T>(inside, -d_error * scale * total, zero);
  for (Index k = 0; k < p.kinds; ++k) {
    store(grad + k * h, d_centre * load(grad + k * h, n) * (load(anchors + k * h, n) - centre), n);
  }
  return loss;
}

template <class T>
void quantile_loss(const QuantileLoss<T>& p, int threads) {
  team(threads, [&](const Worker& worker) {
    Tails<T> tails;
    const Weights<T> weights(p);
    for (Index r = worker.first(p.rows); r < worker.last(p.rows); ++r) {
      const Index at = r * p.columns + (p.kinds + 2) * p.horizon;
      tails.read(p.out + at, p.side);
      const T weight = weights.of(p, r);
      V<T> loss{};
      for (Index j = 0; j < p.horizon; j += W<T>) loss += quantile_steps(p, r, j, weight, tails);
      p.loss[r] = sum_lanes<T>(loss);
      tails.write(p.grad + at, p.side);
    }
  });
}

// Adds the quantiles themselves, in the units of the values.
template <class T>
void add_quantiles(const Quantiles<T>& p, int threads) {
  team(threads, [&](const Worker& worker) {
    Tails<T> tails;
    T reach[Tails<T>::most + 1], middle[W<T>], width[W<T>];
    const Index h = p.horizon, count = 2 * p.side + 1;
    for (Index r = worker.first(p.rows); r < worker.last(p.rows); ++r) {
      const T* const out = p.out + r * p.columns;
      tails.read(out + (p.kinds + 2) * h, p.side);
      for (Index k = 0; k < p.side; ++k) {
        reach[p.side - 1 - k] = -tails.reach[k];
        reach[p.side + 1 + k] = tails.reach[p.side + k];
      }
      reach[p.side] = 0;
      const V<T> scale = fill(p.scale[r]);
      const double origin = p.origin[r];
      for (Index j = 0; j < h; j += W<T>) {
        const Index n = h - j;
        V<T> largest = load(out + j, n), total{}, centre{};
        for (Index k = 1; k < p.kinds; ++k) {
          const V<T> x = load(out + k * h + j, n);
          largest = choose<T>(x > largest, x, largest);
        }
        for (Index k = 0; k < p.kinds; ++k) {
          const V<T> e = vexp<T>(load(out + k * h + j, n) - largest);
          total += e;
          centre += e * load(p.anchors + (r * p.kinds + k) * h + j, n);
        }
        store(middle, centre / total + scale * load(out + p.kinds * h + j, n));
        store(width, scale * fill(p.stretch) * vsoftplus<T>(load(out + (p.kinds + 1) * h + j, n)));
        for (Index i = 0; i < n && i < W<T>; ++i) {
          double* const sum = p.sum + (r * h + j + i) * count;
          for (Index k = 0; k < count; ++k) sum[k] += double(middle[i] + width[i] * reach[k]) + origin;
        }
      }
    }
  });
}
