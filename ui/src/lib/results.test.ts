import type { SlowTest, TestState } from './backend';
import { matching, named, ordered } from './results';

const WORDS: Record<TestState, string> = {
  passed: 'Passed',
  failed: 'Failed',
  error: 'Broke',
  skipped: 'Skipped',
  flaky: 'Flaky',
};

function tested(id: string, state: TestState, duration_s: number | null, gate = 'unit'): SlowTest {
  return { gate, test: { id, state, duration_s } };
}

const ids = (tests: readonly SlowTest[]) => tests.map(({ test }) => test.id);

test('those that did not pass come first, then the slowest, then by id', () => {
  const all = [
    tested('quick', 'passed', 0.1),
    tested('unknown', 'skipped', null),
    tested('slow', 'flaky', 9),
    tested('broke', 'error', 0.2),
    tested('also quick', 'passed', 0.1),
    tested('failed', 'failed', 0.3),
  ];
  expect(ids(ordered(all))).toEqual(['failed', 'broke', 'slow', 'also quick', 'quick', 'unknown']);
  expect(ordered(all).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('every word is found, in id, gate or state', () => {
  const all = ordered([
    tested('tests/test_orders.py::test_total', 'passed', 1),
    tested('tests/test_orders.py::test_slug', 'skipped', 2, 'integration'),
  ]);
  const found = (text: string) => ids(matching(all, text, WORDS));
  expect(found('  ')).toHaveLength(2);
  expect(found('orders TOTAL')).toEqual(['tests/test_orders.py::test_total']);
  expect(found('skipped integration')).toEqual(['tests/test_orders.py::test_slug']);
  expect(found('orders nowhere')).toEqual([]);
});

test('a name stands after its file', () => {
  expect(named('tests/test_a.py::TestA::test_b[x::y]')).toEqual({
    name: 'TestA::test_b[x::y]',
    file: 'tests/test_a.py',
  });
  expect(named('doctest')).toEqual({ name: 'doctest', file: '' });
});
