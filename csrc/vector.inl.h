// One vector type per instruction set, V<T>, and the few things that are not written alike by every
// compiler. GCC and Clang have vectors of their own, so that the same text serves SSE2, AVX2, AVX-512
// and NEON; for any other compiler (Visual Studio's; or CARROUSEL_PORTABLE) a vector is an array and
// its operators are loops of fixed length, which the compiler turns into vectors as well as it can.
// Included inside each instruction set's own anonymous namespace; CARROUSEL_VECTOR_BYTES is the
// register width. A comparison gives integers of the same width: all bits set where it holds.

template <class T>
constexpr int W = CARROUSEL_VECTOR_BYTES / sizeof(T);  // lanes in a vector

#ifdef CARROUSEL_PORTABLE

template <std::size_t bytes>
struct Signed;
template <>
struct Signed<4> {
  using type = std::int32_t;
};
template <>
struct Signed<8> {
  using type = std::int64_t;
};

template <class T>
struct alignas(CARROUSEL_VECTOR_BYTES) V {
  T lane[W<T>];

  T& operator[](Index i) { return lane[i]; }
  const T& operator[](Index i) const { return lane[i]; }
};
template <class T>
using Mask = V<typename Signed<sizeof(T)>::type>;

template <class T>
inline V<T> fill(T x) {
  V<T> v;
  for (int i = 0; i < W<T>; ++i) v[i] = x;
  return v;
}

#define CARROUSEL_LANES(OPERATOR)                             \
  template <class T>                                          \
  inline V<T> operator OPERATOR(V<T> a, V<T> b) {             \
    V<T> v;                                                   \
    for (int i = 0; i < W<T>; ++i) v[i] = a[i] OPERATOR b[i]; \
    return v;                                                 \
  }                                                           \
  template <class T>                                          \
  inline V<T>& operator OPERATOR## = (V<T> & a, V<T> b) {     \
    return a = a OPERATOR b;                                  \
  }
CARROUSEL_LANES(+)
CARROUSEL_LANES(-)
CARROUSEL_LANES(*)
CARROUSEL_LANES(/)
CARROUSEL_LANES(&)
CARROUSEL_LANES(^)
#undef CARROUSEL_LANES

#define CARROUSEL_LANES(OPERATOR)                                      \
  template <class T>                                                   \
  inline Mask<T> operator OPERATOR(V<T> a, V<T> b) {                   \
    Mask<T> v;                                                         \
    for (int i = 0; i < W<T>; ++i) v[i] = a[i] OPERATOR b[i] ? -1 : 0; \
    return v;                                                          \
  }
CARROUSEL_LANES(<)
CARROUSEL_LANES(>)
CARROUSEL_LANES(==)
#undef CARROUSEL_LANES

template <class T>
inline V<T> operator-(V<T> a) {
  V<T> v;
  for (int i = 0; i < W<T>; ++i) v[i] = -a[i];
  return v;
}
template <class T>
inline V<T> operator<<(V<T> a, int bits) {
  V<T> v;
  for (int i = 0; i < W<T>; ++i) v[i] = a[i] << bits;
  return v;
}
template <class T>
inline V<T> operator>>(V<T> a, int bits) {
  V<T> v;
  for (int i = 0; i < W<T>; ++i) v[i] = a[i] >> bits;
  return v;
}

// a where the mask holds, else b.
template <class T>
inline V<T> choose(Mask<T> mask, V<T> a, V<T> b) {
  V<T> v;
  for (int i = 0; i < W<T>; ++i) v[i] = mask[i] ? a[i] : b[i];
  return v;
}

// Integers as numbers.
template <class T>
inline V<T> numbers(Mask<T> integers) {
  V<T> v;
  for (int i = 0; i < W<T>; ++i) v[i] = static_cast<T>(integers[i]);
  return v;
}

// And numbers as integers, which they must be.
inline Mask<float> integers(V<float> numbers) {
  Mask<float> v;
  for (int i = 0; i < W<float>; ++i) v[i] = static_cast<std::int32_t>(numbers[i]);
  return v;
}

#else

template <class T>
struct Lanes {
  typedef T type __attribute__((vector_size(CARROUSEL_VECTOR_BYTES)));
};
template <class T>
using V = typename Lanes<T>::type;

// x - 0 and not x + 0: the compiler may leave it out (-0 + 0 is +0), which makes it one broadcast.
template <class T>
inline V<T> fill(T x) {
  return x - V<T>{};
}

// a where the mask holds, else b.
template <class T, class Mask>
inline V<T> choose(Mask mask, V<T> a, V<T> b) {
  return mask ? a : b;
}

// Integers as numbers.
template <class T, class Integers>
inline V<T> numbers(Integers integers) {
  return __builtin_convertvector(integers, V<T>);
}

// And numbers as integers, which they must be.
inline V<std::int32_t> integers(V<float> numbers) {
  return __builtin_convertvector(numbers, V<std::int32_t>);
}

#endif

template <class T>
inline V<T> load(const T* p) {
  V<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline void store(T* p, V<T> v) {
  std::memcpy(p, &v, sizeof v);
}

// Into the second cache, some time before it is read.
template <class T>
inline void prefetch([[maybe_unused]] const T* p) {
#ifndef CARROUSEL_PORTABLE
  __builtin_prefetch(p, 0, 2);
#endif
}

// Lane j of the result is lane which[j] of a, or which[j] - W of b.
template <class T, class Which>
inline V<T> shuffle(V<T> a, V<T> b, Which which) {
#if defined(__GNUC__) && !defined(__clang__) && !defined(CARROUSEL_PORTABLE)
  return __builtin_shuffle(a, b, which);
#else
  V<T> v;
  for (int j = 0; j < W<T>; ++j) v[j] = which[j] < W<T> ? a[which[j]] : b[which[j] - W<T>];
  return v;
#endif
}

// load_some, store_some: the first n < W lanes; the others read as zero and are never written.
// at_most, at_least: the smaller and the larger of x and a bound; NaN stays NaN. One instruction where
// there is one: a comparison makes a mask first, and three times as long a chain.
#if CARROUSEL_VECTOR_BYTES == 64 && !defined(CARROUSEL_PORTABLE)
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
#elif CARROUSEL_VECTOR_BYTES == 32 && !defined(CARROUSEL_PORTABLE)
// Stores in halves: one with a mask takes some AMD processors as long as twelve others.
inline V<float> load_some(const float* p, Index n) {
  alignas(32) static constexpr std::int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return (V<float>)_mm256_maskload_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(ones + 8 - n)));
}
inline V<double> load_some(const double* p, Index n) {
  alignas(32) static constexpr std::int64_t ones[8] = {-1, -1, -1, -1};
  return (V<double>)_mm256_maskload_pd(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(ones + 4 - n)));
}
inline void store_some(float* p, V<float> v, Index n) {
  __m128 rest = _mm256_castps256_ps128((__m256)v);
  if (n & 4) {
    _mm_storeu_ps(p, rest);
    rest = _mm256_extractf128_ps((__m256)v, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), rest);
    rest = _mm_movehl_ps(rest, rest);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, rest);
}
inline void store_some(double* p, V<double> v, Index n) {
  __m128d rest = _mm256_castpd256_pd128((__m256d)v);
  if (n & 2) {
    _mm_storeu_pd(p, rest);
    rest = _mm256_extractf128_pd((__m256d)v, 1);
    p += 2;
  }
  if (n & 1) _mm_store_sd(p, rest);
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

#if defined(CARROUSEL_PORTABLE) || (CARROUSEL_VECTOR_BYTES == 16 && !defined(__aarch64__))
template <class X, class T>
inline X at_most(X x, T c) {
  return choose<T>(x > fill(c), fill(c), x);
}
template <class X, class T>
inline X at_least(X x, T c) {
  return choose<T>(x < fill(c), fill(c), x);
}
#elif CARROUSEL_VECTOR_BYTES == 64
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
#elif CARROUSEL_VECTOR_BYTES == 32
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
#elif defined(__aarch64__)
inline V<float> at_most(V<float> x, float c) { return (V<float>)vminq_f32((float32x4_t)x, vdupq_n_f32(c)); }
inline V<double> at_most(V<double> x, double c) {
  return (V<double>)vminq_f64((float64x2_t)x, vdupq_n_f64(c));
}
inline V<float> at_least(V<float> x, float c) { return (V<float>)vmaxq_f32((float32x4_t)x, vdupq_n_f32(c)); }
inline V<double> at_least(V<double> x, double c) {
  return (V<double>)vmaxq_f64((float64x2_t)x, vdupq_n_f64(c));
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

// The same where it is known beforehand whether all lanes are there.
template <bool whole, class T>
inline V<T> load_lanes(const T* p, Index n) {
  if constexpr (whole) return load(p);
  else return load_some(p, n);
}
template <bool whole, class T>
inline void store_lanes(T* p, V<T> v, Index n) {
  if constexpr (whole) store(p, v);
  else store_some(p, v, n);
}
