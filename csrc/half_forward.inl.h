// A layer forward with products of bfloat16: what narrow.inl.h needs of weights that may change from call
// to call.

template <class C>
void half_forward_cell(const Forward<float>& p, int threads) {
  Scratch scratch;
  const Index row = NarrowUnits<C>(p.hidden).row(), depths[] = {p.input, p.hidden};
  const float* const weights[] = {p.w_ih, p.w_hh};
  std::int32_t* panels[2];
  float* bias[2];
  NarrowWeights w{};
  for (int k = 0; k < 2; ++k) {
    w.words[k] = pairs(depths[k]);
    w.panels[k] = panels[k] = scratch.take<std::int32_t>(row * panel_depth(w.words[k]));
    w.bias[k] = bias[k] = scratch.take<float>(row);
  }
  std::memset(bias[1], 0, static_cast<std::size_t>(row) * sizeof(float));
  float* const bias_n = scratch.take<float>(row);
  const Index groups = NarrowUnits<C>(p.hidden).groups();
  narrow_forward<Bf16, C>(p, w, threads, [&](const Worker& me, const Group<float, C>* group) {
    for (Index g = me.first(groups); g < me.last(groups); ++g) {
      pack_bias<float, C>(p, group[g], bias[0], bias_n);
      if constexpr (C::gru) {
        for (Index i = 0; i < group[g].units && group[g].first + i < p.hidden; ++i) {
          const Index place = group[g].gate(2, i / 16, 0, 1) + i % 16;
          bias[1][group[g].offset() + place] = bias_n[group[g].first + i];
        }
      }
      for (int k = 0; k < 2; ++k) pack_pairs<C>(weights[k], p.hidden, depths[k], group[g], panels[k]);
    }
    me.sync();
  });
}
