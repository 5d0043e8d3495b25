// x86-64 with AVX-512 and its products of bytes (VNNI): integer kernels alone.
#define CARROUSEL_VECTOR_BYTES 64
#define CARROUSEL_REGISTERS 32
#define CARROUSEL_VNNI
#include "isa.inl.h"
#include "processor.h"

namespace carrousel {
extern const Narrow narrow_avx512_vnni{
    "avx512_vnni", [] { return has_avx512_vnni(); }, {pack_quantized, forward_quantized}, nullptr, nullptr};
}  // namespace carrousel
