// A layer forward and backward, by the kind of its cell.

template <class T>
void forward(const Forward<T>& p, int threads) {
  switch (p.cell) {
    case Cell::rnn_tanh: return forward_cell<T, Rnn<T, false>>(p, threads);
    case Cell::rnn_relu: return forward_cell<T, Rnn<T, true>>(p, threads);
    case Cell::lstm: return forward_cell<T, Lstm<T>>(p, threads);
    case Cell::gru: return forward_cell<T, Gru<T>>(p, threads);
    case Cell::lstm_norm: return forward_normalized<T, Normalized<Lstm<T>>>(p, threads);
    case Cell::gru_norm: return forward_normalized<T, Normalized<Gru<T>>>(p, threads);
  }
}

template <class T>
void backward(const Backward<T>& p, int threads) {
  switch (p.cell) {
    case Cell::rnn_tanh: return backward_cell<T, Rnn<T, false>>(p, threads);
    case Cell::rnn_relu: return backward_cell<T, Rnn<T, true>>(p, threads);
    case Cell::lstm: return backward_cell<T, Lstm<T>>(p, threads);
    case Cell::gru: return backward_cell<T, Gru<T>>(p, threads);
    case Cell::lstm_norm: return backward_cell<T, Normalized<Lstm<T>>>(p, threads);
    case Cell::gru_norm: return backward_cell<T, Normalized<Gru<T>>>(p, threads);
  }
}
