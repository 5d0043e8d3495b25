// What the processor can do. Internal to each file (static): an inline function that files share could
// be taken from the one that was compiled for a wider machine.
#pragma once

#ifdef CARROUSEL_EMULATED  // tools/emulated.h

namespace carrousel {

static inline bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static inline bool has_avx512() { return has_avx2(); }
static inline bool has_avx512_vnni() { return true; }
static inline bool has_avx512_bf16() { return true; }
static inline bool has_amx() { return true; }

}  // namespace carrousel

#elif defined(_WIN32) && (defined(_M_X64) || defined(__x86_64__))
#include <intrin.h>

#if defined(__clang__) || defined(__GNUC__)
#define CARROUSEL_XSAVE __attribute__((target("xsave")))  // else they refuse _xgetbv
#else
#define CARROUSEL_XSAVE
#endif

namespace carrousel {

// A bit of register `which` (eax, ebx, ecx, edx) that cpuid gives for `leaf`.
static inline bool cpuid_bit(int leaf, int which, int bit, int part = 0) {
  int registers[4];
  __cpuidex(registers, leaf, part);
  return registers[which] >> bit & 1;
}

// Whether the system saves these parts of the state (XCR0) when it switches between programs.
CARROUSEL_XSAVE static inline bool saved(unsigned long long parts) {
  return cpuid_bit(1, 2, 27) && (_xgetbv(0) & parts) == parts;
}

static inline bool has_avx2() { return saved(0x6) && cpuid_bit(7, 1, 5) && cpuid_bit(1, 2, 12); }
static inline bool has_avx512() {  // F, DQ, BW, VL
  return saved(0xe6) && cpuid_bit(7, 1, 16) && cpuid_bit(7, 1, 17) && cpuid_bit(7, 1, 30) &&
         cpuid_bit(7, 1, 31);
}
static inline bool has_avx512_vnni() { return cpuid_bit(7, 2, 11); }
static inline bool has_avx512_bf16() { return cpuid_bit(7, 0, 5, 1); }

}  // namespace carrousel

#elif defined(__x86_64__)

#ifdef __linux__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace carrousel {

static inline bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static inline bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
static inline bool has_avx512_vnni() { return __builtin_cpu_supports("avx512vnni"); }
static inline bool has_avx512_bf16() { return __builtin_cpu_supports("avx512bf16"); }

#ifdef __linux__
// Tiles, and their products of bfloat16 and of bytes. Linux keeps room for them only in processes that have asked
// for it (arch_prctl ARCH_REQ_XCOMP_PERM, of the state XTILEDATA; since 5.16), and refuses where it keeps none.
static inline bool has_amx() {
  constexpr unsigned all = 1u << 22 | 1u << 24 | 1u << 25;
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & all) == all &&
         syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
#endif

}  // namespace carrousel
#endif
