#include "threads.h"

#include <atomic>
#include <cstring>
#include <new>
#include <thread>

#include "memory.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(_M_ARM64) && !defined(__clang__)
#include <intrin.h>
#endif

namespace carrousel {

namespace {

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

struct alignas(kAlign) Scratch::Block {
  Block* next;
};

void* Scratch::allocate(std::size_t bytes) {
  const std::size_t size = sizeof(Block) + bytes + kAlign;
  Block* block = static_cast<Block*>(take_memory(size));
  if (!block) throw std::bad_alloc();
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
    give_memory(blocks_);
    blocks_ = next;
  }
}

}  // namespace carrousel
