// How often, and how far, convolutions of sequences lie above thresholds, in one pass over each while
// it is in cache. The formula, in plain torch, is src/carrousel/ops/reference/convolutions.py.

// Steps whose distances are summed as integers: each is below 2^26.
constexpr Index kTogether = 32;

struct KernelVector {  // W kernels side by side, of one dilation, over one sequence
  Index steps, reach;  // reach: steps from a kernel's middle to its ends
  float* read;         // (reach + steps + reach, W) what they read of each step; zeros around it
};

// Add what a vector of kernels reads of N channels from `channel` on, and of the next N as long as there
// are so many; gives the first channel that is left. Which kernel reads which stays in registers.
template <Index N>
inline Index add_channels(const Above& p, Index from, const float* chosen, Index channel,
                          const KernelVector& to) {
  const Index width = W<float>;
  float* const steps = to.read + to.reach * width;
  for (; channel + N <= p.channels; channel += N) {
    V<float> reads[N];
    for (Index c = 0; c < N; ++c) reads[c] = load(chosen + (channel + c) * p.kernels);
    for (Index t = 0; t < to.steps; ++t) {
      const float* const row = p.rows + (from + t) * p.channels + channel;
      V<float> sum = load(steps + t * width);
      for (Index c = 0; c < N; ++c) sum += fill(row[c]) * reads[c];
      store(steps + t * width, sum);
    }
  }
  return channel;
}

// What is read of a step is the sum of the channels that a kernel has: once, and not for each weight.
inline void read_channels(const Above& p, Index from, Index dilation, Index kernel, const KernelVector& to) {
  std::memset(to.read, 0, sizeof(float) * (to.steps + 2 * to.reach) * W<float>);
  const float* const chosen = p.chosen + dilation * p.channels * p.kernels + kernel;
  const Index eights = add_channels<8>(p, from, chosen, 0, to);
  const Index pairs = add_channels<2>(p, from, chosen, eights, to);
  add_channels<1>(p, from, chosen, pairs, to);
}

using Whole = V<std::int32_t>;  // multiples of 1 / grid

// Add what `count` steps give, less each threshold where it is positive.
inline void add_steps(const Above& p, const Whole* said, Index count, Index place, double* counts,
                      double* sums) {
  const Whole threshold = integers(load(p.threshold + place) * fill(p.grid));
  Whole above{}, distance{};
  for (Index i = 0; i < count; ++i) {
    const Whole rest = threshold - said[i], negative = rest >> 31;  // all bits, -1, or none
    above += negative;
    distance += rest & negative;
  }
  const double unit = 1 / double(p.grid);
  for (int lane = 0; lane < W<float>; ++lane) {
    counts[place + lane] -= above[lane];
    sums[place + lane] -= distance[lane] * unit;
  }
}

inline void add_convolutions(const Above& p, Index sequence, Index dilation, Index kernel,
                             const KernelVector& from) {
  const Index width = W<float>, apart = from.reach / (kTaps / 2) * width;
  V<float> weight[kTaps];
  for (Index k = 0; k < kTaps; ++k) weight[k] = load(p.weight + k * p.kernels + kernel) * fill(p.grid);
  Whole said[kTogether];
  const Index out = sequence * p.places * p.kernels;
  for (Index first = 0; first < from.steps; first += kTogether) {
    const Index count = min(from.steps - first, kTogether);
    for (Index i = 0; i < count; ++i) {
      const float* const seen = from.read + (first + i) * width;
      V<float> sum = weight[0] * load(seen);
      for (Index k = 1; k < kTaps; ++k) sum += weight[k] * load(seen + k * apart);
      said[i] = integers(sum);
    }
    for (Index place = p.first[dilation]; place < p.first[dilation + 1]; ++place) {
      add_steps(p, said, count, place * p.kernels + kernel, p.counts + out, p.sums + out);
    }
  }
}

// Every worker has some vectors of kernels of some sequences: a long sequence is shared, too.
inline void above(const Above& p, int threads) {
  const Index vectors = p.kernels / W<float>;
  Index longest = 0, widest = 0;
  for (Index b = 0; b < p.batch; ++b) longest = max(longest, p.offsets[b + 1] - p.offsets[b]);
  for (Index d = 0; d < p.dilations; ++d) widest = max(widest, p.dilation[d]);
  // A kernel that is longer than the sequence sees one step, however long it is.
  widest = min(widest, longest);
  team(threads, [&](const Worker& worker) {
    Scratch scratch;
    float* const room = scratch.take<float>((longest + (kTaps - 1) * widest) * W<float>);
    for (Index i = worker.first(p.batch * vectors); i < worker.last(p.batch * vectors); ++i) {
      const Index b = i / vectors, kernel = i % vectors * W<float>;
      const Index steps = p.offsets[b + 1] - p.offsets[b];
      for (Index place = 0; place < p.places; ++place) {
        const Index at = (b * p.places + place) * p.kernels + kernel;
        std::memset(p.counts + at, 0, sizeof(double) * W<float>);
        std::memset(p.sums + at, 0, sizeof(double) * W<float>);
      }
      for (Index d = 0; d < p.dilations; ++d) {
        const Index apart = min(p.dilation[d], steps);
        const KernelVector read{steps, kTaps / 2 * apart, room};
        read_channels(p, p.offsets[b], d, kernel, read);
        add_convolutions(p, b, d, kernel, read);
      }
    }
  });
}
