import type { TimelinePoint } from './backend';
import { broken, gathered, slots, uptime, verdict } from './fare';

const point = (at: number, differs: Partial<TimelinePoint> = {}): TimelinePoint => ({
  at,
  count: 1,
  failed: 0,
  degraded: 0,
  unseen: 0,
  p50: 5,
  p95: 8,
  p99: 9,
  max: 9,
  ...differs,
});

const steady = (count: number, every = 10) =>
  Array.from({ length: count }, (_, index) => point(index * every));

describe('uptime', () => {
  test('is the share of what did not fail, of what could be measured', () => {
    expect(
      uptime([point(0, { count: 3 }), point(1, { count: 1, failed: 1 }), point(2, { count: 0, unseen: 4 })]),
    ).toBe(0.75);
  });

  test('is not known where nothing was measured', () => {
    expect(uptime([])).toBeNull();
    expect(uptime([point(0, { count: 0, unseen: 1 })])).toBeNull();
  });
});

describe('a bar', () => {
  test('shows the worst of its time, and what nobody watched as unknown', () => {
    const points = steady(100).filter(({ at }) => at < 500 || at >= 700);
    points[10] = point(100, { degraded: 1 });
    points[11] = point(110, { failed: 1 });
    const bars = slots(points, 0, 1000, 10);
    expect(bars.map(({ outcome }) => outcome)).toEqual([
      'passed',
      'failed',
      'passed',
      'passed',
      'passed',
      'unknown',
      'unknown',
      'passed',
      'passed',
      'passed',
    ]);
    expect(bars[1]?.failed).toBe(1);
  });

  test('is never so short that it falls between two measurements', () => {
    const bars = slots(steady(20, 60), 0, 1200);
    expect(bars).toHaveLength(20);
    expect(new Set(bars.map(({ outcome }) => outcome))).toEqual(new Set(['passed']));
  });
});

test('a line breaks where nothing was measured', () => {
  const points = broken([...steady(5), point(500), point(510)]);
  expect(points.map(({ count }) => count)).toEqual([1, 1, 1, 1, 1, 0, 1, 1]);
});

test('a probe that was not measured for long says nothing about now', () => {
  const points = steady(5, 1000);
  expect(verdict(points, 5_000)).toBe('passed');
  expect(verdict([...points, point(5_000, { failed: 1 })], 5_500)).toBe('failed');
  expect(verdict(points, 30 * 60_000)).toBe('unknown');
});

test('markers that stand on each other become one', () => {
  const marker = (at: number) => ({ at, release: null, text: String(at) });
  const groups = gathered([marker(0), marker(10), marker(400)], 0, 1000);
  expect(groups.map((group) => group.length)).toEqual([2, 1]);
});
