// The entry points of the hot loops: what each pointer holds, how it lies in memory, who may alias.
//
// Sizes: T steps, B sequences, I inputs, H hidden units, G gates (RNN 1, LSTM 4, GRU 3),
// S saved values per unit and step (RNN 0, LSTM 4: i f g o, GRU 4: r z n and W_hn h + b_hn; with layer
// normalization the sums W_ih x and W_hh h behind them, G each).
// Rows are time-major: step t owns rows Steps::begin(t) .. begin(t) + rows(t). A padded batch has B
// rows in every step; in a packed one the counts never grow. N is the number of rows in all.
#pragma once
#include <cstdint>

namespace carrousel {

using Index = std::int64_t;

// half: products of bfloat16 where the processor has them and they pay, else as the plain ones.
enum class Cell : int {
  rnn_tanh,
  rnn_relu,
  lstm,
  gru,
  lstm_norm,
  gru_norm,
  rnn_tanh_half,
  rnn_relu_half,
  lstm_half,
  gru_half
};

struct Traits {
  Index gates;  // G
  Index saved;  // S
  bool cell;    // has a cell state beside the hidden one
  Index norm;   // K, rows of H of gains and biases of its layer normalization
};

constexpr int kCells = 10, kPlainCells = 4;  // the plain ones come first

constexpr Traits traits(Cell cell) {
  constexpr Traits all[kCells] = {{1, 0, false, 0},  {1, 0, false, 0},  {4, 4, true, 0},  {3, 4, false, 0},
                                  {4, 12, true, 10}, {3, 10, false, 6}, {1, 0, false, 0}, {1, 0, false, 0},
                                  {4, 4, true, 0},   {3, 4, false, 0}};
  return all[static_cast<int>(cell)];
}

constexpr bool is_half(Cell cell) { return cell >= Cell::rnn_tanh_half; }

struct Steps {
  Index count;           // T
  Index batch;           // B
  const Index* offsets;  // (T + 1) first row of each step, or null: B rows in every step

  Index begin(Index t) const { return offsets ? offsets[t] : t * batch; }
  Index rows(Index t) const {
    if (t < 0 || t >= count) return 0;
    return offsets ? offsets[t + 1] - offsets[t] : batch;
  }
  Index total() const { return begin(count); }
};

// Rows of a tensor whose last dimension is contiguous; a padded tensor may have any other strides.
template <class T>
struct Rows {
  T* base;     // null: absent
  Index step;  // elements from one step to the next (unused when packed)
  Index row;   // elements from one row to the next

  T* at(const Steps& steps, Index t, Index r) const {
    return base + (steps.offsets ? steps.offsets[t] * row : t * step) + r * row;
  }
};

// One layer in one direction. Weights are row-major and contiguous, in torch's gate order.
template <class T>
struct Layer {
  Cell cell;
  Steps steps;
  Index input, hidden;
  bool reverse;   // run from the last step to the first; every index keeps its meaning
  const T* w_ih;  // (G*H, I)
  const T* w_hh;  // (G*H, H)
  const T* b_ih;  // (G*H) or null
  const T* b_hh;  // (G*H) or null
  const T* h0;    // (B, H) contiguous
  const T* c0;    // (B, H) contiguous; LSTM only
  const T* norm;  // (K*H) gains of W_ih x and of W_hh h, G*H each, then of the LSTM's c gain and bias
  T epsilon;      // of the normalization
  Rows<const T> x;
};

// Nothing written here may overlap anything read, nor another output.
template <class T>
struct Forward : Layer<T> {
  Rows<T> y;  // hidden state after each step
  T* saved;   // (N, S*H) or null: keep no record
  T* cells;   // (N, H), LSTM with a record; else null
  T* h_n;     // (B, H) or null
  T* c_n;     // (B, H); LSTM only. Without a record it also holds the running cell state.
};

template <class T>
struct Backward : Layer<T> {
  Rows<const T> y;    // as forward wrote them
  const T* saved;     // (N, S*H)
  const T* cells;     // (N, H); LSTM only
  Rows<const T> dy;   // dL/dy, or base null
  T* dh0;             // (B, H) in: dL/dh_n, out: dL/dh_0
  T* dc0;             // (B, H) in: dL/dc_n, out: dL/dc_0; LSTM only
  Rows<T> dx;         // dL/dx, or base null: not wanted
  bool add_dx;        // add to dx instead of writing it (second direction)
  T* dw_ih;           // (G*H, I) or null: no weight gradient is wanted
  T* dw_hh;           // (G*H, H)
  T* db_ih;           // (G*H) or null
  T* db_hh;           // (G*H) or null
  T* dnorm;           // (K*H), with layer normalization and dw_ih
  T* total_dh;        // (N, H) or null: dL/dh_t in all, for the tape
  T* total_dc;        // (N, H) or null; LSTM only
  const T* d_saved;   // (N, S*H) dL/d saved, beside what the states tell of it, or null
  const T* d_cells;   // (N, H) dL/d cells in the same way, or null; LSTM only
};

// The recurrent part of a layer alone, in one direction: what the inputs bring to the sums of every step,
// W_ih x and the biases, is there already, and may be of any width. Cells that the layers above have no
// tile for: gates that see no hidden state (min_gru, min_lstm: a scan), heads (slstm), and the LSTM, GRU and
// RNN with something between their steps. Sizes beside those above: D = H / heads; S states, the hidden one
// first (slstm: h c n m); K saved values and E gradients of sums for a unit and step (recurrence.inl.h).
enum class Rule : int {
  min_gru,
  min_gru_positive,
  min_lstm,
  min_lstm_positive,
  slstm,
  slstm_exponential,
  rnn_tanh,
  rnn_relu,
  gru,
  lstm,
  lstm_coupled
};
constexpr int kRules = 11;

struct RuleTraits {
  Index gates, states, saved, kept;  // G, S, K, E
  bool product;                      // reads the hidden state by a weight
  Index peepholes;                   // most that it can have
};

constexpr RuleTraits traits(Rule rule) {
  constexpr RuleTraits all[kRules] = {{2, 1, 2, 2, false, 0}, {2, 1, 2, 2, false, 0}, {3, 1, 4, 3, false, 0},
                                      {3, 1, 4, 3, false, 0}, {4, 4, 5, 4, true, 0},  {4, 4, 5, 4, true, 0},
                                      {1, 1, 1, 1, true, 0},  {1, 1, 1, 1, true, 0},  {3, 1, 4, 4, true, 0},
                                      {4, 2, 4, 4, true, 3},  {3, 2, 4, 3, true, 2}};
  return all[static_cast<int>(rule)];
}

template <class T>
struct Recurrence {
  Rule rule;
  Steps steps;
  Index hidden, heads;
  bool reverse;
  const T* sums;      // (N, G*H)
  const T* weight;    // (heads, G, D, D) head by head; null: no product
  const T* bias_n;    // (H) the GRU's b_hn, or null
  const T* peephole;  // p_i p_f p_o, or p_f p_o, H each, or null
  const T* read;      // (B, H) factors on h where the product reads it, or null
  const T* zone[2];   // (N, H) for h and for c: 1 where a unit keeps its state, else 0; or null
  T share[2];         // then how much of it every unit keeps
  const T* start;     // (S, B, H)
};

template <class T>
struct RecurrenceForward : Recurrence<T> {
  Rows<T> y;
  T* saved;   // (N, K*H) or null: keep no record
  T* states;  // (S - 1, N, H) all but h after each step, or null
  T* last;    // (S, B, H)
};

template <class T>
struct RecurrenceBackward : Recurrence<T> {
  Rows<const T> y;
  const T* saved;   // (N, K*H)
  const T* states;  // (S - 1, N, H)
  Rows<const T> dy;  // or base null
  T* d;          // (N, E*H) out: dL/d sums; of the GRU in the order n r z, and of W_hn h + b_hn
  T* dstart;     // (S, B, H) in: dL/d last, out: dL/d start
  T* before;     // (N, H) out: h as the product read it, or null
  T* dpeephole;  // as peephole, or null
  T* total_dh;   // (N, H) or null: dL/dh_t in all, for the tape
  T* total_dc;   // (N, H) or null
};

// Products of matrices, `count` of them: out[i][r][c] = start[c] + sum over k of a[i][r][k] b[i % b_count][k][c].
template <class T>
struct Multiply {
  Index count, rows, columns, depth;
  const T* a;
  Index a_next, a_row, a_depth;  // from one matrix, row and term to the next
  const T* b;
  Index b_count, b_next, b_row;
  const T* start;  // (columns) or null
  T* out;          // each (rows, columns), contiguous
  Index out_next;
};

// The loss of quantile forecasts, and its derivative by what the head gave. A row is one step of one
// window: R = B * steps; K anchors, horizon h, `side` (at most 16) quantiles on each side of the median.
template <class T>
struct QuantileLoss {
  Index rows, steps, horizon, kinds, side;
  Index columns;         // h * (K + 2) + 2 * side
  const T* out;          // (R, columns): logits (K, h), median (h), width (h), tails (2, side)
  const T* anchors;      // (R, K, h)
  const T* target;  // h values for row (b, t), NaN where missing, at b * target_batch + t * target_step
  Index target_batch, target_step;
  const T* origin;  // (B) subtracted from the target
  const T* scale;  // (R) unit of the errors
  const T* size;  // (R) of the values so far
  const Index* age;  // (R) negative: before the first value
  const T* probability;  // (2 * side) of the quantiles: below the median, above it, each outwards
  const T* level;  // (R) of the values, relative to the origin
  T limit;  // errors are cut off there
  T median_weight, quantile_weight;
  T relative;  // weight of errors relative to the size of the values
  T resolution;  // scales below this, times the level, are none
  T* grad;  // (R, columns)
  T* loss;  // (R)

  const T* targets(Index r) const { return target + r / steps * target_batch + r % steps * target_step; }
};

// What the head gave for R rows, as quantiles.
template <class T>
struct Quantiles {
  Index rows, horizon, kinds, side, columns;
  const T* out;  // (R, columns), see QuantileLoss
  const T* anchors;  // (R, K, h)
  const double* origin;  // (R)
  const T* scale;  // (R)
  T stretch;  // of all widths
  double* sum;  // (R, h, 2 * side + 1), to which they are added, the lowest first
};

// Windows (B, length) of one long array y, which holds one series after the other. A small movement
// on a large offset is there in double, and in float once the offset is off.
template <class T>
struct Gather {
  Index batch, history, length;
  const T* y;
  const Index* start;  // (S) where each series begins in y
  const Index* stop;  // (S) and where what may be seen of it ends
  const Index* series;  // (B) of each window
  const Index* end;  // (B) where in y its history of `history` values ends
  float* out;  // (B, length) less the offset, NaN outside the series
  double* offset;  // (B) the last value of the history; 0 where there is none
};

struct List {
  const Index* at;
  Index count;
};

// What a forecaster sees of B windows of `steps` steps of `step` values; N = steps * step values.
// Their values, and what they mean, are in src/carrousel/ops/constants.py.
struct WindowConstants {
  double floor, still, zero, few, far, ever, least, widest;
  Index recent, seen, seasons;
};

template <class T>
struct Look {
  Index batch, steps, step, horizon;
  Index kinds;  // K anchors
  Index first;  // anchors are wanted from this step on
  List seasons, backs;  // lags in values, the shortest first; steps back of the comparisons
  const T* history;  // N values of window b, NaN where missing, at b * row
  Index row;
  const double* offset;  // (B) what was taken off them; null: nothing
  double relative, absolute;  // scale where nothing was measured: of the size of the values, and at least
  WindowConstants constants;
  T* features;  // (B, steps, step * (2 + backs) + 2)
  T* anchors;  // (B, steps - first, K, horizon)
  T* values;  // (B, N) relative to the origin, gaps filled, outliers cut
  T* mask;  // (B, N) 1 where there was a value
  T* level;  // (B, steps)
  T* scale;  // (B, steps)
  T* size;  // (B, steps)
  T* origin;  // (B)
  Index* age;  // (B, steps)
};

// Random convolutions of B sequences, each with thresholds: at how many steps a kernel lies above one,
// and how far in all. K kernels (a multiple of 16) of kTaps weights; C channels; D dilations; P places,
// each a threshold of every kernel at one dilation. Rows, weights and thresholds are such multiples of
// 1 / grid that every sum is exact: the order of additions does not matter.
constexpr Index kTaps = 9;

struct Above {
  Index batch, channels, kernels, dilations, places;
  const float* rows;  // (N, C)
  const Index* offsets;  // (B + 1) first row of each sequence
  const float* chosen;  // (D, C, K) 1 where a kernel reads a channel, else 0
  const float* weight;  // (kTaps, K)
  const Index* dilation;  // (D)
  const Index* first;  // (D + 1) first place of each dilation
  const float* threshold;  // (P, K)
  float grid;
  double* counts;  // (B, P, K)
  double* sums;  // (B, P, K)
};

// A layer's weights as integers, row-major in torch's gate order: row * scale are the weights.
struct ToPack {
  Cell cell;  // without layer normalization
  Index input, hidden;
  const std::int8_t* w_ih;  // (G*H, I), -127 .. 127
  const std::int8_t* w_hh;  // (G*H, H)
  const float* scale_ih;  // (G*H)
  const float* scale_hh;  // (G*H)
  const float* b_ih;  // (G*H) or null
  const float* b_hh;  // (G*H) or null
  std::int32_t* packed;  // as the kernels of one instruction set read them, or null: only the size is wanted
};

enum class Function : int { exp, tanh, sigmoid };

template <class T>
struct Kernels {
  void (*forward)(const Forward<T>&, int threads);
  void (*backward)(const Backward<T>&, int threads);
  void (*elementwise)(Function, Index n, const T* in, T* out);
  void (*quantile_loss)(const QuantileLoss<T>&, int threads);
  void (*add_quantiles)(const Quantiles<T>&, int threads);
  void (*look)(const Look<T>&, int threads);
  void (*gather)(const Gather<T>&, int threads);
  void (*product)(const Multiply<T>&, int threads);
  void (*column_sums)(const T* in, Index rows, Index columns, Index row, T* out, int threads);
  void (*recur)(const RecurrenceForward<T>&, int threads);
  void (*recur_back)(const RecurrenceBackward<T>&, int threads);
};

// Layers whose weights are 8 bits wide, and which keep no record.
struct Quantized {
  Index (*pack)(const ToPack&);  // -> words that there are
  void (*forward)(const Forward<float>&, const std::int32_t* packed, int threads);  // weights: not read
};

struct Isa {
  const char* name;
  bool (*supported)();
  Kernels<float> f32;
  Kernels<double> f64;
  void (*above)(const Above&, int threads);
  Quantized quantized;
  bool (*forward_half)(const Forward<float>&, int threads);  // see Narrow
  bool (*backward_half)(const Backward<float>&, int threads);
};

// Kernels of fewer bits for instructions beyond those of an `Isa`, beside whose they are used.
struct Narrow {
  const char* name;
  bool (*supported)();
  Quantized quantized;
  // Of layers with products of bfloat16; false: they do not pay, nothing was done. Or null.
  bool (*forward_half)(const Forward<float>&, int threads);
  bool (*backward_half)(const Backward<float>&, int threads);
};

}  // namespace carrousel
