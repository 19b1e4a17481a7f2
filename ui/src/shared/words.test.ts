import { counted } from '../texts/en/shared';
import { age, ago, ahead, bytes, clockTime, date, dayTime, duration, moment, percent, short } from './words';

const NOW = Date.parse('2026-11-23T10:00:00.000Z');

test.each([
  ['2026-11-23T10:00:03.000Z', 'now'],
  ['2026-11-23T09:59:57.000Z', 'now'],
  ['2026-11-23T09:59:15.000Z', '45 s'],
  ['2026-11-23T09:55:00.000Z', '5 min'],
  ['2026-11-23T07:00:00.000Z', '3 h'],
  ['2026-11-20T10:00:00.000Z', '3 d'],
  ['2026-07-01T10:00:00.000Z', '4 mo'],
  ['2024-01-01T10:00:00.000Z', '2 y'],
  ['soon', 'soon'],
])('the age of %s is %s', (at, words) => {
  expect(age(at, NOW)).toBe(words);
});

test.each([
  [0, '1 min'],
  [18 * 60_000, '18 min'],
  [9 * 3_600_000, '9 h'],
  [9 * 3_600_000 + 1, '9 h 1 min'],
  [70 * 3_600_000, '2 d'],
])('%d ms ahead are %s', (left, words) => {
  expect(ahead(left)).toBe(words);
});

test.each([
  [1, '100 %'],
  [0.99999, '99.99 %'],
  [0.9731, '97.3 %'],
  [0, '0 %'],
])('a share of %d is %s, never more than it is', (share, words) => {
  expect(percent(share)).toBe(words);
});

test('the age of something in a sentence says so', () => {
  expect(ago('2026-11-23T09:55:00.000Z', NOW)).toBe('5 min ago');
  expect(ago('2026-11-23T10:00:00.000Z', NOW)).toBe('now');
});

test('a clock has 24 hours with a leading zero everywhere', () => {
  const [morning, evening] = [new Date(2026, 10, 23, 0, 5, 7), new Date(2026, 10, 23, 21, 5, 7)];
  expect([clockTime(morning.getTime()), clockTime(evening.getTime())]).toEqual(['00:05', '21:05']);
  expect(dayTime(evening.getTime())).toMatch(/ 21:05$/);
  expect(date(evening.toISOString())).toMatch(/ 21:05:07$/);
  expect(date(morning.toISOString())).toMatch(/ 00:05:07$/);
});

test('one has no plural', () => {
  expect([counted(0, 'project'), counted(1, 'project'), counted(2, 'project')]).toEqual([
    '0 projects',
    '1 project',
    '2 projects',
  ]);
});

test('bytes are never written as a thousand of a unit', () => {
  expect([512, 999, 1000, 18_400_000, 999_960].map(bytes)).toEqual([
    '512 B',
    '999 B',
    '1.0 kB',
    '18.4 MB',
    '1.0 MB',
  ]);
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_234, '1.2 s'],
  [9_960, '10 s'],
  [59_400, '59 s'],
  [184_000, '3 min 4 s'],
  [7_500_000, '2 h 5 min'],
])('%d milliseconds are %s', (milliseconds, words) => {
  expect(duration(milliseconds)).toBe(words);
});

test('a digest is shown by its first digits', () => {
  expect([short('sha256:0123456789abcdef'), short('0123456789abcdef')]).toEqual([
    '0123456789ab',
    '0123456789ab',
  ]);
});

test('a moment names its day where that is another one', () => {
  const now = new Date(2026, 10, 23, 12);
  expect(moment(new Date(2026, 10, 23, 9, 5, 7, 40).toISOString(), now)).toBe('09:05:07.040');
  expect(moment(new Date(2026, 9, 3, 9, 5, 7).toISOString(), now)).toBe('10-03 09:05:07.000');
  expect(moment(new Date(2025, 9, 3, 9, 5, 7).toISOString(), now)).toBe('2025-10-03 09:05:07.000');
  expect(moment('soon', now)).toBe('soon');
});
