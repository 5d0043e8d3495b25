// exp, tanh and sigmoid of vectors (vector.inl.h): range reduction to |r| <= ln(2)/2, then a polynomial
// for expm1. Measured largest errors are in csrc/README.md; +-inf, NaN and denormals are right.

template <class T>
struct Number;
template <>
struct Number<float> {
  using integer = std::int32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float lowest = -104.0f, highest = 89.0f;  // exp is 0 or infinite beyond
  static constexpr float tanh_one = 10.0f;                   // tanh rounds to 1 from here on,
  static constexpr float sigmoid_one = 20.0f;                // and sigmoid from here
  static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
};
template <>
struct Number<double> {
  using integer = std::int64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double lowest = -746.0, highest = 710.0;
  static constexpr double tanh_one = 20.0, sigmoid_one = 40.0;
  static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
};

// f(0) .. f(N-1). What follows works on N vectors step by step rather than one after the other: a
// chain of twenty dependent operations leaves most of the processor idle, N of them do not.
template <int N, class F>
inline void each(const F& f) {
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) f(i);
}

// q = (exp(r) - 1 - r) / r^2 for |r| <= ln(2)/2: the series 1/2 + r/6 + r^2/24 + ...
template <class T, int N>
inline void tail(const V<T> (&r)[N], V<T> (&q)[N]) {
  constexpr double inverse[] = {
      1. / 87178291200., 1. / 6227020800., 1. / 479001600., 1. / 39916800., 1. / 3628800.,
      1. / 362880.,      1. / 40320.,      1. / 5040.,      1. / 720.,      1. / 120.,
      1. / 24.,          1. / 6.,          1. / 2.};
  constexpr int first = sizeof(T) == 8 ? 0 : 7;  // as many terms as the type can tell apart
  each<N>([&](int k) { q[k] = fill(T(inverse[first])); });
#pragma GCC unroll 12
  for (int i = first + 1; i < 13; ++i) {
    each<N>([&](int k) { q[k] = q[k] * r[k] + fill(T(inverse[i])); });
  }
}

// exp(x) = 2^n (1 + expm1)
template <class T, int N>
struct Reduced {
  V<T> expm1[N];
  V<typename Number<T>::integer> n[N];
};

template <class T, int N>
inline Reduced<T, N> reduce(const V<T> (&x)[N]) {
  constexpr T shift = static_cast<T>(3ll << (Number<T>::mantissa - 1));  // rounds to an integer
  typename Number<T>::integer base;
  std::memcpy(&base, &shift, sizeof base);
  Reduced<T, N> e;
  V<T> r[N], n[N], rounded[N];
  each<N>([&](int i) { rounded[i] = x[i] * fill(T(1.44269504088896340736)) + fill(shift); });
  each<N>([&](int i) { n[i] = rounded[i] - fill(shift); });
  each<N>([&](int i) { r[i] = x[i] - n[i] * fill(Number<T>::ln2_high); });
  each<N>([&](int i) { r[i] = r[i] - n[i] * fill(Number<T>::ln2_low); });
  each<N>([&](int i) { std::memcpy(&e.n[i], &rounded[i], sizeof e.n[i]); });
  tail<T>(r, e.expm1);
  each<N>([&](int i) { e.expm1[i] = r[i] + r[i] * r[i] * e.expm1[i]; });
  each<N>([&](int i) { e.n[i] = e.n[i] - fill(base); });
  return e;
}

template <class T>
inline V<T> power_of_two(V<typename Number<T>::integer> n) {
  n = (n + fill(typename Number<T>::integer(Number<T>::bias))) << Number<T>::mantissa;
  V<T> v;
  std::memcpy(&v, &n, sizeof v);
  return v;
}

template <class T>
inline V<T> vexp(V<T> x) {
  using N = Number<T>;
  const V<T> inside[1] = {at_least(at_most(x, N::highest), N::lowest)};
  const Reduced<T, 1> e = reduce<T>(inside);
  const auto half = e.n[0] >> 1;  // in two factors: 2^n itself may overflow or be denormal
  return (e.expm1[0] + fill(T(1))) * power_of_two<T>(half) * power_of_two<T>(e.n[0] - half);
}

template <class T>
inline V<T> sign_of(V<T> x) {
  using Integer = typename Number<T>::integer;
  constexpr Integer sign = std::numeric_limits<Integer>::min();  // its bit alone
  V<Integer> bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits &= fill(sign);
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
template <class T>
inline V<T> flip(V<T> x, V<T> sign) {
  V<typename Number<T>::integer> a, b;
  std::memcpy(&a, &x, sizeof a);
  std::memcpy(&b, &sign, sizeof b);
  a ^= b;
  std::memcpy(&x, &a, sizeof x);
  return x;
}

// x[i] becomes its tanh where bit i of `tanhs` is set, else its sigmoid.
//
// sigmoid x = 1 / (1 + exp(-x)). One factor 2^n is enough: below 2^-bias the 1 swallows it, and
// where it overflows (x < -88.3 in float32) the result, under 1e-38, becomes 0.
//
// tanh |x|, with m = exp(2|x|) - 1, is m / (m + 2), which keeps every digit near zero, and the same
// as 1 - 2 / (m + 2), which keeps those near one, on which the derivative 1 - tanh^2 hangs.
template <unsigned tanhs, class T, int N>
inline void activate(V<T> (&x)[N]) {
  using Is = Number<T>;
  V<T> z[N], sign[N];
  each<N>([&](int i) {
    if (tanhs >> i & 1) {
      sign[i] = sign_of<T>(x[i]);
      x[i] = at_most(flip<T>(x[i], sign[i]), Is::tanh_one);
      z[i] = x[i] + x[i];
    } else {
      z[i] = at_least(at_most(-x[i], Is::highest), -Is::sigmoid_one);
    }
  });
  const Reduced<T, N> e = reduce<T>(z);
  V<T> scale[N];
  each<N>([&](int i) { scale[i] = power_of_two<T>(e.n[i]); });
  each<N>([&](int i) {
    const V<T> one = fill(T(1));
    if (tanhs >> i & 1) {
      const auto small = x[i] < fill(T(0.3465736));  // m < 1
      const V<T> m = scale[i] * e.expm1[i] + (scale[i] - one);
      x[i] = flip<T>(choose<T>(small, V<T>{}, one) + choose<T>(small, m, fill(T(-2))) / (m + fill(T(2))),
                     sign[i]);
    } else {
      x[i] = one / (one + scale[i] * (one + e.expm1[i]));
    }
  });
}

template <class T>
inline V<T> vsigmoid(V<T> x) {
  V<T> v[1] = {x};
  activate<0, T>(v);
  return v[0];
}
template <class T>
inline V<T> vtanh(V<T> x) {
  V<T> v[1] = {x};
  activate<1, T>(v);
  return v[0];
}

template <class T>
void elementwise(Function f, Index n, const T* in, T* out) {
  for (Index i = 0; i < n; i += W<T>) {
    const V<T> x = load(in + i, n - i);
    const V<T> y = f == Function::exp ? vexp<T>(x) : f == Function::tanh ? vtanh<T>(x) : vsigmoid<T>(x);
    store(out + i, y, n - i);
  }
}
