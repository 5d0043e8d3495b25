#include "dispatch.h"

#include <cstdlib>
#include <stdexcept>

namespace carrousel {

extern const Isa isa_baseline;
#ifdef CARROUSEL_X86
extern const Isa isa_avx2, isa_avx512;
constexpr const Isa* kIsas[] = {&isa_avx512, &isa_avx2, &isa_baseline};
#else
constexpr const Isa* kIsas[] = {&isa_baseline};
#endif

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa* isa : kIsas) {
    if (isa->supported()) names.emplace_back(isa->name);
  }
  return names;
}

static const Isa& choose() {
  const char* const wanted = std::getenv("CARROUSEL_ISA");
  for (const Isa* isa : kIsas) {
    if (isa->supported() && (!wanted || !*wanted || std::string(wanted) == isa->name)) return *isa;
  }
  std::string message = "CARROUSEL_ISA is '" + std::string(wanted) + "'; this processor has:";
  for (const std::string& name : available_isas()) message += " " + name;
  throw std::invalid_argument(message);
}

const Isa& isa() {
  static const Isa& chosen = choose();
  return chosen;
}

}  // namespace carrousel
