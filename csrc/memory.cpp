#include "memory.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>

#ifdef __linux__
#include <sys/mman.h>
#elif defined(_WIN32)
#include <malloc.h>
#endif

namespace carrousel {
namespace {

constexpr std::size_t kSmall = std::size_t(64) << 10;     // below, the C library keeps its pages itself
constexpr std::size_t kMostIdle = std::size_t(256) << 20;  // of all blocks together
constexpr std::uint64_t kPatience = 512;                  // takes without use, until a block is freed

// In front of what is handed out. Idle blocks are a list, the last that was given back first.
struct alignas(kAlign) Block {
  std::size_t bytes;  // of use, behind this
  Block* next;
  std::uint64_t since;  // when it was given back
};

// Windows frees aligned memory by a function of its own.
void* aligned(std::size_t bytes) {
#ifdef _WIN32
  return _aligned_malloc(bytes, kAlign);
#else
  return std::aligned_alloc(kAlign, bytes);
#endif
}

void free_aligned(void* memory) {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

// Whoever does not get it soon goes on without: nobody waits for a thread that a fork left behind.
std::atomic_flag busy = ATOMIC_FLAG_INIT;

class Turn {
 public:
  Turn() {
    for (int tries = 0; !mine_ && tries < kTries; ++tries)
      mine_ = !busy.test_and_set(std::memory_order_acquire);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (mine_) busy.clear(std::memory_order_release);
  }
  explicit operator bool() const { return mine_; }

 private:
  static constexpr int kTries = 1000;
  bool mine_ = false;
};

// Under a turn; never destroyed, since tensors may outlive everything here.
Block* idle = nullptr;
std::size_t idle_bytes = 0;
std::uint64_t now = 0;

Block* unlink(Block** place) {
  Block* const block = *place;
  *place = block->next;
  idle_bytes -= block->bytes;
  return block;
}

// The smallest that is large enough, and not much larger.
Block* find(std::size_t bytes) {
  Block** best = nullptr;
  for (Block** place = &idle; *place; place = &(*place)->next) {
    const std::size_t have = (*place)->bytes;
    if (have >= bytes && have <= bytes + bytes / 4 && (!best || have < (*best)->bytes)) best = place;
  }
  return best ? unlink(best) : nullptr;
}

// From the list what is one too many or has lain for long: the last ones, which are the oldest.
Block* outdated() {
  std::size_t kept = 0;
  for (Block** place = &idle; *place; place = &(*place)->next) {
    kept += (*place)->bytes;
    if (kept <= kMostIdle && now - (*place)->since <= kPatience) continue;
    Block* const rest = *place;
    *place = nullptr;
    for (const Block* block = rest; block; block = block->next) idle_bytes -= block->bytes;
    return rest;
  }
  return nullptr;
}

void free_all(Block* block) {
  while (block) {
    Block* const next = block->next;
    free_aligned(block);
    block = next;
  }
}

}  // namespace

void* take_memory(std::size_t bytes) {
  const std::size_t size = (bytes + kAlign - 1) / kAlign * kAlign;
  Block *block = nullptr, *old = nullptr;
  if (size >= kSmall) {
    if (const Turn turn; turn) {
      ++now;
      block = find(size);
      old = outdated();
    }
  }
  free_all(old);
  if (!block) {
    block = static_cast<Block*>(aligned(sizeof(Block) + size));
    if (!block) return nullptr;
    prefer_huge_pages(block, sizeof(Block) + size);
    block->bytes = size;
  }
  return block + 1;
}

void give_memory(void* memory) {
  if (!memory) return;
  Block* block = static_cast<Block*>(memory) - 1;
  Block* old = nullptr;
  if (block->bytes >= kSmall && block->bytes <= kMostIdle) {
    if (const Turn turn; turn) {
      block->next = idle;
      block->since = now;
      idle = block;
      idle_bytes += block->bytes;
      block = nullptr;
      old = outdated();
    }
  }
  free_all(old);
  free_aligned(block);
}

std::size_t idle_memory() {
  const Turn turn;
  return turn ? idle_bytes : 0;
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

}  // namespace carrousel
