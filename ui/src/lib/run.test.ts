import { faults, firstRed, view } from './run';
import { aRun, going, red, shipped } from './backend/stories';

const progresses = (parts: { progress: string }[]) => parts.map(({ progress }) => progress).join(' ');

test('a ship that went well has done every stage that was needed', () => {
  const run = aRun('shop', 0);
  const seen = view(run, shipped(run));
  expect(progresses(seen.stages)).toBe('passed passed passed passed skipped skipped passed passed');
  expect(progresses(seen.gates)).toBe('passed passed passed passed unset');
  expect(progresses(seen.steps)).toBe(Array(8).fill('passed').join(' '));
  expect(seen).toMatchObject({ state: 'succeeded', url: 'http://shop.localhost:8080', problem: null });
  expect(seen).toMatchObject({ preview: null, verdict: { worse: null } });
});

test('the preview is there until traffic moves', () => {
  const run = aRun('shop', 0, { state: 'running' });
  const events = shipped(run);
  const ready = events.findIndex(({ type }) => type === 'preview_ready');
  expect(view(run, events.slice(0, ready + 1)).preview).toBe('http://shop.localhost:8081');
});

test('what goes on is neither passed nor failed', () => {
  const run = aRun('shop', 0, { state: 'running' });
  const seen = view(run, going(run));
  expect(progresses(seen.stages)).toBe('passed passed passed running planned planned planned planned');
  expect(progresses(seen.gates)).toBe('passed cached running running');
});

test('what an ended process left in the middle is stopped', () => {
  const run = aRun('shop', 0, { state: 'abandoned' });
  const seen = view(run, going(run));
  expect(progresses(seen.gates)).toBe('passed cached stopped stopped');
});

test('what makes a gate red comes before what does not', () => {
  const run = aRun('shop', 0, { state: 'failed' });
  const { gates } = view(run, red(run, 2));
  expect(firstRed(gates)?.name).toBe('lint');
  expect(
    faults(gates).map(({ gate, line, warning }) => `${gate} ${String(line)} ${String(warning)}`),
  ).toEqual(['lint 3 false', 'unit 12 false', 'unit 13 false', 'lint 41 true']);
});
