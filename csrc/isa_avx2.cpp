// x86-64 with AVX2 and FMA.
#define CARROUSEL_VECTOR_BYTES 32
#define CARROUSEL_REGISTERS 16
#include "isa.inl.h"
#include "processor.h"

CARROUSEL_ISA_TABLE(avx2, has_avx2())
