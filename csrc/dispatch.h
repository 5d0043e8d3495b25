// The instruction set in use: the widest that the processor has, unless CARROUSEL_ISA names another.
#pragma once
#include <string>
#include <vector>

#include "kernels.h"

namespace carrousel {
const Isa& isa();                   // chosen once, at first use; throws if CARROUSEL_ISA cannot be had
std::vector<std::string> available_isas();
}  // namespace carrousel
