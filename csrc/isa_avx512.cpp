// x86-64 with AVX-512 (F, DQ, BW, VL).
#define CARROUSEL_VECTOR_BYTES 64
#define CARROUSEL_REGISTERS 32
#include "isa.inl.h"
#include "processor.h"

CARROUSEL_ISA_TABLE(avx512, has_avx512())
