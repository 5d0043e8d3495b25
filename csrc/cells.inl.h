// The three cells, one vector of units at a time. Names as in the papers and torch's documentation.
// `s` holds the pre-activations on entry to forward and the saved activations after it;
// backward turns dh (total) and dc into `d`, the gradients of the pre-activations, leaves in dc the
// gradient of the previous cell state and returns what reaches the previous h without a weight.
// README.md derives every line.

template <class T>
struct Lstm {
  static constexpr int gates = 4, sums = 4, saved = 4;
  static constexpr bool cell = true, gru = false, normalized = false;

  static void forward(V<T> (&s)[4], V<T>& c, V<T>, V<T>& h) {
    activate<0b0100, T>(s);  // sigmoids: i, f and o, the input, forget and output gates; tanh: g
    c = s[1] * c + s[0] * s[2];
    h = s[3] * vtanh<T>(c);
  }

  static V<T> backward(const V<T> (&s)[4], V<T> c_before, V<T> c, V<T>, V<T>, V<T> dh, V<T>& dc,
                       V<T>& total_dc, V<T> (&d)[4]) {
    const V<T> one = fill(T(1)), f = s[1], o = s[3], tanh_c = vtanh<T>(c);
    total_dc = dc + dh * o * (one - tanh_c * tanh_c);
    remembering(s, c_before, total_dc, d);
    d[3] = dh * tanh_c * o * (one - o);
    dc = total_dc * f;
    return V<T>{};
  }

  // The gates that make the cell state, of which `dc` is the gradient in all.
  static void remembering(const V<T> (&s)[4], V<T> c_before, V<T> dc, V<T> (&d)[4]) {
    const V<T> one = fill(T(1)), i = s[0], f = s[1], g = s[2];
    d[0] = dc * g * i * (one - i);
    d[1] = dc * c_before * f * (one - f);
    d[2] = dc * i * (one - g * g);
  }

  // To `d` what is owed to gradients `e` of the saved activations themselves.
  static void add(const V<T> (&s)[4], const V<T> (&e)[4], V<T> (&d)[4]) {
    const V<T> one = fill(T(1));
    d[0] += e[0] * s[0] * (one - s[0]);
    d[1] += e[1] * s[1] * (one - s[1]);
    d[2] += e[2] * (one - s[2] * s[2]);
    d[3] += e[3] * s[3] * (one - s[3]);
  }
};

// The backward pass keeps four gradients in the order n, r, z, r*n: the first three belong to W_ih,
// the last three to W_hh, each without a gap.
template <class T>
struct Gru {
  static constexpr int gates = 3, sums = 4, saved = 4;
  static constexpr bool cell = false, gru = true, normalized = false;

  static void forward(V<T> (&s)[4], V<T>&, V<T> h_before, V<T>& h) {
    V<T> gates[2] = {s[0], s[1]};
    activate<0, T>(gates);
    s[0] = gates[0];                       // r, reset gate
    s[1] = gates[1];                       // z, update gate
    s[2] = vtanh<T>(s[2] + s[0] * s[3]);   // n, candidate; s[3] = W_hn h + b_hn
    h = s[2] + s[1] * (h_before - s[2]);
  }

  static V<T> backward(const V<T> (&s)[4], V<T>, V<T>, V<T> h_before, V<T>, V<T> dh, V<T>&, V<T>&,
                       V<T> (&d)[4]) {
    const V<T> one = fill(T(1)), r = s[0], z = s[1], n = s[2];
    d[0] = dh * (one - z) * (one - n * n);
    d[1] = d[0] * s[3] * r * (one - r);
    d[2] = dh * (h_before - n) * z * (one - z);
    d[3] = d[0] * r;
    return dh * z;
  }

  // e[3] is none of a gate's, and is not read.
  static void add(const V<T> (&s)[4], const V<T> (&e)[4], V<T> (&d)[4]) {
    const V<T> one = fill(T(1)), r = s[0], z = s[1], n = s[2], through_n = e[2] * (one - n * n);
    d[0] += through_n;
    d[1] += (through_n * s[3] + e[0]) * r * (one - r);
    d[2] += e[1] * z * (one - z);
    d[3] += through_n * r;
  }
};

template <class T, bool relu>
struct Rnn {
  static constexpr int gates = 1, sums = 1, saved = 0;
  static constexpr bool cell = false, gru = false, normalized = false;

  static void forward(V<T> (&s)[1], V<T>&, V<T>, V<T>& h) {
    if constexpr (relu) {
      h = choose<T>(s[0] < V<T>{}, V<T>{}, s[0]);  // NaN stays NaN
    } else {
      h = vtanh<T>(s[0]);
    }
  }

  static V<T> backward(const V<T> (&)[1], V<T>, V<T>, V<T>, V<T> h, V<T> dh, V<T>&, V<T>&, V<T> (&d)[1]) {
    if constexpr (relu) {
      d[0] = choose<T>(h > V<T>{}, dh, V<T>{});
    } else {
      d[0] = dh * (fill(T(1)) - h * h);
    }
    return V<T>{};
  }
};
