// The last byte of each lane.
inline void store_bytes(std::uint8_t* out, V<std::int32_t> v) {
#ifdef CARROUSEL_PORTABLE
  for (int j = 0; j < W<float>; ++j) out[j] = static_cast<std::uint8_t>(v[j]);
#else
  typedef std::uint8_t Bytes __attribute__((vector_size(CARROUSEL_VECTOR_BYTES / 4)));
  const Bytes bytes = __builtin_convertvector(v, Bytes);
  std::memcpy(out, &bytes, sizeof bytes);
#endif
}

// n numbers as q + 128 with x = scale * q -> scale; NaN where a number is infinite or none.
inline float quantize_row(const float* x, Index n, std::int32_t* words) {
  V<std::int32_t> most{};  // as bits: those of NaN are larger than those of infinity
  for (Index k = 0; k < n; k += W<float>) {
    const V<float> values = load(x + k, n - k);
    V<std::int32_t> bits;
    std::memcpy(&bits, &values, sizeof bits);
    bits &= fill(std::int32_t(0x7fffffff));
    most = choose<std::int32_t>(bits > most, bits, most);
  }
  std::int32_t bits = 0;
  for (int j = 0; j < W<float>; ++j) bits = most[j] > bits ? most[j] : bits;
  float largest;
  std::memcpy(&largest, &bits, sizeof largest);
  const bool finite = largest <= std::numeric_limits<float>::max();
  const float inverse = finite && largest > 1e-36f ? 127.0f / largest : 0.0f;
  constexpr float shift = 3 << 22;  // rounds to an integer
  std::int32_t base;
  std::memcpy(&base, &shift, sizeof base);
  auto* const out = reinterpret_cast<std::uint8_t*>(words);
  for (Index k = 0; k < n; k += W<float>) {
    const V<float> rounded = load(x + k, n - k) * fill(inverse) + fill(shift);
    V<std::int32_t> q;
    std::memcpy(&q, &rounded, sizeof q);
    store_bytes(out + k, q - fill(base - 128));
  }
  return finite ? (inverse > 0 ? largest / 127.0f : 0.0f) : kMissing;
}

// Numbers of 8 bits: weights are -127 .. 127, inputs q = -127 .. 127 as the unsigned q + 128, since that is what
// processors multiply (VNNI); sums start from -128 times those of the weights. Every sum is exact, and the
// same on every processor.
struct Int8 {
  using Sum = std::int32_t;
  static constexpr Index per = 4;
#if defined(CARROUSEL_VNNI)
  static constexpr int vectors = 1;  // registers that a word takes, ready to be multiplied
  using Ready = V<std::int32_t>;
  static Ready row(std::int32_t word) { return fill(word); }
  static Ready panel(V<std::int32_t> words) { return words; }
  static void add(V<Sum>& sum, Ready row, Ready panel) {
    sum = (V<Sum>)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)row, (__m512i)panel);
  }
#elif !defined(CARROUSEL_PORTABLE) && (defined(__x86_64__) || defined(_M_X64))
  // In 16 bits, even and odd numbers apart: products of bytes, added in pairs, would not fit them.
  static constexpr int vectors = 2;
  typedef std::int16_t Shorts __attribute__((vector_size(CARROUSEL_VECTOR_BYTES)));
  typedef std::uint16_t Unsigned __attribute__((vector_size(CARROUSEL_VECTOR_BYTES)));
  struct Ready {
    Shorts even, odd;
  };
  static Ready row(std::int32_t word) {
    const Unsigned both = (Unsigned)fill(word);
    return {(Shorts)(both & 0xff), (Shorts)(both >> 8)};
  }
  static Ready panel(V<std::int32_t> words) {
    const Shorts both = (Shorts)words;
    return {(Shorts)((Unsigned)both << 8) >> 8, both >> 8};
  }
  static V<Sum> pairs(Shorts a, Shorts b) {
#if CARROUSEL_VECTOR_BYTES == 64
    return (V<Sum>)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif CARROUSEL_VECTOR_BYTES == 32
    return (V<Sum>)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#else
    return (V<Sum>)_mm_madd_epi16((__m128i)a, (__m128i)b);
#endif
  }
  static void add(V<Sum>& sum, const Ready& row, const Ready& panel) {
    sum += pairs(row.even, panel.even) + pairs(row.odd, panel.odd);
  }
#else
  static constexpr int vectors = 1;
  using Ready = V<std::int32_t>;
  static Ready row(std::int32_t word) { return fill(word); }
  static Ready panel(V<std::int32_t> words) { return words; }
  static void add(V<Sum>& sum, Ready row, Ready panel) {
    std::uint8_t a[CARROUSEL_VECTOR_BYTES];
    std::int8_t b[CARROUSEL_VECTOR_BYTES];
    std::memcpy(a, &row, sizeof a);
    std::memcpy(b, &panel, sizeof b);
    for (int j = 0; j < W<float>; ++j) {
      for (int k = 0; k < 4; ++k) sum[j] += a[4 * j + k] * b[4 * j + k];
    }
  }
#endif

  static float round(const float* x, Index n, std::int32_t* words) { return quantize_row(x, n, words); }

  // bias + scale of the row * scale of the weights * product, for m rows and nv vectors of sums.
  static void product(const WordProduct<Int8>& factor, Index m, int nv, const Sum* start, const float* scale,
                      const float* bias, const float* row_scale, float* out) {
    alignas(64) Sum sums[kWordRows * 4 * W<float>];
    multiply_words<Int8>(m, nv, factor, {start, 0, sums});
    for (Index v = 0; v < nv * W<float>; v += W<float>) {
      const V<float> weights = load(scale + v), first = load(bias + v);
      for (Index r = 0; r < m; ++r) {
        const V<float> sum = numbers<float>(load(sums + r * nv * W<float> + v));
        store(out + r * nv * W<float> + v, first + fill(row_scale[r]) * weights * sum);
      }
    }
  }
};
