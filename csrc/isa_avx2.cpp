// x86-64 with AVX2 and FMA.
#define CARROUSEL_VECTOR_BYTES 32
#define CARROUSEL_REGISTERS 16
#include "isa.inl.h"

CARROUSEL_ISA_TABLE(avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
