import { aRollout, hex } from './backend/stories';
import { lastGood } from './rollouts';

const went = (number: number, differs: Parameters<typeof aRollout>[2] = {}) =>
  aRollout('shop', number, differs);

describe('the last known good', () => {
  test('is what served before', () => {
    expect(lastGood([went(0), went(1), went(2)], 'local', hex(0))).toBe(hex(1));
  });

  test('is none that was found failing since', () => {
    const failing = went(1, { state: 'failed', from: hex(0) });
    expect(lastGood([failing, went(0), went(1), went(2)], 'local', hex(0))).toBe(hex(2));
    const cancelled = went(1, { state: 'cancelled', from: hex(0) });
    expect(lastGood([cancelled, went(0), went(1), went(2)], 'local', hex(0))).toBe(hex(1));
  });

  test('is that of its own environment', () => {
    const elsewhere = went(3, { environment: 'staging' });
    expect(lastGood([elsewhere, went(0, { from: null })], 'local', hex(0))).toBeNull();
  });

  test('is not known where another laptop brought what serves', () => {
    expect(lastGood([went(1), went(2)], 'local', hex(0))).toBeNull();
  });
});
