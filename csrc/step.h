// One step, from torch's tensors to new ones in one call: what a step computes takes a microsecond or
// two, and every question that Python asks of a tensor a tenth of one.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "tensors.h"

namespace carrousel {

// All return None where a tensor is not what the kernels can read: then others must compute.
// h0, c0 (c0: None but for the LSTM), weights: of each layer w_ih, w_hh and both biases or none.

// x (1, B, I), or (B, 1, I) with batch_first; h0, c0 (L, B, H) -> y (1, B, H), h_n, c_n.
nb::object layers_step(int cell, int threads, bool batch_first, nb::handle x, nb::handle h0, nb::handle c0,
                       const nb::list& weights, Index inputs, Index hidden);

// The same with weights of 8 bits, packed: where those of each layer lie, and how many words they are.
using Words = std::pair<std::uintptr_t, Index>;
nb::object quantized_step(int cell, int threads, bool batch_first, nb::handle x, nb::handle h0, nb::handle c0,
                          const std::vector<Words>& packed, Index inputs, Index hidden);

// x (B, I), h0, c0 (B, H) -> h, c and, for backward if `record`, the gates and another c.
nb::object cell_step(int cell, int threads, nb::handle x, nb::handle h0, nb::handle c0,
                     const nb::list& weights, Index inputs, Index hidden, bool record);

// Gradients of a cell's step by x (None if not needed), h0, c0 and weights (a list, empty if not
// needed); y: h after the step, for the RNN; dy, dc: gradients of h and c, None for zeros.
nb::object cell_gradients(int cell, int threads, nb::handle x, nb::handle h0, nb::handle c0, nb::handle y,
                          nb::handle saved, nb::handle cells, nb::handle dy, nb::handle dc,
                          const nb::list& weights, bool need_x, bool need_weights);

}  // namespace carrousel
