// The instructions of AVX-512, VNNI, AVX512_BF16 and AMX that the kernels name, in plain C++: included before
// everything else (CARROUSEL_EMULATED in CMakeLists.txt, `make emulated`), so that whoever has only AVX2 can run
// and debug those kernels. What the compiler writes for its own vectors of 64 bytes is AVX2 then. Numbers are
// those of the instructions, but for denormals, which bfloat16's would take for zero. Slow.
#pragma once
#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace emulated {
typedef float Floats __attribute__((vector_size(64)));
typedef std::int32_t Ints __attribute__((vector_size(64)));

// f(i, lane i of a, lane i of b) of every lane of type T.
template <class T, class V, class F>
inline V lanes(V a, V b, const F& f) {
  T x[sizeof(V) / sizeof(T)], y[sizeof(V) / sizeof(T)];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  for (unsigned i = 0; i < sizeof(V) / sizeof(T); ++i) x[i] = f(i, x[i], y[i]);
  std::memcpy(&a, x, sizeof a);
  return a;
}

template <class V, class T>
inline V load_some(unsigned mask, const T* p) {
  return lanes<T>(V{}, V{}, [&](unsigned i, T, T) { return mask >> i & 1 ? p[i] : T(0); });
}
template <class V, class T>
inline void store_some(T* p, unsigned mask, V v) {
  lanes<T>(v, v, [&](unsigned i, T x, T) { return mask >> i & 1 ? p[i] = x : x; });
}
template <class T, class V>
inline V smaller(V a, V b) {
  return lanes<T>(a, b, [](unsigned, T x, T y) { return x < y ? x : y; });
}
template <class T, class V>
inline V larger(V a, V b) {
  return lanes<T>(a, b, [](unsigned, T x, T y) { return x > y ? x : y; });
}
inline __m512 fill(float x) { return (__m512)(Floats{} + x); }
inline __m512d fill(double x) { return __m512d{} + x; }

// Integers: pairs of 16 bits, fours of unsigned by signed bytes.
inline __m512i add_pairs(__m512i a, __m512i b) {
  return (__m512i)lanes<std::int32_t>((Ints)a, (Ints)b, [](unsigned, std::int32_t x, std::int32_t y) {
    return std::int16_t(x) * std::int16_t(y) + (x >> 16) * (y >> 16);
  });
}
inline Ints add_bytes(Ints sum, Ints a, Ints b) {
  for (int k = 0; k < 32; k += 8) sum += ((a >> k) & 255) * (b << (24 - k) >> 24);
  return sum;
}

// bfloat16: the nearest, of two the even one.
inline std::uint16_t rounded(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (x != x) return static_cast<std::uint16_t>(bits >> 16 | 64);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline __m256i rounded(__m512 v) {
  float x[16];
  std::uint16_t words[16];
  std::memcpy(x, &v, sizeof x);
  for (int i = 0; i < 16; ++i) words[i] = rounded(x[i]);
  __m256i found;
  std::memcpy(&found, words, sizeof found);
  return found;
}
inline __m512i rounded(__m512 high, __m512 low) {
  const __m256i both[] = {rounded(low), rounded(high)};
  __m512i found;
  std::memcpy(&found, both, sizeof found);
  return found;
}
inline __m512i widened(__m256i v) {
  std::uint16_t words[16];
  std::memcpy(words, &v, sizeof words);
  Ints found;
  for (int i = 0; i < 16; ++i) found[i] = words[i];
  return (__m512i)found;
}
inline Floats first(Ints words) { return (Floats)(words << 16); }
inline Floats second(Ints words) { return (Floats)(words >> 16 << 16); }
inline __m512 add_products(__m512 sum, Ints a, Ints b) {
  return (__m512)((Floats)sum + second(a) * second(b) + first(a) * first(b));
}

// Tiles of a thread: nothing may be done with them before they are laid out, nor after they are let go.
struct Tiles {
  bool ready = false;
  Ints row[8][16];
  Ints (&operator[](int i))[16] {
    if (!ready) __builtin_trap();
    return row[i];
  }
};
inline thread_local Tiles tiles;

// Whole ones alone.
inline void lay_out(const void* palette) {
  unsigned char bytes[64];
  std::memcpy(bytes, palette, sizeof bytes);
  bool whole = bytes[0] == 1;
  for (int i = 0; i < 8; ++i) whole &= bytes[16 + 2 * i] == 64 && bytes[48 + i] == 16;
  if (!whole) __builtin_trap();
  tiles.ready = true;
}

inline void load_tile(int tile, const void* from, long stride) {
  for (int m = 0; m < 16; ++m) std::memcpy(&tiles[tile][m], static_cast<const char*>(from) + m * stride, 64);
}
inline void store_tile(int tile, void* to, long stride) {
  for (int m = 0; m < 16; ++m) std::memcpy(static_cast<char*>(to) + m * stride, &tiles[tile][m], 64);
}
inline void add_bytes_of_tiles(int sums, int a, int b) {
  for (int m = 0; m < 16; ++m) {
    for (int k = 0; k < 16; ++k) tiles[sums][m] = add_bytes(tiles[sums][m], Ints{} + tiles[a][m][k], tiles[b][k]);
  }
}
// Even and odd numbers have sums of their own in every instruction, which are then added.
inline void add_products_of_tiles(int sums, int a, int b) {
  for (int m = 0; m < 16; ++m) {
    Floats even{}, odd{};
    for (int k = 0; k < 16; ++k) {
      const Ints x = Ints{} + tiles[a][m][k];
      even += first(x) * first(tiles[b][k]);
      odd += second(x) * second(tiles[b][k]);
    }
    tiles[sums][m] = (Ints)((Floats)tiles[sums][m] + (even + odd));
  }
}
}  // namespace emulated

#define _mm512_set1_ps(x) emulated::fill(float(x))
#define _mm512_set1_pd(x) emulated::fill(double(x))
#define _mm512_maskz_loadu_ps(mask, p) emulated::load_some<__m512>(mask, p)
#define _mm512_maskz_loadu_pd(mask, p) emulated::load_some<__m512d>(mask, p)
#define _mm512_mask_storeu_ps(p, mask, v) emulated::store_some(p, mask, v)
#define _mm512_mask_storeu_pd(p, mask, v) emulated::store_some(p, mask, v)
#define _mm512_maskz_min_ps(all, a, b) emulated::smaller<float>(a, b)
#define _mm512_maskz_min_pd(all, a, b) emulated::smaller<double>(a, b)
#define _mm512_maskz_max_ps(all, a, b) emulated::larger<float>(a, b)
#define _mm512_maskz_max_pd(all, a, b) emulated::larger<double>(a, b)
#define _mm512_madd_epi16(a, b) emulated::add_pairs(a, b)
#define _mm512_dpbusd_epi32(sum, a, b) \
  ((__m512i)emulated::add_bytes((emulated::Ints)(sum), (emulated::Ints)(a), (emulated::Ints)(b)))
#define _mm512_cvtneps_pbh(v) emulated::rounded(v)
#define _mm512_cvtne2ps_pbh(high, low) emulated::rounded(high, low)
#define _mm512_maskz_cvtepu16_epi32(all, v) emulated::widened(v)
#define _mm512_dpbf16_ps(sum, a, b) emulated::add_products(sum, (emulated::Ints)(a), (emulated::Ints)(b))
#define _tile_loadconfig(config) emulated::lay_out(config)
#define _tile_release() (emulated::tiles.ready = false)
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#undef _tile_dpbusd
#define _tile_loadd(tile, p, stride) emulated::load_tile(tile, p, stride)
#define _tile_stored(tile, p, stride) emulated::store_tile(tile, p, stride)
#define _tile_dpbf16ps(sums, a, b) emulated::add_products_of_tiles(sums, a, b)
#define _tile_dpbusd(sums, a, b) emulated::add_bytes_of_tiles(sums, a, b)
