// The cells of recurrence.inl.h, one vector of units at a time. `x` holds what the inputs bring to the sums,
// `h` what the hidden state does; `state` the states before the step and, after `forward`, those after
// it; `saved` what backward will want. `backward` is given the gradients of the states after the step in
// `d_state`, leaves there those of the states before it (but for what goes through the product), and
// writes the gradients of the sums to `d`. README.md derives what is not in cells.inl.h.

// log(1 + x) for x from 0 to 1: 2 artanh(x / (2 + x)), whose argument is at most a third.
template <class T>
inline V<T> vlog1p(V<T> x) {
  constexpr int terms = sizeof(T) == 8 ? 17 : 8;
  const V<T> s = x / (fill(T(2)) + x), square = s * s;
  V<T> sum = fill(T(1.0 / (2 * terms + 1)));
#pragma GCC unroll 17
  for (int i = terms - 1; i >= 0; --i) sum = sum * square + fill(T(1.0 / (2 * i + 1)));
  return (s + s) * sum;
}

template <class T>
inline V<T> magnitude(V<T> x) {
  return flip<T>(x, sign_of<T>(x));
}

// What a rule reads and writes beside the sums, for one vector of units.
template <class T>
struct Beside {
  const T* peephole;  // at this unit; null: none
  Index hidden;       // from one of them to the next
  Index lanes;
  T* dpeephole;
};

// minGRU (Feng et al. 2024): gates that see the inputs alone. In the variant of torch's GRU: z is what stays.
template <class T, bool positive>
struct MinGru {
  static constexpr int gates = 2, states = 1, saved = 2, kept = 2;
  static constexpr Index hh = 0;  // where in d the gradients of the product begin, in units of H
  static constexpr bool product = false, apart = false, coupled = false;

  static V<T> candidate(V<T> x) {
    if constexpr (positive) return choose<T>(x < V<T>{}, vsigmoid<T>(x), x + fill(T(0.5)));
    return x;
  }
  static V<T> slope(V<T> n) {  // of the candidate, by its value: below a half it was a sigmoid
    const V<T> one = fill(T(1));
    if constexpr (positive) return choose<T>(n < fill(T(0.5)), n * (one - n), one);
    return one;
  }

  static void forward(const Beside<T>&, const V<T> (&x)[gates], const V<T> (&)[gates], V<T> (&state)[states],
                      V<T> (&s)[saved]) {
    s[0] = vsigmoid<T>(x[0]);
    s[1] = candidate(x[1]);
    state[0] = s[1] + s[0] * (state[0] - s[1]);
  }
  static void backward(const Beside<T>&, const V<T> (&s)[saved], const V<T> (&before)[states],
                       const V<T> (&)[states], V<T> (&d_state)[states], V<T>&, V<T> (&d)[kept]) {
    const V<T> one = fill(T(1)), dh = d_state[0];
    d[0] = dh * (before[0] - s[1]) * s[0] * (one - s[0]);
    d[1] = dh * (one - s[0]) * slope(s[1]);
    d_state[0] = dh * s[0];
  }
};

// minLSTM of the same paper: f' = f / (f + i), h = f' h + (1 - f') n. Saved: f', n, 1 - f and 1 - i.
template <class T, bool positive>
struct MinLstm {
  static constexpr int gates = 3, states = 1, saved = 4, kept = 3;
  static constexpr Index hh = 0;
  static constexpr bool product = false, apart = false, coupled = false;
  using Candidate = MinGru<T, positive>;

  static void forward(const Beside<T>&, const V<T> (&x)[gates], const V<T> (&)[gates], V<T> (&state)[states],
                      V<T> (&s)[saved]) {
    // f / (f + i) = (1 + e^-i) / (1 + e^-i + 1 + e^-f), every term times e^least: none overflows.
    const V<T> f = x[0], i = x[1], zero{};
    const V<T> fewer = choose<T>(f < i, f, i), least = choose<T>(zero < fewer, zero, fewer);
    const V<T> one = vexp<T>(least), by_f = one + vexp<T>(least - f), by_i = one + vexp<T>(least - i);
    s[0] = by_i / (by_i + by_f);
    s[1] = Candidate::candidate(x[2]);
    V<T> others[2] = {-f, -i};
    activate<0, T>(others);
    s[2] = others[0];
    s[3] = others[1];
    state[0] = s[1] + s[0] * (state[0] - s[1]);
  }
  static void backward(const Beside<T>&, const V<T> (&s)[saved], const V<T> (&before)[states],
                       const V<T> (&)[states], V<T> (&d_state)[states], V<T>&, V<T> (&d)[kept]) {
    const V<T> one = fill(T(1)), dh = d_state[0], keep = s[0], write = one - keep;
    const V<T> d_keep = dh * (before[0] - s[1]) * keep * write;
    d[0] = d_keep * s[2];
    d[1] = -d_keep * s[3];
    d[2] = dh * write * Candidate::slope(s[1]);
    d_state[0] = dh * keep;
  }
};

// sLSTM (Beck et al. 2024): states h, c, the normalizer n and the stabilizer m.
template <class T, bool exponential>
struct Slstm {
  static constexpr int gates = 4, states = 4, saved = 5, kept = 4;
  static constexpr Index hh = 0;
  static constexpr bool product = true, apart = false, coupled = false;

  static void forward(const Beside<T>&, const V<T> (&x)[gates], const V<T> (&h)[gates], V<T> (&state)[states],
                      V<T> (&s)[saved]) {
    const V<T> i = x[0] + h[0], f = x[1] + h[1], one = fill(T(1)), zero{};
    V<T> last[2] = {x[2] + h[2], x[3] + h[3]};
    activate<0b01, T>(last);
    s[2] = last[0];
    s[3] = last[1];
    V<T> log_f = f;
    s[4] = one;  // d log f / df
    if constexpr (!exponential) {
      log_f = choose<T>(f < zero, f, zero) - vlog1p<T>(vexp<T>(-magnitude<T>(f)));
      s[4] = vsigmoid<T>(-f);
    }
    // Where nothing has been written yet, nothing is carried on.
    const V<T> a = choose<T>(state[2] == zero, fill(T(-kInfinity)), log_f + state[3]);
    const V<T> m = choose<T>(i < a, a, i);
    s[0] = vexp<T>(i - m);
    s[1] = vexp<T>(a - m);
    state[1] = s[1] * state[1] + s[0] * s[2];
    state[2] = s[1] * state[2] + s[0];
    state[3] = m;
    state[0] = s[3] * (state[1] / state[2]);
  }
  static void backward(const Beside<T>&, const V<T> (&s)[saved], const V<T> (&before)[states],
                       const V<T> (&after)[states], V<T> (&d_state)[states], V<T>& total_dc,
                       V<T> (&d)[kept]) {
    const V<T> one = fill(T(1)), dh = d_state[0], shown = after[1] / after[2], q = dh * s[3] / after[2];
    const V<T> dc = d_state[1] + q, dn = d_state[2] - q * shown;
    total_dc = dc;
    const V<T> by_i = (dc * s[2] + dn) * s[0], by_a = (dc * before[1] + dn * before[2]) * s[1];
    // m is the larger of i and a, and its own gradient goes there.
    const auto of_a = s[0] < one;
    d[0] = choose<T>(of_a, by_i, d_state[3] - by_a);
    const V<T> d_a = choose<T>(of_a, d_state[3] - by_i, by_a);
    d[1] = d_a * s[4];
    d[2] = dc * s[0] * (one - s[2] * s[2]);
    d[3] = dh * shown * s[3] * (one - s[3]);
    d_state[0] = V<T>{};
    d_state[1] = dc * s[1];
    d_state[2] = dn * s[1];
    d_state[3] = d_a;
  }
};

template <class T, bool relu>
struct RecurrentRnn {
  static constexpr int gates = 1, states = 1, saved = 1, kept = 1;
  static constexpr Index hh = 0;
  static constexpr bool product = true, apart = false, coupled = false;

  static void forward(const Beside<T>&, const V<T> (&x)[gates], const V<T> (&h)[gates], V<T> (&state)[states],
                      V<T> (&s)[saved]) {
    const V<T> sum = x[0] + h[0];
    if constexpr (relu) s[0] = choose<T>(sum < V<T>{}, V<T>{}, sum);
    else s[0] = vtanh<T>(sum);
    state[0] = s[0];
  }
  static void backward(const Beside<T>&, const V<T> (&s)[saved], const V<T> (&)[states],
                       const V<T> (&)[states], V<T> (&d_state)[states], V<T>&, V<T> (&d)[kept]) {
    if constexpr (relu) d[0] = choose<T>(s[0] > V<T>{}, d_state[0], V<T>{});
    else d[0] = d_state[0] * (fill(T(1)) - s[0] * s[0]);
    d_state[0] = V<T>{};
  }
};

template <class T>
struct RecurrentGru {
  static constexpr int gates = 3, states = 1, saved = 4, kept = 4;
  static constexpr Index hh = 1;  // d: n, then r, z and W_hn h + b_hn
  static constexpr bool product = true, apart = true, coupled = false;

  static void forward(const Beside<T>&, const V<T> (&x)[gates], const V<T> (&h)[gates], V<T> (&state)[states],
                      V<T> (&s)[saved]) {
    s[0] = x[0] + h[0];
    s[1] = x[1] + h[1];
    s[2] = x[2];
    s[3] = h[2];
    V<T> none{};
    Gru<T>::forward(s, none, state[0], state[0]);
  }
  static void backward(const Beside<T>&, const V<T> (&s)[saved], const V<T> (&before)[states],
                       const V<T> (&)[states], V<T> (&d_state)[states], V<T>&, V<T> (&d)[kept]) {
    V<T> none{}, total{};
    d_state[0] = Gru<T>::backward(s, none, none, before[0], none, d_state[0], none, total, d);
  }
};

// With peepholes (Gers & Schmidhuber 2000) where there are any, and, coupled, i = 1 - f (Greff et al. 2017).
template <class T, bool couple>
struct RecurrentLstm {
  static constexpr int gates = couple ? 3 : 4, states = 2, saved = 4, kept = gates;
  static constexpr Index hh = 0;
  static constexpr bool product = true, apart = false, coupled = couple;

  static V<T> peephole(const Beside<T>& by, int which) {
    return load(by.peephole + which * by.hidden, by.lanes);
  }

  static void forward(const Beside<T>& by, const V<T> (&x)[gates], const V<T> (&h)[gates],
                      V<T> (&state)[states], V<T> (&s)[saved]) {
    constexpr int at_f = couple ? 0 : 1;
    V<T> v[gates];
#pragma GCC unroll 4
    for (int g = 0; g < gates; ++g) v[g] = x[g] + h[g];
    if (by.peephole) {
#pragma GCC unroll 2
      for (int g = 0; g <= at_f; ++g) v[g] += peephole(by, g) * state[1];
    }
    V<T> first[gates - 1];
#pragma GCC unroll 4
    for (int g = 0; g < gates - 1; ++g) first[g] = v[g];
    activate<1 << (gates - 2), T>(first);
    s[1] = first[at_f];
    s[0] = couple ? fill(T(1)) - s[1] : first[0];
    s[2] = first[gates - 2];
    state[1] = s[1] * state[1] + s[0] * s[2];
    if (by.peephole) v[gates - 1] += peephole(by, at_f + 1) * state[1];
    s[3] = vsigmoid<T>(v[gates - 1]);
    state[0] = s[3] * vtanh<T>(state[1]);
  }

  static void backward(const Beside<T>& by, const V<T> (&s)[saved], const V<T> (&before)[states],
                       const V<T> (&)[states], V<T> (&d_state)[states], V<T>& total_dc, V<T> (&d)[kept]) {
    constexpr int at_f = couple ? 0 : 1;
    const V<T> one = fill(T(1)), f = s[1], o = s[3], dh = d_state[0];
    const V<T> c = f * before[1] + s[0] * s[2], tanh_c = vtanh<T>(c);  // before any zoneout
    V<T> dc = d_state[1] + dh * o * (one - tanh_c * tanh_c);
    const V<T> d_o = dh * tanh_c * o * (one - o);
    if (by.peephole) dc += d_o * peephole(by, at_f + 1);
    total_dc = dc;
    if constexpr (couple) {
      d[0] = dc * (before[1] - s[2]) * f * (one - f);
      d[1] = dc * s[0] * (one - s[2] * s[2]);
    } else {
      V<T> four[4];
      Lstm<T>::remembering(s, before[1], dc, four);
#pragma GCC unroll 3
      for (int g = 0; g < 3; ++g) d[g] = four[g];
    }
    d[gates - 1] = d_o;
    d_state[0] = V<T>{};
    d_state[1] = dc * f;
    if (!by.peephole) return;
#pragma GCC unroll 2
    for (int g = 0; g <= at_f; ++g) {
      d_state[1] += d[g] * peephole(by, g);
      add(by, g, d[g] * before[1]);
    }
    add(by, at_f + 1, d_o * c);
  }

  static void add(const Beside<T>& by, int which, V<T> more) {
    if (!by.dpeephole) return;
    T* const to = by.dpeephole + which * by.hidden;
    store(to, load(to, by.lanes) + more, by.lanes);
  }
};
