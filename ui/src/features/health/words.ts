/** Words and signs of the Health screen. */
import type { Series, Unit } from '../../lib/backend';
import type { Outcome } from '../../lib/fare';
import type { Lit } from '../../shared/health';
import { bytes, clockTime, dayTime, duration, percent } from '../../shared/words';
import { texts } from '../../texts';

export function lit(outcome: Outcome): Lit {
  return ({ passed: 'healthy', degraded: 'degraded', failed: 'down', unknown: 'unknown' } as const)[outcome];
}

/** Returns a span as people write it; its end is short where it is on the same day. */
export function when(from: number, to: number): string {
  const same = new Date(from).toDateString() === new Date(to).toDateString();
  return `${dayTime(from)} – ${(same ? clockTime : dayTime)(to)}`;
}

/** Returns what writes a value of a series. */
export function writes(unit: Unit): (value: number) => string {
  switch (unit) {
    case 'microseconds':
      return (value) =>
        value > 0 && value < 1000 ? `${(value / 1000).toFixed(1)} ms` : duration(value / 1000);
    case 'bytes':
      return bytes;
    case 'millicores':
      return (value) => texts.fare.cores((value / 1000).toFixed(2));
    case 'permille':
      return (value) => percent(value / 1000);
    case 'milli_per_second':
      return (value) => texts.fare.perSecond((value / 1000).toFixed(value < 10_000 ? 1 : 0));
    case 'count':
      return (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
  }
}

export function title({ name }: Series): string {
  return texts.fare.figures[name] ?? name;
}
