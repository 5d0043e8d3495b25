// Weights of 8 bits: packing them once, and the layers that run on them.

// Where in one piece of memory the packed weights lie, with `row` rows of sums.
template <class T>
struct QuantizedPlaces {
  T *panels[2], *start[2], *scale[2], *bias[2];
  Index words[2], size;

  QuantizedPlaces(T* memory, Index row, Index input, Index hidden) {
    words[0] = (input + Int8::per - 1) / Int8::per;
    words[1] = (hidden + Int8::per - 1) / Int8::per;
    size = 0;
    const auto take = [&](Index count) {
      T* const found = memory ? memory + size : nullptr;
      size += count;
      return found;
    };
    for (int k = 0; k < 2; ++k) panels[k] = take(row * panel_depth(words[k]));
    for (int k = 0; k < 2; ++k) start[k] = take(row), scale[k] = take(row), bias[k] = take(row);
  }
};

template <class C>
void pack_quantized_group(const ToPack& p, const Group<float, C>& group,
                          const QuantizedPlaces<std::int32_t>& out) {
  const std::int8_t* const weights[] = {p.w_ih, p.w_hh};
  const float *const scales[] = {p.scale_ih, p.scale_hh}, *const biases[] = {p.b_ih, p.b_hh};
  const Index depths[] = {p.input, p.hidden};
  for (Index at = 0; at < group.vectors() * W<float>; ++at) {
    const Index q = at / W<float>, lane = at % W<float>, row = group.row(q, lane, p.hidden);
    const Index place = group.offset() + at;
    // The GRU's candidate needs both its sums apart; elsewhere the bias of W_hh belongs to the first.
    const bool apart = C::gru && row >= 2 * p.hidden;
    float bias[] = {0, 0};
    for (int k = 0; k < 2; ++k) {
      const Index words = panel_depth(out.words[k]);
      std::int32_t* const panel = out.panels[k] + group.offset() * words + group.vector(q, 0, words) + lane;
      std::int32_t total = 0;
      for (Index w = 0; w < words; ++w) {
        std::int8_t word[Int8::per] = {};
        for (Index i = 0; row >= 0 && i < Int8::per && Int8::per * w + i < depths[k]; ++i) {
          word[i] = weights[k][row * depths[k] + Int8::per * w + i];
          total += word[i];
        }
        std::memcpy(panel + w * group.nv * W<float>, word, sizeof word);
      }
      const float scale = row >= 0 ? scales[k][row] : 0;
      out.start[k][place] = -128 * total;
      std::memcpy(out.scale[k] + place, &scale, sizeof scale);
      if (row >= 0 && biases[k]) bias[apart ? k : 0] += biases[k][row];
    }
    for (int k = 0; k < 2; ++k) std::memcpy(out.bias[k] + place, bias + k, sizeof(float));
  }
}

// -> words that there are; nothing is written where there is no place for it.
template <class C>
Index pack_quantized_cell(const ToPack& p) {
  const NarrowUnits<C> units(p.hidden);
  const QuantizedPlaces<std::int32_t> out(p.packed, units.row(), p.input, p.hidden);
  for (Index g = 0; p.packed && g < units.groups(); ++g) pack_quantized_group<C>(p, units.group(g), out);
  return out.size;
}

template <class C>
void quantized_cell(const Forward<float>& p, const std::int32_t* packed, int threads) {
  const QuantizedPlaces<const std::int32_t> at(packed, NarrowUnits<C>(p.hidden).row(), p.input, p.hidden);
  NarrowWeights w{};
  for (int k = 0; k < 2; ++k) {
    w.panels[k] = at.panels[k];
    w.start[k] = at.start[k];
    w.scale[k] = reinterpret_cast<const float*>(at.scale[k]);
    w.bias[k] = reinterpret_cast<const float*>(at.bias[k]);
    w.words[k] = at.words[k];
  }
  narrow_forward<Int8, C>(p, w, threads, [](const Worker&, const Group<float, C>*) {});
}

inline Index pack_quantized(const ToPack& p) {
  switch (p.cell) {
    case Cell::rnn_tanh:
    case Cell::rnn_relu: return pack_quantized_cell<Rnn<float, false>>(p);
    case Cell::lstm: return pack_quantized_cell<Lstm<float>>(p);
    case Cell::gru: return pack_quantized_cell<Gru<float>>(p);
    default: return 0;
  }
}

inline void forward_quantized(const Forward<float>& p, const std::int32_t* packed, int threads) {
  switch (p.cell) {
    case Cell::rnn_tanh: return quantized_cell<Rnn<float, false>>(p, packed, threads);
    case Cell::rnn_relu: return quantized_cell<Rnn<float, true>>(p, packed, threads);
    case Cell::lstm: return quantized_cell<Lstm<float>>(p, packed, threads);
    case Cell::gru: return quantized_cell<Gru<float>>(p, packed, threads);
    default: return;
  }
}
