// Teams of workers on torch's own threads, and scratch memory for a call.
#pragma once
#include <cstddef>

#include "kernels.h"

namespace carrousel {

struct Barrier;
void wait(Barrier& barrier, int slots);

// A worker holds the slots begin .. end of a team. Usually one; all of them when the work runs on
// one thread (inside another parallel region, say), so that no thread ever waits for itself.
struct Worker {
  int begin, end, slots;
  Barrier* barrier;

  void sync() const {
    if (end - begin < slots) wait(*barrier, end - begin);
  }
  Index first(Index n) const { return n * begin / slots; }  // this worker's share of n things
  Index last(Index n) const { return n * end / slots; }
  bool owns(Index i) const { return i % slots >= begin && i % slots < end; }
};

using ParallelFor = int (*)(Index begin, Index end, Index grain, void (*body)(Index, Index, void*),
                            void* context);
void use_parallel_for(ParallelFor function);  // torch's; without it the caller does all the work

void run_team(int slots, void (*work)(const Worker&, const void*), const void* context);

template <class F>
void team(int slots, const F& work) {
  run_team(slots, [](const Worker& worker, const void* f) { (*static_cast<const F*>(f))(worker); }, &work);
}

// Memory for one call: pieces of one kind of use, all freed together. Filled with NaN in debug
// builds, so that a value read before it is written shows.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();
  template <class T>
  T* take(Index count) {
    return static_cast<T*>(allocate(static_cast<std::size_t>(count) * sizeof(T)));
  }

 private:
  void* allocate(std::size_t bytes);
  struct Block;
  Block* blocks_ = nullptr;
};

}  // namespace carrousel
