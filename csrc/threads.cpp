#include "threads.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(_M_ARM64) && !defined(__clang__)
#include <intrin.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#elif defined(_WIN32)
#include <malloc.h>
#endif

namespace carrousel {

namespace {

constexpr std::size_t kAlign = 64;
constexpr int kSpins = 4000;  // some microseconds: longer than a step, shorter than a time slice

std::atomic<ParallelFor> parallel_for{nullptr};

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(_M_ARM64) && !defined(__clang__)
  __yield();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

struct alignas(kAlign) Barrier {
  std::atomic<int> arrived{0};
  alignas(kAlign) std::atomic<unsigned> phase{0};
  int slots = 0;
};

void wait(Barrier& barrier, int slots) {
  const unsigned phase = barrier.phase.load(std::memory_order_relaxed);
  if (barrier.arrived.fetch_add(slots, std::memory_order_acq_rel) + slots == barrier.slots) {
    barrier.arrived.store(0, std::memory_order_relaxed);
    barrier.phase.store(phase + 1, std::memory_order_release);
    return;
  }
  for (int spin = 0; barrier.phase.load(std::memory_order_acquire) == phase; ++spin) {
    spin < kSpins ? relax() : std::this_thread::yield();
  }
}

void use_parallel_for(ParallelFor function) { parallel_for = function; }

void run_team(int slots, void (*work)(const Worker&, const void*), const void* context) {
  const ParallelFor run = parallel_for;
  if (slots <= 1 || !run) {
    work(Worker{0, 1, 1, nullptr}, context);
    return;
  }
  struct Team {
    Barrier barrier;
    void (*work)(const Worker&, const void*);
    const void* context;
  } team;
  team.barrier.slots = slots;
  team.work = work;
  team.context = context;
  run(
      0, slots, 1,
      [](Index begin, Index end, void* p) {
        Team& t = *static_cast<Team*>(p);
        t.work(Worker{static_cast<int>(begin), static_cast<int>(end), t.barrier.slots, &t.barrier},
               t.context);
      },
      &team);
}

// Windows frees aligned memory by a function of its own.
static void* aligned(std::size_t size) {
#ifdef _WIN32
  return _aligned_malloc(size, kAlign);
#else
  return std::aligned_alloc(kAlign, size);
#endif
}

static void free_aligned(void* memory) {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

void prefer_huge_pages(void* memory, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t page = std::uintptr_t(2) << 20;
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const std::uintptr_t last = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

struct alignas(kAlign) Scratch::Block {
  Block* next;
};

void* Scratch::allocate(std::size_t bytes) {
  const std::size_t size = (sizeof(Block) + bytes + 2 * kAlign - 1) / kAlign * kAlign;
  Block* block = static_cast<Block*>(aligned(size));
  if (!block) throw std::bad_alloc();
  prefer_huge_pages(block, size);
#ifdef CARROUSEL_POISON
  std::memset(static_cast<void*>(block), 0xff, size);
#endif
  block->next = blocks_;
  blocks_ = block;
  return block + 1;
}

Scratch::~Scratch() {
  while (blocks_) {
    Block* next = blocks_->next;
    free_aligned(blocks_);
    blocks_ = next;
  }
}

}  // namespace carrousel
