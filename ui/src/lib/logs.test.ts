import { aRecord } from './backend/fake';
import { aRollout } from './backend/stories';
import {
  beside,
  boundaries,
  earlier,
  later,
  newest,
  oldest,
  printed,
  seenIn,
  NOTHING_SEEN,
  unmet,
} from './logs';

const at = (second: number) => `2026-11-23T10:00:${String(second).padStart(2, '0')}.000000000Z`;
const records = (...seconds: number[]) =>
  seconds.map((second) => aRecord({ at: at(second), text: String(second) }));

test('a row keeps its number whatever comes before and after it', () => {
  const rows = later([], records(5, 6));
  const more = later(earlier(rows, records(3, 4)), records(7));
  expect(more.map(({ number, record }) => [number, record.text])).toEqual([
    [-2, '3'],
    [-1, '4'],
    [0, '5'],
    [1, '6'],
    [2, '7'],
  ]);
});

test('no more is kept than may be, on either side', () => {
  const rows = later([], records(1, 2, 3, 4, 5));
  expect(newest(rows, 2).map(({ number }) => number)).toEqual([3, 4]);
  expect(oldest(rows, 2).map(({ number }) => number)).toEqual([0, 1]);
  expect(newest(rows, 9)).toBe(rows);
  const long = later([], [aRecord({ text: 'x'.repeat(90) }), aRecord({ text: 'y'.repeat(90) })]);
  expect(newest(long, 9, 100).map(({ number }) => number)).toEqual([1]);
  expect(oldest(long, 9, 100).map(({ number }) => number)).toEqual([0]);
  expect(newest(long, 9, 10)).toHaveLength(1);
});

test('a record that is there is not met twice', () => {
  const rows = later([], records(5, 5, 6));
  expect(unmet(records(4, 5), rows).map(({ text }) => text)).toEqual(['4']);
  expect(unmet(records(3, 4), rows)).toHaveLength(2);
  const single = later([], records(5));
  expect(unmet(records(5), single)).toEqual([]);
});

test('a release begins at its first record after its rollout did', () => {
  const told = (second: number, release: string) => aRecord({ at: at(second), release });
  const rows = later([], [told(1, 'old'), told(2, 'new'), told(5, 'old'), told(6, 'new'), told(9, 'old')]);
  const rollout = (to: string, second: number) => aRollout('shop', 0, { to, started_at: at(second) });
  const found = boundaries(rows, [
    rollout('new', 4),
    rollout('old', 7),
    rollout('old', 0),
    rollout('gone', 3),
  ]);
  expect([...found].map(([number, { to }]) => [number, to])).toEqual([
    [3, 'new'],
    [4, 'old'],
  ]);
});

test('what was seen grows only by what is new', () => {
  const seen = seenIn(NOTHING_SEEN, [
    aRecord({
      fields: [
        { name: 'status', value: '500' },
        { name: 'ts', value: '1' },
      ],
    }),
  ]);
  expect(seen.fields).toEqual(['status']);
  expect(seenIn(seen, [aRecord({ fields: [{ name: 'status', value: '200' }] })])).toBe(seen);
});

test('a row tells its short fields, but none that has a column', () => {
  const record = aRecord({
    fields: [
      { name: 'status', value: '500' },
      { name: 'path', value: '/x' },
      { name: 'body', value: 'a\nb' },
    ],
  });
  expect(beside(record, ['status'])).toBe('path=/x');
});

test('places of the project in a traceback can be opened, those of packages cannot', () => {
  const text =
    'Traceback (most recent call last):\n  File "/app/shop/a.py", line 3, in f\n    g()\n  File "/x/site-packages/b.py", line 9, in g\nKeyError';
  const frames = [
    { file: '/app/shop/a.py', line: 3, function: 'f', own: true },
    { file: '/x/site-packages/b.py', line: 9, function: 'g', own: false },
  ];
  expect(printed(text, frames)[1]).toMatchObject({ lead: '  ', text: 'File "/app/shop/a.py", line 3, in f' });
  expect(printed(text, frames).map(({ place }) => place)).toEqual([
    null,
    { file: '/app/shop/a.py', line: 3 },
    null,
    null,
    null,
  ]);
});
