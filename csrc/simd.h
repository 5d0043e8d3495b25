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
inline void store_some(float* p, V<float> v, Index n) {
  _mm512_mask_storeu_ps(p, (1u << n) - 1, (__m512)v);
}
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

// (exp(r) - 1 - r) / r^2 for |r| <= ln(2)/2: the series 1/2 + r/6 + r^2/24 + ...
inline V<float> tail(V<float> r) {
  V<float> q = fill(1.3888889e-3f) + r * fill(1.9841270e-4f);
  q = q * r + fill(8.3333333e-3f);
  q = q * r + fill(4.1666667e-2f);
  q = q * r + fill(1.6666667e-1f);
  return q * r + fill(0.5f);
}
inline V<double> tail(V<double> r) {
  constexpr double inverse[] = {1. / 87178291200., 1. / 6227020800., 1. / 479001600., 1. / 39916800.,
                                1. / 3628800.,     1. / 362880.,     1. / 40320.,     1. / 5040.,
                                1. / 720.,         1. / 120.,        1. / 24.,        1. / 6.,
                                1. / 2.};
  V<double> q = fill(inverse[0]);
#pragma GCC unroll 12
  for (int i = 1; i < 13; ++i) q = q * r + fill(inverse[i]);
  return q;
}

template <class T>
struct Reduced {
  V<T> expm1;                     // exp(r) - 1 where x = n ln 2 + r
  V<typename Number<T>::integer> n;
};

template <class T>
inline Reduced<T> reduce(V<T> x) {
  using N = Number<T>;
  constexpr T shift = static_cast<T>(3ll << (N::mantissa - 1));  // adding it rounds to an integer
  const V<T> rounded = x * fill(T(1.44269504088896340736)) + fill(shift);
  const V<T> n = rounded - fill(shift);
  const V<T> r = (x - n * fill(N::ln2_high)) - n * fill(N::ln2_low);
  V<typename N::integer> bits;
  __builtin_memcpy(&bits, &rounded, sizeof bits);
  typename N::integer base;
  __builtin_memcpy(&base, &shift, sizeof base);
  return {r + r * r * tail(r), bits - base};
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
  x = x > fill(N::highest) ? fill(N::highest) : x;  // comparisons with NaN fail and keep it
  x = x < fill(N::lowest) ? fill(N::lowest) : x;
  const Reduced<T> e = reduce<T>(x);
  const auto half = e.n >> 1;  // in two factors: 2^n itself may overflow or be denormal
  return (e.expm1 + fill(T(1))) * power_of_two<T>(half) * power_of_two<T>(e.n - half);
}

// 1 / (1 + exp(-x)). One factor 2^n is enough: below 2^-bias the 1 swallows it, and where it
// overflows (x < -88.3 in float32) the result, under 1e-38, becomes 0.
template <class T>
inline V<T> vsigmoid(V<T> x) {
  using N = Number<T>;
  constexpr T low = N::sigmoid_one;
  V<T> z = -x;
  z = z > fill(N::highest) ? fill(N::highest) : z;
  z = z < fill(-low) ? fill(-low) : z;
  const Reduced<T> e = reduce<T>(z);
  const V<T> scale = power_of_two<T>(e.n);
  return fill(T(1)) / (fill(T(1)) + scale * (fill(T(1)) + e.expm1));
}

// With m = exp(2|x|) - 1: tanh|x| = m / (m + 2), which keeps every digit near zero, and the same as
// 1 - 2 / (m + 2), which keeps those near one, on which the derivative 1 - tanh^2 hangs.
template <class T>
inline V<T> vtanh(V<T> x) {
  using N = Number<T>;
  using Bits = V<typename N::integer>;
  Bits sign, bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  sign = bits & (Bits{} + (typename N::integer(1) << (8 * sizeof(T) - 1)));
  bits ^= sign;
  V<T> z;
  __builtin_memcpy(&z, &bits, sizeof z);
  z = z > fill(N::tanh_one) ? fill(N::tanh_one) : z;
  const Reduced<T> e = reduce<T>(z + z);
  const V<T> scale = power_of_two<T>(e.n);
  const V<T> m = scale * e.expm1 + (scale - fill(T(1)));
  const auto small = m < fill(T(1));
  const V<T> y = (small ? V<T>{} : fill(T(1))) + (small ? m : fill(T(-2))) / (m + fill(T(2)));
  __builtin_memcpy(&bits, &y, sizeof bits);
  bits |= sign;
  __builtin_memcpy(&z, &bits, sizeof z);
  return z;
}

template <class T>
void elementwise(Function f, Index n, const T* in, T* out) {
  for (Index i = 0; i < n; i += W<T>) {
    const V<T> x = load(in + i, n - i);
    const V<T> y = f == Function::exp ? vexp<T>(x) : f == Function::tanh ? vtanh<T>(x) : vsigmoid<T>(x);
    store(out + i, y, n - i);
  }
}
