// Backward with products of bfloat16: the chunks, gates and bias gradients of backward.inl.h, with d, weights
// and features as words wherever they are multiplied. d itself, and every sum, is float32.
//
// For dh and dx words are pairs along a row of d, for dW pairs of its rows: two forms of the same numbers.

template <class C>
struct HalfBackward : BackwardPass<float, C> {
  using Base = BackwardPass<float, C>;
  using Chunk = typename Base::Chunk;
  using Base::by_units, Base::chunk_rows, Base::d, Base::inputs, Base::kept, Base::p, Base::stride,
      Base::units, Base::workers;
  static constexpr int rows_h = word_rows<Bf16>(kPanel);

  // What a worker has for itself: rows of d along which words are pairs, and the rows of a chunk.
  struct Room {
    std::int32_t* words;
    const float **x, **h;
    float** dx;
  };

  std::int32_t *hh = nullptr, *ih = nullptr;  // weights: pairs of G*H rows
  std::int32_t *of_h = nullptr, *of_x = nullptr;  // features: pairs of the chunk's rows
  std::int32_t* across = nullptr;  // d: pairs of the chunk's rows; for tiles, those of a column side by side
  Room* rooms = nullptr;
  Index word_row = 0, across_row = 0;  // words in a row of a room's, and of `across`

  Index depth() const { return C::gates * p.hidden; }

  // Rows of a (depth x columns) matrix, by `row`, -> words first .. last of pairs of them x panel. Pairs past
  // the depth are zero.
  template <class Row>
  static void pack_across(const Columns& columns, Index group, Index first, Index last, Index depth,
                          std::int32_t* packed, const Row& row) {
    const int nv = columns.width(group);
    const Index column0 = columns.first(group) * 16;
    packed += column0 * panel_depth(pairs(depth));
    for (Index k = first; k < last; ++k) {
      const float* const a = 2 * k < depth ? row(2 * k) : nullptr;
      const float* const b = 2 * k + 1 < depth ? row(2 * k + 1) : nullptr;
      for (int v = 0; v < nv; ++v) {
        const Index at = column0 + v * 16, n = columns.count - at;
        store(packed + (k * nv + v) * 16,
              pairs_across(a ? load(a + at, n) : V<float>{}, b ? load(b + at, n) : V<float>{}));
      }
    }
  }

  void pack_weights(const Worker& me) const {
    const Index words = panel_depth(pairs(depth()));
    for (Index g = me.first(units.groups()); g < me.last(units.groups()); ++g) {
      pack_across(units, g, 0, words, depth(), hh, [&](Index k) { return p.w_hh + k * p.hidden; });
    }
    if (!p.dx.base) return;
    for (Index g = me.first(inputs.groups()); g < me.last(inputs.groups()); ++g) {
      pack_across(inputs, g, 0, words, depth(), ih,
                  [&](Index k) { return p.w_ih + Base::ih_row(k, p.hidden) * p.input; });
    }
  }

  void list(const Room& room, const Chunk& c) const {
    Index row = 0;
    for (Index s = c.first; s < c.last; ++s) {
      const Index t = this->step(s);
      for (Index r = 0; r < this->rows(t); ++r, ++row) {
        room.x[row] = p.x.at(p.steps, t, r);
        room.h[row] = this->h_before(t, r);
        if (p.dx.base) room.dx[row] = p.dx.at(p.steps, t, r);
      }
    }
  }

  void pack_features(const Worker& me, const Room& room, const Chunk& c) const {
    const Index words = panel_depth(pairs(c.rows)), first = me.first(words), last = me.last(words);
    for (Index g = 0; g < units.groups(); ++g) {
      pack_across(units, g, first, last, c.rows, of_h, [&](Index k) { return room.h[k]; });
    }
    for (Index g = 0; g < inputs.groups(); ++g) {
      pack_across(inputs, g, first, last, c.rows, of_x, [&](Index k) { return room.x[k]; });
    }
  }

  // One step for rows i0 .. i1 and groups g0 .. g1; `words`: d of the step after it.
  void block(Index s, Index g0, Index g1, Index i0, Index i1, const std::int32_t* words, float* d_now) const {
    const Index t = this->step(s), now = s < p.steps.count ? this->rows(t) : 0;
    const Index later = s > 0 ? this->rows(this->step(s - 1)) : 0, m = min(i1, later) - i0;
    alignas(64) float acc[kWordSpan][kWordRows * 4 * 16], zeros[4 * 16] = {};
    for (Index g = g0; m > 0 && g < g1; ++g) {
      const Index panel = units.first(g) * 16 * panel_depth(pairs(depth()));
      const WordProduct<Bf16> factor{
          pairs(depth()), {words + i0 * word_row, word_row, 1}, hh + panel, too_few(p.steps.batch)};
      multiply_words<Bf16>(m, units.width(g), factor, {zeros, 0, acc[g - g0]});
    }
    for (Index i = i0; i < i1 && (i < now || i < later); ++i) {
      const auto row = i < now ? this->row_of(t, i, d_now + i * stride) : typename Base::Row{};
      for (Index g = g0; g < g1; ++g) {
        const int nv = units.width(g);
        for (int v = 0; v < nv; ++v) {
          const float* const sum = acc[g - g0] + ((i - i0) * nv + v) * 16;
          this->derive(row, p.dh0 + i * p.hidden, (units.first(g) + v) * 16, i < later ? sum : nullptr);
        }
      }
    }
  }

  // Returns where the last step's d begins.
  const float* recurrence(const Worker& me, const Chunk& c, const float* d_after, float* d_chunk) const {
    std::int32_t* const words = rooms[me.begin].words;
    const Index g0 = by_units ? me.first(units.groups()) : 0;
    const Index g1 = by_units ? me.last(units.groups()) : units.groups();
    const Pieces pieces(p.steps.batch, rows_h, by_units ? 1 : workers);
    const Index span = max(1, min(kWordSpan, kSpanBytes / (kPanel * 16 * pairs(depth()) * 4)));
    const Index end = c.last == p.steps.count ? c.last + 1 : c.last;  // then dh_0 remains
    for (Index s = c.first; s < end; ++s) {
      const Index later = s > 0 ? this->rows(this->step(s - 1)) : 0;
      for (Index i = 0; i < pieces.count; ++i) {
        if (!by_units && !me.owns(i)) continue;
        for (Index r = pieces.first(i); r < min(pieces.first(i + 1), later); ++r) {
          Bf16::round(d_after + r * stride + Base::hh_column(p.hidden), depth(), words + r * word_row);
        }
      }
      for (Index k = 0; k * span < g1 - g0; ++k) {
        const Index g = g0 + there_and_back(s, k, g1 - g0, span);
        for (Index i = 0; i < pieces.count; ++i) {
          if (!by_units && !me.owns(i)) continue;
          block(s, g, min(g + span, g1), pieces.first(i), pieces.first(i + 1), words, d_chunk);
        }
      }
      if (by_units) me.sync();
      if (s == p.steps.count) break;
      d_after = d_chunk;
      d_chunk += this->rows(this->step(s)) * stride;
    }
    return d_after;
  }

  // 16 columns of two rows of a chunk; a row past its last is zero.
  V<std::int32_t> pair_of_rows(const Chunk& c, const float* d_chunk, Index k, Index j) const {
    const Index n = kept * p.hidden - j;
    const float* const a = d_chunk + 2 * k * stride + j;
    return pairs_across(2 * k < c.rows ? load(a, n) : V<float>{},
                        2 * k + 1 < c.rows ? load(a + stride, n) : V<float>{});
  }

  // d of the chunk as pairs of its rows.
  void turn(const Worker& me, const Chunk& c, const float* d_chunk) const {
    const Index words = panel_depth(pairs(c.rows)), wide = kept * p.hidden;
    if constexpr (!kTiles) {
      for (Index k = me.first(words); k < me.last(words); ++k) {
        for (Index j = 0; j < wide; j += 16) {
          store(across + k * across_row + j, pair_of_rows(c, d_chunk, k, j));
        }
      }
      return;
    }
    for (Index k = me.first(words / 16) * 16; k < me.last(words / 16) * 16; k += 16) {
      for (Index j = 0; j < wide; j += 16) {
        V<float> block[16];
#pragma GCC unroll 16
        for (Index i = 0; i < 16; ++i) block[i] = (V<float>)pair_of_rows(c, d_chunk, k + i, j);
        transpose<float>(block);
        for (Index i = 0; i < 16; ++i) store(across + (j + i) * across_row + k, (V<std::int32_t>)block[i]);
      }
    }
  }

  // Columns of d from the j-th on, as rows of a product.
  WordRows turned(Index j) const {
    return kTiles ? WordRows{across + j * across_row, across_row, 1} : WordRows{across + j, 1, across_row};
  }

  // dW[row(j)][:] += sum over the chunk of d[:, column + j] * features, for rows j0 .. j1.
  template <class Row>
  void weight_gradient(const Columns& columns, const std::int32_t* features, Index column, Index j0, Index j1,
                       const Chunk& c, float* dw, const Row& row) const {
    alignas(64) float acc[kWordRows * 4 * 16];
    const Index most = word_rows<Bf16>(static_cast<int>(min(kPanel, columns.vectors())));
    for (Index j = j0; j < j1; j += most) {
      const Index m = min(most, j1 - j);
      for (Index g = 0; g < columns.groups(); ++g) {
        const int nv = columns.width(g);
        const auto out = [&](Index i) { return dw + row(j + i) * columns.count; };
        const WordProduct<Bf16> factor{pairs(c.rows), turned(column + j),
                                       features + columns.first(g) * 16 * panel_depth(pairs(c.rows)),
                                       !kTiles};
        Base::fetch(columns, g, m, c.first > 0, out, acc);
        multiply_words<Bf16>(m, nv, factor, {acc, nv * 16, acc});
        Base::put(columns, g, m, acc, out);
      }
    }
  }

  void weight_gradients(const Worker& me, const Chunk& c, const float* d_chunk) const {
    const Index j0 = me.first(depth()), j1 = me.last(depth()), column = Base::hh_column(p.hidden);
    weight_gradient(inputs, of_x, 0, j0, j1, c, p.dw_ih, [&](Index k) { return Base::ih_row(k, p.hidden); });
    weight_gradient(units, of_h, column, j0, j1, c, p.dw_hh, [](Index k) { return k; });
    const typename Base::Factor of_biases[] = {{inputs, nullptr, 0, nullptr, p.db_ih, true},
                                               {units, nullptr, column, nullptr, p.db_hh, false}};
    for (const auto& factor : of_biases) {
      if (factor.db) Base::bias_gradient(&factor, 1, d_chunk, j0, j1, c);
    }
  }

  // dx = d W_ih for this worker's share of the chunk's rows.
  void input_gradient(const Worker& me, const Room& room, const Chunk& c, const float* d_chunk) const {
    const Index first = me.first(c.rows), n = me.last(c.rows) - first;
    for (Index r = 0; r < n; ++r) {
      Bf16::round(d_chunk + (first + r) * stride, depth(), room.words + r * word_row);
    }
    alignas(64) float acc[kWordRows * 4 * 16];
    for (Index g = 0; g < inputs.groups(); ++g) {
      const int nv = inputs.width(g);
      const Pieces tiles(n, word_rows<Bf16>(nv), 1);
      for (Index i = 0; i < tiles.count; ++i) {
        const Index r0 = tiles.first(i), m = tiles.first(i + 1) - r0;
        const auto out = [&](Index r) { return room.dx[first + r0 + r]; };
        const WordProduct<Bf16> factor{pairs(depth()),
                                       {room.words + r0 * word_row, word_row, 1},
                                       ih + inputs.first(g) * 16 * panel_depth(pairs(depth())),
                                       !kTiles};
        Base::fetch(inputs, g, m, p.add_dx, out, acc);
        multiply_words<Bf16>(m, nv, factor, {acc, nv * 16, acc});
        Base::put(inputs, g, m, acc, out);
      }
    }
  }

  void run(const Worker& me) const {
    const Multiplying now(true);
    const Room& room = rooms[me.begin];
    pack_weights(me);
    me.sync();
    const float* d_after = nullptr;
    int turned = 0;
    for (Index s = 0; s < p.steps.count; turned ^= 1) {
      const Chunk c = this->chunk(s);
      list(room, c);
      if (p.dw_ih) pack_features(me, room, c);
      d_after = recurrence(me, c, d_after, d[turned]);
      me.sync();
      if (p.dw_ih) {
        turn(me, c, d[turned]);
        me.sync();
        weight_gradients(me, c, d[turned]);
      }
      if (p.dx.base) input_gradient(me, room, c, d[turned]);
      me.sync();
      s = c.last;
    }
  }

  void allocate_words(Scratch& scratch) {
    const Index words = panel_depth(pairs(chunk_rows)), deep = panel_depth(pairs(depth()));
    const Index wide = (kept * p.hidden + kWordRows + 15) / 16 * 16;
    word_row = word_stride<Bf16>(depth()) + 16;  // odd in cache lines
    across_row = kTiles ? (words / 16 | 1) * 16 : wide;
    hh = scratch.take<std::int32_t>(deep * units.vectors() * 16);
    if (p.dx.base) ih = scratch.take<std::int32_t>(deep * inputs.vectors() * 16);
    if (p.dw_ih) {
      of_h = scratch.take<std::int32_t>(words * units.vectors() * 16);
      of_x = scratch.take<std::int32_t>(words * inputs.vectors() * 16);
      across = scratch.take<std::int32_t>((kTiles ? wide : words) * across_row);
    }
    rooms = scratch.take<Room>(workers);
    for (int i = 0; i < workers; ++i) {
      // One worker may hold the slots of all, and then every row is its own.
      rooms[i] = {scratch.take<std::int32_t>((max(p.steps.batch, chunk_rows) + kBeyond) * word_row),
                  scratch.take<const float*>(chunk_rows), scratch.take<const float*>(chunk_rows),
                  scratch.take<float*>(chunk_rows)};
    }
  }
};

template <class C>
void half_backward_cell(const Backward<float>& p, int threads) {
  Scratch scratch;
  HalfBackward<C> pass{{p, Columns{p.hidden, kPanel, 16}, Columns{p.input, kPanel, 16}, 0, p.steps.batch}};
  const Index depth = C::gates * p.hidden, line = 16;
  pass.stride = ((pass.kept * p.hidden + kMaxRows + line - 1) / line | 1) * line;
  pass.workers = useful_workers(p.steps, depth * (2 * p.hidden + p.input) / 2, threads);
  pass.by_units = split_units(p.steps, pass.units.groups(), depth * pass.units.vectors() * 32, pass.workers);
  pass.chunk_rows = max(p.steps.batch, max(Index(256), (512 << 10) / (pass.stride * 4)));
  pass.chunk_rows = min(pass.chunk_rows, p.steps.total());
  for (float*& buffer : pass.d) buffer = scratch.take<float>(pass.chunk_rows * pass.stride + 16);
  pass.allocate_words(scratch);
  team(pass.workers, [&](const Worker& me) { pass.run(me); });
}
