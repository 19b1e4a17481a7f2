import { fieldWord, has, levelOf, toggled, valueOf, withLevel, withValue, words } from './query';

test('words are parted at spaces, quotations kept together', () => {
  expect(words(' level>=warning  path="/a b" "timed out" x"y z"')).toEqual([
    'level>=warning',
    'path="/a b"',
    '"timed out"',
    'x"y z"',
  ]);
  expect(words('"no end')).toEqual(['"no end']);
  expect(words('  ')).toEqual([]);
});

test('a word is added, found and taken away', () => {
  const query = toggled('timeout', 'status=500');
  expect(query).toBe('timeout status=500');
  expect(has(query, 'status=500')).toBe(true);
  expect(has(query, 'status=50')).toBe(false);
  expect(toggled(query, 'status=500')).toBe('timeout');
});

test('one level is asked for at a time', () => {
  expect(withLevel('level=info boom', 'error')).toBe('level>=error boom');
  expect(levelOf('level>=error boom')).toBe('error');
  expect(withLevel('level>=error boom', null)).toBe('boom');
  expect(levelOf('boom')).toBeNull();
});

test('one release, process and instance is asked for at a time', () => {
  const query = withValue('boom release:3f2a', 'release', '77b0');
  expect(query).toBe('boom release:77b0');
  expect(valueOf(query, 'release')).toBe('77b0');
  expect(withValue(query, 'release', '')).toBe('boom');
  expect(valueOf(query, 'process')).toBe('');
});

test('a value becomes a word where the filter can say it', () => {
  expect(fieldWord('status', '500')).toBe('status=500');
  expect(fieldWord('path', '/a b')).toBe('path="/a b"');
  expect(fieldWord('a b', '1')).toBeNull();
  expect(fieldWord('body', '{"a": 1}')).toBeNull();
  expect(fieldWord('body', '')).toBeNull();
  expect(fieldWord('body', 'x'.repeat(300))).toBeNull();
});
