// The instruction set in use: the widest that the processor has, unless CARROUSEL_ISA names another.
#pragma once
#include <string>
#include <vector>

#include "kernels.h"

namespace carrousel {
const Isa& isa();                   // chosen once, at first use; throws if CARROUSEL_ISA cannot be had
std::vector<std::string> available_isas();

// A layer by the kernels in use, those of fewer bits included.
void forward(const Forward<float>& p, int threads);
void backward(const Backward<float>& p, int threads);
inline void forward(const Forward<double>& p, int threads) { isa().f64.forward(p, threads); }
inline void backward(const Backward<double>& p, int threads) { isa().f64.backward(p, threads); }
}  // namespace carrousel
