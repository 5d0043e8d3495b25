// What must hold before a kernel may follow an address: the last line behind the checks in Python,
// which know the tensors' shapes. What comes from a user or from a file is looked at here once more.
#pragma once
#include <initializer_list>
#include <stdexcept>
#include <string>

#include "kernels.h"
#include "sampling.h"

namespace carrousel {

inline std::string text(const char* words) { return words; }
inline std::string text(Index number) { return std::to_string(number); }

// What is said `otherwise`, words and numbers in turn, is put together only then.
template <class... Parts>
void require(bool holds, const Parts&... otherwise) {
  if (!holds) throw std::invalid_argument((text(otherwise) + ...));
}

inline void require_memory(std::initializer_list<const void*> needed) {
  for (const void* address : needed) {
    require(address, "every tensor must have memory of its own: a meta, fake or zero tensor has none");
  }
}

// The rows of `steps`, out of `rows` that there are in memory.
inline void check(const Steps& steps, Index rows) {
  require(steps.count > 0 && steps.batch > 0, "a batch must have at least one step and one sequence");
  bool fits = steps.begin(0) == 0 && steps.rows(0) == steps.batch;
  for (Index t = 0; fits && t < steps.count; ++t) {
    fits = steps.rows(t) > 0 && (t == 0 || steps.rows(t) <= steps.rows(t - 1));
  }
  require(fits && steps.total() == rows, "batch_sizes must begin with the number of sequences (", steps.batch,
          "), stay above 0, never grow, and add up to the rows of data (", rows, ")");
}

inline void check_sizes(Cell kind, int cells, Index input, Index hidden) {
  const int cell = static_cast<int>(kind);
  require(cell >= 0 && cell < cells, "mode must be 0 to ", cells - 1, ", not ", cell);
  require(input > 0 && hidden > 0, "input_size and hidden_size must be above 0");
}

template <class T>
void check(const Layer<T>& p, Index rows) {
  check_sizes(p.cell, kCells, p.input, p.hidden);
  check(p.steps, rows);
  require_memory({p.w_ih, p.w_hh, p.h0, p.x.base});
  if (traits(p.cell).norm) {
    require_memory({p.norm});
    require(p.epsilon > 0, "epsilon must be above 0");
  }
  if (traits(p.cell).cell) require_memory({p.c0});
}

template <class T>
void check(const Forward<T>& p, Index rows) {
  check(static_cast<const Layer<T>&>(p), rows);
  require_memory({p.y.base});
  if (traits(p.cell).cell) require_memory({p.c_n});
}

inline void check(const ToPack& p) {
  check_sizes(p.cell, kPlainCells, p.input, p.hidden);
  if (p.packed) require_memory({p.w_ih, p.w_hh, p.scale_ih, p.scale_hh});
}

// A layer whose weights are `packed`.
inline void check(const Forward<float>& p, const std::int32_t* packed, Index rows) {
  check_sizes(p.cell, kPlainCells, p.input, p.hidden);
  check(p.steps, rows);
  require_memory({packed, p.h0, p.x.base, p.y.base});
  if (traits(p.cell).cell) require_memory({p.c0, p.c_n});
}

template <class T>
void check(const Backward<T>& p, Index rows) {
  check(static_cast<const Layer<T>&>(p), rows);
  require_memory({p.y.base, p.dh0});
  if (traits(p.cell).cell) require_memory({p.cells, p.dc0});
  if (traits(p.cell).saved) require_memory({p.saved});
  if (p.dw_ih) require_memory({p.dw_hh});
  if (p.dw_ih && traits(p.cell).norm) require_memory({p.dnorm});
}

template <class T>
void check(const Recurrence<T>& p, Index rows) {
  const int rule = static_cast<int>(p.rule);
  require(rule >= 0 && rule < kRules, "rule must be 0 to ", kRules - 1, ", not ", rule);
  require(p.hidden > 0 && p.heads > 0 && p.hidden % p.heads == 0, "heads must divide hidden_size");
  check(p.steps, rows);
  require_memory({p.sums, p.start});
  if (traits(p.rule).product) require_memory({p.weight});
}

template <class T>
void check(const RecurrenceForward<T>& p, Index rows) {
  check(static_cast<const Recurrence<T>&>(p), rows);
  require_memory({p.y.base, p.last});
  if (p.saved && traits(p.rule).states > 1) require_memory({p.states});
}

template <class T>
void check(const RecurrenceBackward<T>& p, Index rows) {
  check(static_cast<const Recurrence<T>&>(p), rows);
  require_memory({p.y.base, p.saved, p.d, p.dstart});
  if (traits(p.rule).states > 1) require_memory({p.states});
}

template <class T>
void check(const Multiply<T>& p) {
  require(p.count > 0 && p.rows > 0 && p.columns > 0 && p.depth > 0 && p.b_count > 0,
          "a product must have rows, columns and terms");
  require_memory({p.a, p.b, p.out});
}

// Columns of the head's output: weights of the anchors, median, width, and the tails on both sides.
inline void check_columns(Index horizon, Index kinds, Index side, Index columns) {
  require(horizon > 0 && kinds > 0, "anchors must have at least one kind and one step of the horizon");
  require(side > 0 && side <= 16, "there must be 1 to 16 quantiles on each side of the median, not ", side);
  const Index wanted = horizon * (kinds + 2) + 2 * side;
  require(columns == wanted, "out must have ", wanted, " columns, not ", columns);
}

template <class T>
void check(const QuantileLoss<T>& p) {
  check_columns(p.horizon, p.kinds, p.side, p.columns);
  require(p.rows >= 0 && p.steps > 0 && p.rows % p.steps == 0, "rows must be whole windows of steps");
}

template <class T>
void check(const Quantiles<T>& p) {
  check_columns(p.horizon, p.kinds, p.side, p.columns);
}

// How many simple forecasts `forecast` in anchors.inl.h writes.
inline Index anchor_kinds(Index step, const List& seasons) {
  Index kinds = step > 1 ? 4 : 3;  // last, level; half trend, trend
  for (Index k = 0; k < seasons.count; ++k) {
    kinds += seasons.at[k] == 1 ? 1 : 3;
    if (k > 0 && seasons.at[k] % seasons.at[0] == 0) kinds += 2;
  }
  return kinds;
}

template <class T>
void check(const Look<T>& p) {
  require(p.batch >= 0 && p.steps > 0 && p.step > 0 && p.horizon > 0,
          "a window must have at least one step of at least one value, and a horizon");
  require(p.first >= 0 && p.first < p.steps, "anchors must be wanted from one of the steps on");
  require(p.seasons.count > 0, "seasons must not be empty");
  require(p.constants.recent > 0 && p.constants.seasons > 0, "recent and seasons must be above 0");
  for (Index k = 0; k < p.seasons.count; ++k) require(p.seasons.at[k] > 0, "seasons must be above 0");
  for (Index k = 0; k < p.backs.count; ++k) require(p.backs.at[k] > 0, "backs must be above 0");
  const Index kinds = anchor_kinds(p.step, p.seasons);
  require(p.kinds == kinds, "kinds must be ", kinds, " for these seasons, not ", p.kinds);
}

// Windows of `series` series that lie one after the other in `values` values.
template <class T>
void check(const Gather<T>& p, Index series, Index values) {
  require(p.history >= 0 && p.length >= p.history, "history and h must not be negative");
  for (Index b = 0; b < p.batch; ++b) {
    const Index s = p.series[b];
    require(s >= 0 && s < series, "series must be 0 to ", series - 1, ", not ", s);
    require(p.start[s] >= 0 && p.start[s] <= values && p.stop[s] >= 0 && p.stop[s] <= values, "series ", s,
            " must lie within the ", values, " values of y, not from ", p.start[s], " to ", p.stop[s]);
    require(p.end[b] >= 0 && p.end[b] <= values, "end must be 0 to ", values, ", not ", p.end[b]);
  }
}

inline void check(const Above& p, Index rows) {
  require(p.batch > 0 && p.channels > 0 && p.dilations > 0 && p.places > 0,
          "there must be a sequence, a channel, a dilation and a threshold");
  require(p.kernels > 0 && p.kernels % 16 == 0, "kernels must be a multiple of 16");
  for (Index b = 0; b < p.batch; ++b) {
    require(p.offsets[b + 1] > p.offsets[b], "every sequence must have at least one step");
  }
  require(p.offsets[0] == 0 && p.offsets[p.batch] == rows, "offsets must begin with 0 and end with the ",
          rows, " rows");
  for (Index d = 0; d < p.dilations; ++d) {
    require(p.dilation[d] > 0, "dilation must be above 0");
    require(p.first[d + 1] >= p.first[d], "first must not fall");
  }
  require(p.first[0] == 0 && p.first[p.dilations] == p.places, "first must begin with 0 and end with the ",
          p.places, " places");
}

inline void check(const Pick& p) { require(p.count > 0, "there must be at least one series to draw from"); }

}  // namespace carrousel
