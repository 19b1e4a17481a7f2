import type { GatePast, GateState } from './backend';
import { trends } from './trend';

const ran = (run: string, state: GateState, duration_ms = 100): GatePast => ({
  run,
  started_at: '2026-11-23T08:00:00Z',
  gates: [{ gate: 'unit', state, duration_ms, passed: 1, failed: 0 }],
});

test('gates are told from the oldest run to the newest, with how long they usually take', () => {
  const [unit] = trends([
    ran('4', { state: 'green' }, 900),
    ran('3', { state: 'red' }, 110),
    ran('2', { state: 'cached', at: '2026-11-23T07:00:00Z' }, 0),
    ran('1', { state: 'green' }, 100),
  ]);
  expect(unit?.past.map(({ run, progress }) => `${run} ${progress}`)).toEqual([
    '1 passed',
    '2 cached',
    '3 failed',
    '4 passed',
  ]);
  expect(unit).toMatchObject({ red: 1, usual: 110, now: 900 });
});

test('a gate that was never set up is not told of', () => {
  expect(trends([ran('1', { state: 'not_set_up' })])).toEqual([]);
});
