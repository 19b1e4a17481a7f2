/** Tests of a gate or of a run, in the order in which a person wants to see them: pure. */
import type { SlowTest, TestState } from './backend';
import type { Progress } from './run';

/** A test with the gate that ran it, and its place among all. */
export interface Tested extends SlowTest {
  number: number;
}

const SIGNS: Record<TestState, Progress> = {
  passed: 'passed',
  failed: 'failed',
  error: 'failed',
  skipped: 'skipped',
  flaky: 'error',
};

/** The sign of a test among those of the parts of a run. */
export function signOf(state: TestState): Progress {
  return SIGNS[state];
}

export function isRed(state: TestState): boolean {
  return state === 'failed' || state === 'error';
}

/** Puts those that did not pass first, then the slowest; equal ones by their ids. */
export function ordered(tests: readonly SlowTest[]): Tested[] {
  const red = ({ test }: SlowTest) => Number(isRed(test.state));
  const slow = ({ test }: SlowTest) => test.duration_s ?? -1;
  return [...tests]
    .sort(
      (one, other) =>
        red(other) - red(one) ||
        slow(other) - slow(one) ||
        (one.test.id < other.test.id ? -1 : Number(one.test.id > other.test.id)),
    )
    .map((one, number) => ({ ...one, number }));
}

/** Those that every word is found in: in the id, the gate, or the word of the state. */
export function matching(
  tests: readonly Tested[],
  text: string,
  words: Record<TestState, string>,
): readonly Tested[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return tests;
  return tests.filter(({ gate, test }) => {
    const said = `${test.id} ${gate} ${words[test.state]}`.toLowerCase();
    return wanted.every((word) => said.includes(word));
  });
}

/** The name of a test and the file that it is in: what stands after `::` and before. */
export function named(id: string): { name: string; file: string } {
  const at = id.indexOf('::');
  return at < 0 ? { name: id, file: '' } : { name: id.slice(at + 2), file: id.slice(0, at) };
}
