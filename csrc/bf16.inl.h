// Numbers of 16 bits with the exponent of float32 (bfloat16), two in a word; sums are float32.

// Where the lanes of x that there are, if any, begin a vector.
inline V<float> load_rest(const float* x, Index n) { return n > 0 ? load(x, n) : V<float>{}; }

// The n numbers of a row, up to 32, next to each other in 16 words.
inline V<std::int32_t> pairs_along(const float* x, Index n) {
  return (V<std::int32_t>)_mm512_cvtne2ps_pbh((__m512)load_rest(x + 16, n - 16), (__m512)load_rest(x, n));
}

// Words of a number of a and the one below it, of b.
inline V<std::int32_t> pairs_across(V<float> a, V<float> b) {
  const auto bits = [](V<float> x) {
    return (V<std::int32_t>)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)_mm512_cvtneps_pbh((__m512)x));
  };
  return bits(a) | bits(b) << 16;
}

struct Bf16 {
  using Sum = float;
  static constexpr Index per = 2;
  static constexpr int vectors = 1;
  using Ready = V<std::int32_t>;
  static Ready row(std::int32_t word) { return fill(word); }
  static Ready panel(V<std::int32_t> words) { return words; }
  static void add(V<Sum>& sum, Ready row, Ready panel) {
    sum = (V<Sum>)_mm512_dpbf16_ps((__m512)sum, (__m512bh)row, (__m512bh)panel);
  }

  static float round(const float* x, Index n, std::int32_t* words) {
    for (Index k = 0; k < n; k += 32) store(words + k / 2, pairs_along(x + k, n - k));
    return 1;
  }

  static void product(const WordProduct<Bf16>& factor, Index m, int nv, const std::int32_t*, const float*,
                      const float* bias, const float*, float* out) {
    multiply_words<Bf16>(m, nv, factor, {bias, 0, out});
  }
};

inline Index pairs(Index n) { return (n + 1) / 2; }

// Weights (G*H, depth) -> for each group and panel: pairs of the depth x panel, as pack_forward has them.
template <class C>
void pack_pairs(const float* weights, Index hidden, Index depth, const Group<float, C>& group,
                std::int32_t* packed) {
  const Index words = panel_depth(pairs(depth));
  packed += group.offset() * words;
  for (Index q = 0; q < group.vectors(); ++q) {
    std::int32_t* const out = packed + group.vector(q, 0, words);
    Index rows[16];
    for (Index lane = 0; lane < 16; ++lane) rows[lane] = group.row(q, lane, hidden);
    for (Index k = 0; k < words; k += 16) {
      V<float> block[16];
#pragma GCC unroll 16
      for (Index lane = 0; lane < 16; ++lane) {
        block[lane] = rows[lane] < 0
                          ? V<float>{}
                          : (V<float>)pairs_along(weights + rows[lane] * depth + 2 * k, depth - 2 * k);
      }
      transpose<float>(block);  // which moves bits, whatever they mean
      for (Index i = 0; i < 16 && k + i < words; ++i) {
        store(out + (k + i) * group.nv * 16, (V<std::int32_t>)block[i]);
      }
    }
  }
}
