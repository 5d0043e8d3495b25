// What each isa_*.cpp compiles: the kernels, for its own vector width, in its own anonymous
// namespace (and of the standard library only constants, memcpy and fabs: nothing whose shared symbols
// another file would pick up compiled for the wrong machine).
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels.h"
#include "threads.h"

#if !defined(__GNUC__) && !defined(__clang__) && !defined(CARROUSEL_PORTABLE)
#define CARROUSEL_PORTABLE  // no vectors of the compiler's own: vector.inl.h
#endif
#ifdef CARROUSEL_PORTABLE
#elif defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace carrousel {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

#include "vector.inl.h"

#include "simd.h"
#include "tile.inl.h"
#include "cells.inl.h"
#include "layout.inl.h"
#include "forward.inl.h"
#include "backward.inl.h"
#include "normalized.inl.h"
#include "passes.inl.h"
#include "products.inl.h"
#include "rules.inl.h"
#include "recurrence.inl.h"
#include "words.inl.h"
#include "int8.inl.h"
#include "narrow.inl.h"
#include "quantized.inl.h"
#ifdef CARROUSEL_BF16
#include "bf16.inl.h"
#include "half_forward.inl.h"
#include "half_backward.inl.h"
#include "half_passes.inl.h"
#endif
#include "quantiles.inl.h"
#include "anchors.inl.h"
#include "windows.inl.h"
#include "convolutions.inl.h"
}  // namespace
}  // namespace carrousel

#define CARROUSEL_ISA_TABLE(NAME, SUPPORTED)                                                                 \
  namespace carrousel {                                                                                      \
  extern const Isa isa_##NAME{                                                                               \
      #NAME,                                                                                                 \
      [] { return static_cast<bool>(SUPPORTED); },                                                           \
      {forward<float>, backward<float>, elementwise<float>, quantile_loss<float>, add_quantiles<float>,      \
       look<float>, gather<float>, product<float>, column_sums<float>, recur<float>, recur_back<float>},     \
      {forward<double>, backward<double>, elementwise<double>, quantile_loss<double>, add_quantiles<double>, \
       look<double>, gather<double>, product<double>, column_sums<double>, recur<double>,                    \
       recur_back<double>},                                                                                  \
      above,                                                                                                 \
      {pack_quantized, forward_quantized},                                                                   \
      nullptr,                                                                                               \
      nullptr};                                                                                              \
  }
