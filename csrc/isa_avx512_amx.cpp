// x86-64 with AVX-512 and the tiles of AMX, beside whose products those of VNNI and bfloat16 do what is too
// little for a tile: kernels of fewer bits alone.
#define CARROUSEL_VECTOR_BYTES 64
#define CARROUSEL_REGISTERS 32
#define CARROUSEL_VNNI
#define CARROUSEL_BF16
#define CARROUSEL_AMX
#include "isa.inl.h"
#include "processor.h"

namespace carrousel {
extern const Narrow narrow_avx512_amx{"avx512_amx",
                                      [] { return has_avx512_vnni() && has_avx512_bf16() && has_amx(); },
                                      {pack_quantized, forward_quantized},
                                      forward_half,
                                      backward_half};
}  // namespace carrousel
