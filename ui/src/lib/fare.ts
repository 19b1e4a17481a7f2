/** How an environment fared, from its report: pure, so that every part of the screen tells the same. */
import type { HealthReport, Marker, TimelinePoint } from './backend';

export const RANGES = {
  hour: 3_600,
  quarter: 6 * 3_600,
  day: 24 * 3_600,
  week: 7 * 24 * 3_600,
  month: 30 * 24 * 3_600,
  year: 365 * 24 * 3_600,
} as const;
export type Range = keyof typeof RANGES;

/** Milliseconds after which a picture of a range is another one: a day is drawn each minute, a year every ten. */
export function pause(range: Range): number {
  return Math.min(RANGES[range] / 1_440, 600) * 1000;
}

export type Outcome = 'passed' | 'degraded' | 'failed' | 'unknown';

/** A part of the time that is looked at, as one bar shows it. */
interface Slot {
  from: number;
  to: number;
  outcome: Outcome;
  count: number;
  failed: number;
}

export interface Probe {
  name: string;
  points: TimelinePoint[];
}

/** A measurement that is older says nothing about now. */
const STALE = 10 * 60_000;
/** A pause this many times as long as usual is a gap. */
const PAUSES = 3;

export function probes(report: HealthReport): Probe[] {
  return report.series
    .filter(([{ name }]) => name.startsWith('probe:'))
    .map(([{ name }, points]) => ({ name: name.slice('probe:'.length), points }));
}

export function measured(report: HealthReport): boolean {
  return report.series.some(([, points]) => points.length > 0);
}

/** The share of measurements that did not fail; null when there was none. */
export function uptime(points: readonly TimelinePoint[]): number | null {
  let count = 0;
  let failed = 0;
  for (const point of points) {
    count += point.count;
    failed += point.failed;
  }
  return count === 0 ? null : (count - failed) / count;
}

/** What the last measurement means, unless it is too old to say so. */
export function verdict(points: readonly TimelinePoint[], to: number): Outcome {
  const last = points.at(-1);
  return last === undefined || to - last.at > STALE + spacing(points) ? 'unknown' : outcome(last);
}

/** Joins points into parts of equal length; never so short that a part falls between two measurements. */
export function slots(points: readonly TimelinePoint[], from: number, to: number, most = 90): Slot[] {
  const pause = spacing(points);
  const count = Math.max(1, Math.min(most, pause === 0 ? most : Math.floor((to - from) / pause)));
  const width = (to - from) / count;
  const parts: TimelinePoint[][] = Array.from({ length: count }, () => []);
  for (const point of points) {
    const place = Math.min(count - 1, Math.max(0, Math.floor((point.at - from) / width)));
    parts[place]?.push(point);
  }
  return parts.map((part, index) => ({
    from: from + index * width,
    to: from + (index + 1) * width,
    outcome: worst(part),
    count: part.reduce((sum, one) => sum + one.count, 0),
    failed: part.reduce((sum, one) => sum + one.failed, 0),
  }));
}

/** The points with a hole where nothing was measured, so that no line is drawn across it. */
export function broken(points: readonly TimelinePoint[]): (TimelinePoint | { at: number; count: 0 })[] {
  const most = spacing(points) * PAUSES;
  const found: (TimelinePoint | { at: number; count: 0 })[] = [];
  for (const point of points) {
    const before = found.at(-1);
    if (before && most > 0 && point.at - before.at > most) found.push({ at: before.at + 1, count: 0 });
    found.push(point);
  }
  return found;
}

/** Markers that are too close to be told apart become one. */
export function gathered(markers: readonly Marker[], from: number, to: number, apart = 0.016): Marker[][] {
  const groups: Marker[][] = [];
  for (const marker of markers) {
    const last = groups.at(-1);
    const first = last?.[0];
    if (last && first && marker.at - first.at < (to - from) * apart) last.push(marker);
    else groups.push([marker]);
  }
  return groups;
}

/** Rows of at most this many for those who read a table. */
export function rows(points: readonly TimelinePoint[], from: number, to: number, most = 24) {
  return slots(points, from, to, most).map((slot) => {
    const own = points.filter(({ at }) => at >= slot.from && at < slot.to && at > 0);
    const greatest = (of: (point: TimelinePoint) => number) =>
      own.length === 0 ? null : Math.max(...own.map(of));
    return {
      ...slot,
      p50: greatest(({ p50 }) => p50),
      p95: greatest(({ p95 }) => p95),
      p99: greatest(({ p99 }) => p99),
    };
  });
}

/** Milliseconds between two measurements, as it mostly is; 0 when that cannot be told. */
export function spacing(points: readonly TimelinePoint[]): number {
  const pauses = points.slice(1).map((point, index) => point.at - (points[index]?.at ?? point.at));
  pauses.sort((one, other) => one - other);
  return pauses[Math.floor(pauses.length / 2)] ?? 0;
}

function outcome(point: TimelinePoint): Outcome {
  if (point.failed > 0) return 'failed';
  if (point.degraded > 0) return 'degraded';
  return point.count > 0 ? 'passed' : 'unknown';
}

function worst(points: readonly TimelinePoint[]): Outcome {
  const order: Outcome[] = ['failed', 'degraded', 'passed'];
  const found = new Set(points.map(outcome));
  return order.find((one) => found.has(one)) ?? 'unknown';
}
