// torch's tensors, as C++ sees them without a line of torch's headers: DLPack's table of C functions
// (https://dmlc.github.io/dlpack/latest/python_spec.html), which torch.Tensor carries, says where a
// tensor lies and what it is, in a tenth of the time that as many questions in Python take.
#pragma once
#include <nanobind/nanobind.h>

#include <initializer_list>
#include <vector>

#include "kernels.h"

namespace carrousel {

namespace nb = nanobind;

// What Python lends once: the table, the types whose memory holds their values, and functions.
void use_tensors(const nb::object& table, const nb::object& tensor, const nb::object& parameter,
                 const nb::object& empty_like);

enum class Kind { none, f32, f64, i64 };

template <class T>
constexpr Kind kKind = sizeof(T) == 4 ? Kind::f32 : Kind::f64;

// A tensor as it lies in the CPU's memory. Of Kind::none, and nothing else, where that is not what
// its values are: a subclass, another dtype or device, sparse, negated by a flag, without memory.
// It points into the tensor, which must live and stay as it is while this is looked at.
class View {
 public:
  View() = default;
  explicit View(nb::handle tensor);

  Kind kind() const { return kind_; }
  int dims() const { return dims_; }
  Index size(int dim) const { return shape_[dim < 0 ? dim + dims_ : dim]; }
  Index stride(int dim) const { return strides_[dim < 0 ? dim + dims_ : dim]; }
  bool is(Kind kind, std::initializer_list<Index> shape) const;
  bool dense() const;  // the values lie in order, without gaps

  template <class T>
  T* data() const {
    return static_cast<T*>(data_);
  }

 private:
  Kind kind_ = Kind::none;
  int dims_ = 0;
  const Index *shape_ = nullptr, *strides_ = nullptr;
  void* data_ = nullptr;
};

// Whether all are of one dtype, float32 or float64.
bool plain(const nb::sequence& tensors);

// Whether these are the arguments of one layer (src/carrousel/ops/cpu.py), whatever their strides.
bool is_layer(Index gates, bool has_cell, nb::handle x, nb::handle offsets, nb::handle h0, nb::handle c0,
              const nb::list& weights);

// A new tensor, with the strides of the other where it has no gaps.
nb::object like(nb::handle other);

// A new tensor like a dense one, or of another shape, and where it lies.
template <class T>
struct Fresh {
  nb::object tensor;
  T* data = nullptr;

  static Fresh like(nb::handle other);
  static Fresh like(nb::handle other, std::initializer_list<Index> shape);
};

// A new tensor of float32 or float64 whose memory goes back to `memory.h`. For what only we look at and
// nobody resizes.
nb::object kept_tensor(bool is_double, const std::vector<Index>& shape);

// A copy of a dense one in such memory, made by the caller's thread alone; None of any other tensor.
nb::object kept_copy(nb::handle tensor);

}  // namespace carrousel
