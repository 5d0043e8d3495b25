#include "tensors.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#include "memory.h"

namespace carrousel {
namespace {

// As in dlpack.h, version 1: the layout is fixed by the major version.
struct DLTensor {
  void* data;
  std::int32_t device_type, device_id, dims;
  std::uint8_t code, bits;
  std::uint16_t lanes;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};

// A tensor that is handed over: whoever lets go of it last calls the deleter.
struct DLManagedTensorVersioned {
  std::uint32_t major, minor;
  void* context;
  void (*deleter)(DLManagedTensorVersioned* self);
  std::uint64_t flags;
  DLTensor tensor;
};

struct DLPackExchangeAPI {
  std::uint32_t major, minor;
  void* previous;
  void* managed[2];
  int (*own)(DLManagedTensorVersioned* managed, void** tensor);
  int (*read)(void* tensor, DLTensor* out);
  void* stream;
};

constexpr int kCpu = 1, kInt = 0, kFloat = 2;

// Never freed: Python may go before whoever looks at them last.
const DLPackExchangeAPI* table;
PyTypeObject *tensor_type, *parameter_type;
PyObject *empty_like, *is_neg, *new_empty;

bool negated(nb::handle tensor) {
  PyObject* const self = tensor.ptr();
  const nb::object found = nb::steal(PyObject_VectorcallMethod(is_neg, &self, 1, nullptr));
  if (!found.is_valid()) PyErr_Clear();
  return found.ptr() != Py_False;
}

Kind kind_of(const DLTensor& found) {
  if (found.lanes != 1) return Kind::none;
  if (found.code == kFloat && found.bits == 32) return Kind::f32;
  if (found.code == kFloat && found.bits == 64) return Kind::f64;
  return found.code == kInt && found.bits == 64 ? Kind::i64 : Kind::none;
}

// With room for what it points to, and memory to give back.
struct Managed : DLManagedTensorVersioned {
  static constexpr std::size_t most = 3;
  std::int64_t sizes[most], steps[most];

  static void release(DLManagedTensorVersioned* self) {
    give_memory(self->tensor.data);
    delete static_cast<Managed*>(self);
  }
};

template <class T>
Fresh<T> checked(PyObject* made) {
  Fresh<T> fresh{nb::steal(made)};
  if (!made) throw nb::python_error();
  const View view(fresh.tensor);
  constexpr Kind kind = sizeof(T) == 4 ? Kind::f32 : Kind::f64;
  if (view.kind() != kind || !view.dense()) throw std::runtime_error("no memory for what a step computes");
  fresh.data = view.data<T>();
  return fresh;
}

}  // namespace

void use_tensors(const nb::object& capsule, const nb::object& tensor, const nb::object& parameter,
                 const nb::object& function) {
  const auto* const found =
      static_cast<const DLPackExchangeAPI*>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
  if (!found) throw nb::python_error();
  if (found->major != 1 || !found->read || !found->own)
    throw std::runtime_error("torch's table for DLPack is not of version 1");
  tensor_type = reinterpret_cast<PyTypeObject*>(nb::object(tensor).release().ptr());
  parameter_type = reinterpret_cast<PyTypeObject*>(nb::object(parameter).release().ptr());
  empty_like = nb::object(function).release().ptr();
  is_neg = PyUnicode_InternFromString("is_neg");
  new_empty = PyUnicode_InternFromString("new_empty");
  table = found;
}

View::View(nb::handle tensor) {
  const PyTypeObject* const type = Py_TYPE(tensor.ptr());
  if (!table || (type != tensor_type && type != parameter_type)) return;
  DLTensor found;
  if (table->read(tensor.ptr(), &found) != 0) {
    PyErr_Clear();  // what has no memory at all, a sparse one say
    return;
  }
  if (found.device_type != kCpu || !found.data || negated(tensor)) return;
  kind_ = kind_of(found);
  dims_ = found.dims;
  shape_ = found.shape;
  strides_ = found.strides;
  data_ = static_cast<char*>(found.data) + found.byte_offset;
}

bool View::is(Kind kind, std::initializer_list<Index> shape) const {
  if (kind_ != kind || dims_ != static_cast<int>(shape.size())) return false;
  const Index* wanted = shape.begin();
  for (int d = 0; d < dims_; ++d) {
    if (shape_[d] != wanted[d]) return false;
  }
  return true;
}

bool View::dense() const {
  Index expected = 1;
  for (int d = dims_ - 1; d >= 0; --d) {
    if (shape_[d] != 1 && strides_[d] != expected) return false;
    expected *= shape_[d];
  }
  return true;
}

bool plain(const nb::sequence& tensors) {
  Kind first = Kind::none;
  for (const nb::handle tensor : tensors) {
    const Kind kind = View(tensor).kind();
    if (kind == Kind::none || kind == Kind::i64 || (first != Kind::none && kind != first)) return false;
    first = kind;
  }
  return first != Kind::none;
}

bool is_layer(Index gates, bool has_cell, nb::handle x_tensor, nb::handle offsets_tensor, nb::handle h0,
              nb::handle c0, const nb::list& weights) {
  const View x(x_tensor), h(h0);
  const Kind kind = x.kind();
  if ((kind != Kind::f32 && kind != Kind::f64) || h.dims() != 3) return false;
  const Index directions = h.size(0), batch = h.size(1), hidden = h.size(2), rows = gates * hidden;
  if (directions != 1 && directions != 2) return false;
  const auto state = {directions, batch, hidden};
  if (!h.is(kind, state) || has_cell == c0.is_none() || (has_cell && !View(c0).is(kind, state))) return false;
  if (offsets_tensor.is_none()) {
    if (x.dims() != 3 || x.size(1) != batch) return false;
  } else {
    const View offsets(offsets_tensor);
    if (x.dims() != 2 || offsets.kind() != Kind::i64 || offsets.dims() != 1 || offsets.size(0) < 2)
      return false;
  }
  const Index inputs = x.size(-1), count = static_cast<Index>(weights.size());
  if (count != 2 * directions && count != 4 * directions) return false;
  for (Index i = 0; i < count; ++i) {
    const View weight(weights[static_cast<std::size_t>(i)]);
    const Index place = i % (count / directions);
    if (place < 2 ? !weight.is(kind, {rows, place == 0 ? inputs : hidden}) : !weight.is(kind, {rows}))
      return false;
  }
  return true;
}

nb::object like(nb::handle other) {
  PyObject* const argument = other.ptr();
  PyObject* const made = PyObject_Vectorcall(empty_like, &argument, 1, nullptr);
  if (!made) throw nb::python_error();
  return nb::steal(made);
}

template <class T>
Fresh<T> Fresh<T>::like(nb::handle other) {
  PyObject* const argument = other.ptr();
  return checked<T>(PyObject_Vectorcall(empty_like, &argument, 1, nullptr));
}

template <class T>
Fresh<T> Fresh<T>::like(nb::handle other, std::initializer_list<Index> shape) {
  const nb::object sizes = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(shape.size())));
  if (!sizes.is_valid()) throw nb::python_error();
  Py_ssize_t at = 0;
  for (const Index size : shape) PyTuple_SetItem(sizes.ptr(), at++, PyLong_FromLongLong(size));
  PyObject* const arguments[] = {other.ptr(), sizes.ptr()};
  return checked<T>(PyObject_VectorcallMethod(new_empty, arguments, 2, nullptr));
}

nb::object kept_tensor(bool is_double, const std::vector<Index>& shape) {
  const std::size_t dims = shape.size();
  if (!table || dims > Managed::most) throw std::invalid_argument("a kept tensor has at most 3 dimensions");
  std::unique_ptr<Managed> made(new Managed{});
  Index count = 1;
  for (std::size_t d = dims; d-- > 0; count *= shape[d]) {
    if (shape[d] < 0) throw std::invalid_argument("sizes must not be negative");
    made->sizes[d] = shape[d];
    made->steps[d] = count;
  }
  const std::uint8_t bits = is_double ? 64 : 32;
  const std::size_t bytes = static_cast<std::size_t>(count) * bits / 8;
  made->major = 1;
  made->deleter = Managed::release;
  made->tensor = {nullptr,     kCpu,        0, static_cast<std::int32_t>(dims), kFloat, bits, 1,
                  made->sizes, made->steps, 0};
  made->tensor.data = take_memory(bytes);
  if (!made->tensor.data) throw std::bad_alloc();
#ifdef CARROUSEL_POISON
  std::memset(made->tensor.data, 0xff, bytes);
#endif
  void* tensor = nullptr;
  if (table->own(made.release(), &tensor) != 0) throw nb::python_error();  // whose it is, even so
  return nb::steal(static_cast<PyObject*>(tensor));
}

nb::object kept_copy(nb::handle tensor) {
  const View view(tensor);
  const bool is_double = view.kind() == Kind::f64;
  if ((view.kind() != Kind::f32 && !is_double) || !view.dense()) return nb::none();
  std::vector<Index> shape;
  std::size_t bytes = is_double ? 8 : 4;
  for (int d = 0; d < view.dims(); ++d) {
    shape.push_back(view.size(d));
    bytes *= static_cast<std::size_t>(view.size(d));
  }
  if (shape.size() > Managed::most) return nb::none();
  const nb::object made = kept_tensor(is_double, shape);
  std::memcpy(View(made).data<char>(), view.data<const char>(), bytes);
  return made;
}

template struct Fresh<float>;
template struct Fresh<double>;

}  // namespace carrousel
