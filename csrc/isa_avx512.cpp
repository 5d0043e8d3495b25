// x86-64 with AVX-512 (F, DQ, BW, VL).
#define CARROUSEL_VECTOR_BYTES 64
#define CARROUSEL_REGISTERS 32
#include "isa.inl.h"

CARROUSEL_ISA_TABLE(avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
