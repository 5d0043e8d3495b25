// One vector type per instruction set, written with the compilers' vector extensions, so that the
// same text serves SSE2, AVX2, AVX-512 and NEON. Included inside each instruction set's own
// anonymous namespace; CARROUSEL_VECTOR_BYTES is the register width.
//
// exp, tanh and sigmoid: range reduction to |r| <= ln(2)/2, then a polynomial for expm1. Measured
// largest errors are in csrc/README.md; +-inf, NaN and denormals are right.

template <class T>
struct Lanes {
  typedef T type __attribute__((vector_size(CARROUSEL_VECTOR_BYTES)));
};
template <class T>
using V = typename Lanes<T>::type;
template <class T>
constexpr int W = CARROUSEL_VECTOR_BYTES / sizeof(T);  // lanes in a vector

template <class T>
inline V<T> load(const T* p) {
  V<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline void store(T* p, V<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}
// x - 0 and not x + 0: the compiler may leave it out (-0 + 0 is +0), which makes it one broadcast.
template <class T>
inline V<T> fill(T x) {
  return x - V<T>{};
}

#if CARROUSEL_VECTOR_BYTES == 64
inline V<float> load_some(const float* p, Index n) {
  return (V<float>)_mm512_maskz_loadu_ps((1u << n) - 1, p);
}
inline V<double> load_some(const double* p, Index n) {
  return (V<double>)_mm512_maskz_loadu_pd((1u << n) - 1, p);
}
inline void store_some(float* p, V<float> v, Index n) { _mm512_mask_storeu_ps(p, (1u << n) - 1, (__m512)v); }
inline void store_some(double* p, V<double> v, Index n) {
  _mm512_mask_storeu_pd(p, (1u << n) - 1, (__m512d)v);
}
#else
template <class T>
inline V<T> load_some(const T* p, Index n) {
  V<T> v{};
  for (Index i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
template <class T>
inline void store_some(T* p, V<T> v, Index n) {
  for (Index i = 0; i < n; ++i) p[i] = v[i];
}
#endif

// The first n lanes (all when n >= W); the others read as zero and are never written.
template <class T>
inline V<T> load(const T* p, Index n) {
  return n >= W<T> ? load(p) : load_some(p, n);
}
template <class T>
inline void store(T* p, V<T> v, Index n) {
  n >= W<T> ? store(p, v) : store_some(p, v, n);
}

// The smaller and the larger of x and a bound; NaN stays NaN. One instruction where there is one: a
// comparison makes a mask first, and three times as long a chain.
#if CARROUSEL_VECTOR_BYTES == 64
inline V<float> at_most(V<float> x, float c) {
  return (V<float>)_mm512_maskz_min_ps(0xffff, _mm512_set1_ps(c), (__m512)x);
}
inline V<double> at_most(V<double> x, double c) {
  return (V<double>)_mm512_maskz_min_pd(0xff, _mm512_set1_pd(c), (__m512d)x);
}
inline V<float> at_least(V<float> x, float c) {
  return (V<float>)_mm512_maskz_max_ps(0xffff, _mm512_set1_ps(c), (__m512)x);
}
inline V<double> at_least(V<double> x, double c) {
  return (V<double>)_mm512_maskz_max_pd(0xff, _mm512_set1_pd(c), (__m512d)x);
}
#elif defined(__AVX2__)
inline V<float> at_most(V<float> x, float c) { return (V<float>)_mm256_min_ps(_mm256_set1_ps(c), (__m256)x); }
inline V<double> at_most(V<double> x, double c) {
  return (V<double>)_mm256_min_pd(_mm256_set1_pd(c), (__m256d)x);
}
inline V<float> at_least(V<float> x, float c) {
  return (V<float>)_mm256_max_ps(_mm256_set1_ps(c), (__m256)x);
}
inline V<double> at_least(V<double> x, double c) {
  return (V<double>)_mm256_max_pd(_mm256_set1_pd(c), (__m256d)x);
}
#else
template <class X, class T>
inline X at_most(X x, T c) {
  return x > fill(c) ? fill(c) : x;
}
template <class X, class T>
inline X at_least(X x, T c) {
  return x < fill(c) ? fill(c) : x;
}
#endif

// Lane j of the result is lane which[j] of a, or which[j] - W of b.
template <class T, class Which>
inline V<T> shuffle(V<T> a, V<T> b, Which which) {
#if defined(__GNUC__) && !defined(__clang__)
  return __builtin_shuffle(a, b, which);
#else
  V<T> v;
  for (int j = 0; j < W<T>; ++j) v[j] = which[j] < W<T> ? a[which[j]] : b[which[j] - W<T>];
  return v;
#endif
}

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
  __builtin_memcpy(&base, &shift, sizeof base);
  Reduced<T, N> e;
  V<T> r[N], n[N], rounded[N];
  each<N>([&](int i) { rounded[i] = x[i] * fill(T(1.44269504088896340736)) + fill(shift); });
  each<N>([&](int i) { n[i] = rounded[i] - fill(shift); });
  each<N>([&](int i) { r[i] = x[i] - n[i] * fill(Number<T>::ln2_high); });
  each<N>([&](int i) { r[i] = r[i] - n[i] * fill(Number<T>::ln2_low); });
  each<N>([&](int i) { __builtin_memcpy(&e.n[i], &rounded[i], sizeof e.n[i]); });
  tail<T>(r, e.expm1);
  each<N>([&](int i) { e.expm1[i] = r[i] + r[i] * r[i] * e.expm1[i]; });
  each<N>([&](int i) { e.n[i] = e.n[i] - base; });
  return e;
}

template <class T>
inline V<T> power_of_two(V<typename Number<T>::integer> n) {
  n = (n + Number<T>::bias) << Number<T>::mantissa;
  V<T> v;
  __builtin_memcpy(&v, &n, sizeof v);
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
  V<typename Number<T>::integer> bits, sign{};
  __builtin_memcpy(&bits, &x, sizeof bits);
  bits &= sign + (typename Number<T>::integer(1) << (8 * sizeof(T) - 1));
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}
template <class T>
inline V<T> flip(V<T> x, V<T> sign) {
  V<typename Number<T>::integer> a, b;
  __builtin_memcpy(&a, &x, sizeof a);
  __builtin_memcpy(&b, &sign, sizeof b);
  a ^= b;
  __builtin_memcpy(&x, &a, sizeof x);
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
      x[i] = flip<T>((small ? V<T>{} : one) + (small ? m : fill(T(-2))) / (m + fill(T(2))), sign[i]);
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
