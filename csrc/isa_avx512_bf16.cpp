// x86-64 with AVX-512, its products of bytes (VNNI) and of bfloat16: kernels of fewer bits alone.
#define CARROUSEL_VECTOR_BYTES 64
#define CARROUSEL_REGISTERS 32
#define CARROUSEL_VNNI
#define CARROUSEL_BF16
#include "isa.inl.h"
#include "processor.h"

namespace carrousel {
extern const Narrow narrow_avx512_bf16{"avx512_bf16",
                                       [] { return has_avx512_vnni() && has_avx512_bf16(); },
                                       {pack_quantized, forward_quantized},
                                       forward_half,
                                       backward_half};
}  // namespace carrousel
