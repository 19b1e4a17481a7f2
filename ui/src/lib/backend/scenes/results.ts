/** What became of tests: those of a gate, the slowest of a run, and one of them in the runs before. */
import type { SlowTest, TestPast, TestResult, TestState } from '../bindings';
import { ago, failure } from '../stories';

/** The tests of a gate in the order of their ids: as many failed ones as are wanted, those that passed, three that were skipped. */
export function testsOf(project: string, failures = 0, passed = 212): TestResult[] {
  const test = (id: string, state: TestState, duration_s: number | null) => ({ id, state, duration_s });
  return [
    ...Array.from({ length: failures }, (_, number) => test(failure(number).id, 'failed', 0.02)),
    ...Array.from({ length: passed }, (_, number) => {
      const part = ['orders', 'payments', 'carts', 'search'][number % 4] ?? '';
      const id = `tests/${part}/test_${project}_${part}.py::test_${part}_${String(number)}[eur-${String(number % 3)}]`;
      return test(id, number === 17 ? 'flaky' : 'passed', ((number * 37) % 211) / 400);
    }),
    ...['windows', 'arm', 'slow'].map((name) =>
      test(`tests/test_platform.py::test_on_${name}`, 'skipped', null),
    ),
  ];
}

export function slowestOf(project: string): SlowTest[] {
  return testsOf(project)
    .map((test) => ({ gate: 'unit', test }))
    .sort((one, other) => (other.test.duration_s ?? 0) - (one.test.duration_s ?? 0))
    .slice(0, 100);
}

/** A test that failed in some of these runs, the newest of them first, and was flaky in another. */
export function testPastOf(id: string, runs: string[], failed: number[] = []): TestPast[] {
  return runs.map((run, number) => {
    const state: TestState = failed.includes(number) ? 'failed' : number === 6 ? 'flaky' : 'passed';
    return {
      run,
      gate: 'unit',
      at: ago(4 + number * 190),
      test: { id, state, duration_s: 0.02 + number * 0.011 },
      message: state === 'passed' ? null : failure(number).message,
    };
  });
}
