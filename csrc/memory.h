// Memory that outlives a call: what one training step gave back, the next one takes again.
//
// The first touch of fresh pages costs as much as filling them, and the C library gives large pieces
// back to the system as soon as they are free: a step would pay for the same pages again and again.
#pragma once
#include <cstddef>

namespace carrousel {

constexpr std::size_t kAlign = 64;

// Uninitialised, for `kAlign`; null where there is none. Any thread may give back what another took.
void* take_memory(std::size_t bytes);
void give_memory(void* memory);

// Ask for huge pages under fresh memory: the first touch of a page of 4 KiB costs as much as filling
// it, and a record of some megabytes has thousands. A hint; nothing happens where there are none.
void prefer_huge_pages(void* memory, std::size_t bytes);

// Bytes that nobody uses, kept for whoever comes next.
std::size_t idle_memory();

}  // namespace carrousel
