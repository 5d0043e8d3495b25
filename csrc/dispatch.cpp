#include "dispatch.h"

#include <cstdlib>
#include <stdexcept>

namespace carrousel {

extern const Isa isa_baseline;
namespace {

// A set of kernels, and those of fewer bits that take the place of some of its own.
struct Choice {
  const Isa* kernels;
  const Narrow* narrow;  // or null

  const char* name() const { return narrow ? narrow->name : kernels->name; }
  bool supported() const { return kernels->supported() && (!narrow || narrow->supported()); }
  Isa whole() const {
    Isa found = *kernels;
    found.name = name();
    if (narrow) {
      found.quantized = narrow->quantized;
      found.forward_half = narrow->forward_half;
      found.backward_half = narrow->backward_half;
    }
    return found;
  }
};

#ifdef CARROUSEL_X86
}  // namespace
extern const Isa isa_avx2, isa_avx512;
extern const Narrow narrow_avx512_amx, narrow_avx512_bf16, narrow_avx512_vnni;
namespace {
constexpr Choice kChoices[] = {
#ifdef CARROUSEL_HAS_AMX
    {&isa_avx512, &narrow_avx512_amx},
#endif
#ifndef CARROUSEL_PORTABLE
    {&isa_avx512, &narrow_avx512_bf16},
    {&isa_avx512, &narrow_avx512_vnni},
#endif
    {&isa_avx512, nullptr},
    {&isa_avx2, nullptr},
    {&isa_baseline, nullptr}};
#else
constexpr Choice kChoices[] = {{&isa_baseline, nullptr}};
#endif

Isa choose() {
  const char* const wanted = std::getenv("CARROUSEL_ISA");
  for (const Choice& choice : kChoices) {
    if ((!wanted || !*wanted || std::string(wanted) == choice.name()) && choice.supported()) {
      return choice.whole();
    }
  }
  std::string message = "CARROUSEL_ISA is '" + std::string(wanted) + "'; this processor has:";
  for (const std::string& name : available_isas()) message += " " + name;
  throw std::invalid_argument(message);
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Choice& choice : kChoices) {
    if (choice.supported()) names.emplace_back(choice.name());
  }
  return names;
}

const Isa& isa() {
  static const Isa chosen = choose();
  return chosen;
}

void forward(const Forward<float>& p, int threads) {
  const Isa& have = isa();
  if (is_half(p.cell) && have.forward_half && have.forward_half(p, threads)) return;
  have.f32.forward(p, threads);
}

void backward(const Backward<float>& p, int threads) {
  const Isa& have = isa();
  if (is_half(p.cell) && have.backward_half && have.backward_half(p, threads)) return;
  have.f32.backward(p, threads);
}

}  // namespace carrousel
