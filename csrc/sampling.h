// Random windows of many series.
#pragma once
#include <algorithm>

#include "kernels.h"

namespace carrousel {

struct Pick {
  Index batch, count;        // B windows, S series
  const double* uniform;     // (2, B) in [0, 1)
  const Index* first;        // (S) first position that may be drawn of each series,
  const Index* positions;    // (S) and how many there are
  const double* cumulative;  // (S) sums of how often each series is wanted
  Index* series;             // (B)
  Index* end;                // (B)
};

inline void pick(const Pick& p) {
  const double* const stop = p.cumulative + p.count;
  for (Index b = 0; b < p.batch; ++b) {
    const double place = p.uniform[b] * stop[-1];
    const Index s = std::min<Index>(std::upper_bound(p.cumulative, stop, place) - p.cumulative, p.count - 1);
    p.series[b] = s;
    p.end[b] = p.first[s] + static_cast<Index>(p.uniform[p.batch + b] * static_cast<double>(p.positions[s]));
  }
}

}  // namespace carrousel
