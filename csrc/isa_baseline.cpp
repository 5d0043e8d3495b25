// Any x86-64 (SSE2) or arm64 (NEON) processor.
#define CARROUSEL_VECTOR_BYTES 16
#if defined(__aarch64__) || defined(_M_ARM64)
#define CARROUSEL_REGISTERS 32
#else
#define CARROUSEL_REGISTERS 16
#endif
#include "isa.inl.h"

CARROUSEL_ISA_TABLE(baseline, true)
