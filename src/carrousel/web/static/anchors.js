// @ts-check
/**
 * The simple forecasts that a forecaster's network weighs: as now, as last season, as the season
 * in the mean, as a day within its week, with the trend. The same as
 * carrousel/ops/reference/anchors.py.
 */

/** (K, h) forecasts from the end of step t, relative to the origin; `meta` is the model's. */
export function simpleForecasts(scaled, { shape, constants }, t) {
  const { patch: step, h, seasons } = shape;
  const ahead = Array.from({ length: h }, (_, j) => j);
  const from = { scaled, step, t, ahead, count: constants.seasons };
  const level = scaled.level[t];
  const last = scaled.values[t][step - 1];
  const forecasts = [ahead.map(() => last)];
  if (step > 1) forecasts.push(ahead.map(() => level));
  const base = seasons[0] === 1 ? 0 : forecasts.length;
  for (const season of seasons) forecasts.push(...seasonal(from, season));
  for (const outer of seasons.slice(1)) {
    if (outer % seasons[0] === 0) forecasts.push(...within(from, seasons[0], outer));
  }
  const trend = trends(from, seasons[0]);
  const half = forecasts[base].map((value, j) => value + 0.5 * trend[j]);
  return [...forecasts, half, forecasts[base].map((value, j) => value + trend[j])];
}

/** The last season, the mean of the last few, and their mean form at today's level. */
function seasonal({ scaled, step, t, ahead, count }, season) {
  const backs = Array.from({ length: count }, (_, back) => back);
  const flat = scaled.values.flat();
  const end = (t + 1) * step;
  const lags = backs.map((back) => lagged(flat, scaled.level[t], end, season, back, ahead));
  if (season === 1) return [mean(lags)];
  const around = rollingMean(scaled.level, Math.max(Math.floor(season / step), 1));
  const form = scaled.values.flatMap((row, s) => row.map((value) => value - around[s]));
  const forms = mean(backs.map((back) => lagged(form, 0, end, season, back, ahead)));
  return [lags[0], mean(lags), forms.map((value) => value + around[t])];
}

/**
 * A season within a longer one (a day within its week): the longer one's profile, as it was last and
 * in the mean, plus what the last season was beside the profile known before it.
 */
function within({ scaled, step, t, ahead, count }, season, outer) {
  const flat = scaled.values.flat();
  const level = scaled.level[t];
  const end = (t + 1) * step;
  const meanAt = (position) => {
    const backs = Array.from({ length: count }, (_, back) =>
      Math.min(back, Math.floor(position / outer)),
    );
    return backs.reduce((sum, back) => sum + flat[position - outer * back], 0) / count;
  };
  const lastAt = (position) => flat[position];
  return [lastAt, meanAt].map((profile) =>
    ahead.map((j) => {
      const before = end + j - season * (Math.floor(j / season) + 1);
      if (before < outer) return before < 0 ? level : flat[before];
      const same = end + j - outer * (Math.floor(j / outer) + 1);
      return flat[before] + profile(same) - profile(before - outer);
    }),
  );
}

/** The same phase `back` seasons before the last one; the oldest known season where there is none. */
function lagged(flat, otherwise, end, season, back, ahead) {
  return ahead.map((j) => {
    const position = end + j - season * (Math.floor(j / season) + 1);
    const further = Math.min(Math.max(Math.floor(position / season), 0), back);
    const at = position - season * further;
    return at >= 0 ? flat[at] : otherwise;
  });
}

/** Mean change of level over the last steps, once a season of the horizon. */
function trends({ scaled: { level, age }, step, t, ahead, count }, season) {
  const span = Math.min(count, level.length - 1);
  const past = level[t >= span ? t - span : 0];
  const steps = Math.min(Math.max(age[t], 1), Math.max(span, 1));
  const slope = ((level[t] - past) / steps) * (season / step);
  return ahead.map((j) => slope * (Math.floor(j / season) + 1));
}

function rollingMean(level, steps) {
  return level.map((_, t) => {
    let sum = 0;
    for (let back = 0; back < steps; back++) sum += level[Math.max(t - back, 0)];
    return sum / steps;
  });
}

const mean = (rows) =>
  rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length);
