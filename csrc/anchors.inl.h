// The simple forecasts that a forecaster's network starts from, after every step of a window. The
// formulas, in plain torch, are src/carrousel/ops/reference/anchors.py.

template <class T>
struct Room {  // for one window
  T *mean, *form, *rolling;  // of each season: (N), (N), (T)
  T *change, *pairs, *sorted;  // of each step that was measured; the changes of those that moved
  bool* known;  // of each phase: whether there was a value
};

// out[j] = table[end - season + j % season], or `absent` before the beginning.
template <class T>
inline void repeat(T* __restrict out, Index h, const T* __restrict table, Index end, Index season, T absent) {
  for (Index from = 0; from < h; from += season) {
    const Index n = h - from < season ? h - from : season;
    Index j = end < season ? season - end : 0;
    j = j < n ? j : n;
    for (Index i = 0; i < j; ++i) out[from + i] = absent;
    for (; j < n; ++j) out[from + j] = table[end - season + j];
  }
}

// The longer season's profile, plus what the last short season was beside it; before there is one, the
// last short season itself.
template <class T>
inline void inside(T* __restrict out, Index h, const T* __restrict profile, const T* __restrict nearest,
                   const T* __restrict values, const T* __restrict means, Index end, Index shortest,
                   Index season) {
  for (Index from = 0; from < h;
       from += shortest, out += shortest, profile += shortest, nearest += shortest) {
    const Index n = h - from < shortest ? h - from : shortest, last = end - shortest;
    Index j = last < season ? season - last : 0;
    j = j < n ? j : n;
    for (Index i = 0; i < j; ++i) out[i] = nearest[i];
    for (; j < n; ++j) out[j] = profile[j] + (values[last + j] - means[last + j - season]);
  }
}

// Means over the same phase of some seasons, of the values and of what they are beside the level.
template <class T>
void season_means(const Look<T>& p, const T* __restrict x, Index season, T* __restrict out) {
  const Index N = p.steps * p.step, count = p.constants.seasons;
  for (Index from = 0; from < N; from += season) {
    const Index n = season < N - from ? season : N - from;
    for (Index j = 0; j < n; ++j) out[from + j] = x[from + j];
    for (Index k = 1; k < count; ++k) {
      const T* const past = x + (from < k * season ? 0 : from - k * season);
      for (Index j = 0; j < n; ++j) out[from + j] += past[j];
    }
    for (Index j = 0; j < n; ++j) out[from + j] /= T(count);
  }
}

template <class T>
void tables(const Look<T>& p, Index b, const Room<T>& room) {
  const Index S = p.step, N = p.steps * S;
  const T* const values = p.values + b * N;
  const T* const level = p.level + b * p.steps;
  for (Index k = 0; k < p.seasons.count; ++k) {
    const Index season = p.seasons.at[k], span = season / S > 1 ? season / S : 1;
    T* const rolling = room.rolling + k * p.steps;
    T* const form = room.form + k * N;
    for (Index t = 0; t < p.steps; ++t) {
      double sum = 0;
      for (Index i = 0; i < span; ++i) sum += level[i < t ? t - i : 0];
      rolling[t] = T(sum / double(span));
    }
    season_means(p, values, season, room.mean + k * N);
    if (season == 1) continue;
    T* const beside = room.form + p.seasons.count * N;
    for (Index t = 0; t < p.steps; ++t) {
      for (Index i = t * S; i < (t + 1) * S; ++i) beside[i] = values[i] - rolling[t];
    }
    season_means(p, beside, season, form);
  }
}

// The simple forecasts after step t: (K, h).
template <class T>
void forecast(const Look<T>& p, Index b, Index t, const Room<T>& room, T* out) {
  const Index S = p.step, N = p.steps * S, h = p.horizon, end = (t + 1) * S, shortest = p.seasons.at[0];
  const T* const values = p.values + b * N;
  const T* const levels = p.level + b * p.steps;
  const T level = levels[t];
  T* const nearest = out + (p.kinds - 1) * h;
  repeat(nearest, h, values, end, shortest, level);
  for (Index j = 0; j < h; ++j) out[j] = values[end - 1];
  if (S > 1) {
    out += h;
    for (Index j = 0; j < h; ++j) out[j] = level;
  }
  out += h;
  T* within = nearest - h;  // of the seasons in which the shortest repeats
  for (Index k = 1; k < p.seasons.count; ++k) within -= p.seasons.at[k] % shortest ? 0 : 2 * h;
  for (Index k = 0; k < p.seasons.count; ++k) {
    const Index season = p.seasons.at[k];
    const T* const mean = room.mean + k * N;
    const bool nested = k > 0 && season % shortest == 0;
    if (season > 1) {
      repeat(out, h, values, end, season, level);
      if (nested) inside(within, h, out, nearest, values, values, end, shortest, season), within += h;
      out += h;
    }
    repeat(out, h, mean, end, season, level);
    if (nested) inside(within, h, out, nearest, values, mean, end, shortest, season), within += h;
    out += h;
    if (season == 1) continue;
    repeat(out, h, room.form + k * N, end, season, T(0));
    for (Index j = 0; j < h; ++j) out[j] += room.rolling[k * p.steps + t];
    out += h;
  }
  const Index many = p.constants.seasons, span = p.steps - 1 < many ? p.steps - 1 : many;
  const Index age = p.age[b * p.steps + t];
  const Index most = span > 1 ? span : 1, over = age < 1 ? 1 : age > most ? most : age;
  const T slope = (level - levels[t < span ? 0 : t - span]) / T(over) * (T(shortest) / T(S));
  T* const half = nearest - h;
  for (Index from = 0, ahead = 1; from < h; from += shortest, ++ahead) {
    const T rise = slope * T(ahead);
    for (Index j = from; j < h && j < from + shortest; ++j) {
      half[j] = nearest[j] + T(0.5) * rise;
      nearest[j] += rise;
    }
  }
}
