// Layers with products of bfloat16, where they pay.

// What is gained must be more than rounding every row and packing weights again costs.
template <class T>
bool half_pays(const Layer<T>& p) {
  return is_half(p.cell) && p.hidden >= 64 && p.steps.total() >= 64;
}

inline bool forward_half(const Forward<float>& p, int threads) {
  if (!half_pays(p)) return false;
  switch (p.cell) {
    case Cell::rnn_tanh_half: half_forward_cell<Rnn<float, false>>(p, threads); break;
    case Cell::rnn_relu_half: half_forward_cell<Rnn<float, true>>(p, threads); break;
    case Cell::lstm_half: half_forward_cell<Lstm<float>>(p, threads); break;
    default: half_forward_cell<Gru<float>>(p, threads);
  }
  return true;
}

inline bool backward_half(const Backward<float>& p, int threads) {
  if (!half_pays(p)) return false;
  switch (p.cell) {
    case Cell::rnn_tanh_half: half_backward_cell<Rnn<float, false>>(p, threads); break;
    case Cell::rnn_relu_half: half_backward_cell<Rnn<float, true>>(p, threads); break;
    case Cell::lstm_half: half_backward_cell<Lstm<float>>(p, threads); break;
    default: half_backward_cell<Gru<float>>(p, threads);
  }
  return true;
}
