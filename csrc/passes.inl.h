// A layer forward and backward, by the kind of its cell.

template <class T>
void forward(const Forward<T>& p, int threads) {
  switch (p.cell) {
    case Cell::rnn_tanh:
    case Cell::rnn_tanh_half: return forward_cell<T, Rnn<T, false>>(p, threads);
    case Cell::rnn_relu:
    case Cell::rnn_relu_half: return forward_cell<T, Rnn<T, true>>(p, threads);
    case Cell::lstm:
    case Cell::lstm_half: return forward_cell<T, Lstm<T>>(p, threads);
    case Cell::gru:
    case Cell::gru_half: return forward_cell<T, Gru<T>>(p, threads);
    case Cell::lstm_norm: return forward_normalized<T, Normalized<Lstm<T>>>(p, threads);
    case Cell::gru_norm: return forward_normalized<T, Normalized<Gru<T>>>(p, threads);
  }
}

template <class T>
void backward(const Backward<T>& p, int threads) {
  switch (p.cell) {
    case Cell::rnn_tanh:
    case Cell::rnn_tanh_half: return backward_cell<T, Rnn<T, false>>(p, threads);
    case Cell::rnn_relu:
    case Cell::rnn_relu_half: return backward_cell<T, Rnn<T, true>>(p, threads);
    case Cell::lstm:
    case Cell::lstm_half: return backward_cell<T, Lstm<T>>(p, threads);
    case Cell::gru:
    case Cell::gru_half: return backward_cell<T, Gru<T>>(p, threads);
    case Cell::lstm_norm: return backward_cell<T, Normalized<Lstm<T>>>(p, threads);
    case Cell::gru_norm: return backward_cell<T, Normalized<Gru<T>>>(p, threads);
  }
}
