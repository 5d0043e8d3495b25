// A layer's whole call, forward and backward, from torch's tensors to new ones: what Python asks of a
// dozen tensors, and packs into tuples of addresses, takes longer than a small layer computes.
#pragma once
#include "tensors.h"

namespace carrousel {

// Both return None where a tensor is not what the kernels read as it is (src/carrousel/ops/cpu.py, which
// says what all of them are): then Python copies, or raises. Layers without layer normalization.

// -> y, h_n, c_n and, if `record`, saved and cells; None for what there is not.
nb::object layer_forward(int cell, int threads, nb::handle x, nb::handle offsets, nb::handle h0,
                         nb::handle c0, const nb::list& weights, bool record);

// record: y, saved, cells; grads: of y, h_n, c_n, None for zeros; `watched`: of each direction, whether the
// gradients of its states are wanted, or empty -> gradients of x (None if not needed), h0, c0 and weights
// (a list, empty if not needed), and of the states of each direction that is watched: a list of pairs.
nb::object layer_gradients(int cell, int threads, nb::handle x, nb::handle offsets, nb::handle h0,
                           nb::handle c0, const nb::list& weights, const nb::tuple& record,
                           const nb::tuple& grads, bool need_x, bool need_weights, const nb::list& watched);

}  // namespace carrousel
