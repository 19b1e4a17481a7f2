/** The texts of runs. */
import type { TestState } from '../../lib/backend';
import { countedOf, many } from './shared';

export const runs = {
  title: 'Runs',
  filter: 'Find runs',
  empty: 'Nothing has run yet',
  emptyText:
    'Ship proves the project and brings it up. Check only proves it: lock, image and gates; nothing is started.',
  columns: { run: 'Run', state: 'State', release: 'Release', took: 'Took', when: 'When', by: 'By' },
  what: (verb: string, environment: string | null) => {
    const words: Record<string, string> = {
      ship: 'Ship',
      check: 'Check',
      rollback: 'Roll back',
      restart: 'Restart',
      down: 'Take down',
    };
    const word = words[verb] ?? verb;
    if (environment === null) return word;
    return verb === 'ship' ? `${word} to ${environment}` : `${word} ${environment}`;
  },
  count: (shown: number, all: number) => countedOf(shown, all, 'run'),
  problem: 'The runs cannot be listed',
  noMatch: 'No run matches.',
};

const tested: Record<TestState, string> = {
  passed: 'Passed',
  failed: 'Failed',
  error: 'Broke',
  skipped: 'Skipped',
  flaky: 'Flaky',
};

export const run = {
  pipeline: 'Pipeline',
  gates: 'Gates',
  steps: 'Rollout',
  preview: 'The new instances answer at',
  address: 'address of the preview',
  compared: {
    title: 'The new release beside the old one',
    which: 'Release',
    fresh: 'New',
    old: 'Old',
    requests: 'Requests',
    errors: 'Failed (5xx)',
    p95: '95 % within',
    restarts: 'Restarts',
    fine: 'No worse than the old one.',
  },
  output: 'Output',
  findings: 'Findings',
  detail: 'What the gates found and what is printed',
  notOnly: (gate: string) => `Everything, not only ${gate}`,
  allTests: 'Tests',
  testStates: tested,
  findTests: 'Find tests',
  slowest: (count: number) =>
    `The slowest ${String(count)} of all gates, those that did not pass first. A gate shows all of its own.`,
  testCount: (shown: number, all: number) => countedOf(shown, all, 'test'),
  noTests: 'This gate tells of no tests.',
  testsNotYet: 'Its tests are listed when it has ended.',
  testsNotKept: 'Its tests were not kept.',
  noTestMatches: 'No test matches.',
  testsProblem: 'The tests cannot be read',
  chooseTest: 'Choose a test to see what became of it before.',
  testPast: 'What became of it',
  testPastProblem: 'What became of it cannot be read',
  testPastNone: 'Nothing is remembered of it.',
  testRed: (red: number, all: number) =>
    `did not pass in ${String(red)} of the last ${String(all)} runs that had it`,
  thisRun: 'this run',
  follow: 'Follow',
  noOutput: 'No line yet.',
  elsewhere: 'Another process runs it: its output is there. Everything that happens appears here.',
  notKept: 'Its output was not kept here',
  notKeptText: 'Another process ran it, or the window was started anew since. What its gates found is kept.',
  printedNothing: 'Nothing was printed.',
  filterFindings: 'Find findings',
  noFindingMatches: 'No finding matches.',
  noFindings: 'This gate found nothing.',
  noFindingsYet: 'Nothing was found yet.',
  noFindingsAtAll: 'The gates found nothing.',
  noGateRan: 'No gate ran.',
  excerptMissing: 'The place cannot be shown',
  tail: 'Its last lines',
  fresh: 'new since the run before',
  printed: 'What it printed',
  ok: (release: string | null, environment: string | null, verb: string) => {
    if (verb === 'check') return 'The project is proven: nothing stands in the way of a ship';
    if (verb === 'down') return `${environment ?? 'It'} is taken down`;
    if (release === null) return 'It is done';
    return `Release ${release} serves in ${environment ?? ''}`;
  },
  cancelled: 'A person stopped it: what serves goes on serving',
  abandoned: 'Its process ended without a word',
  abandonedText: 'The next run, or nonevent recover, finishes or undoes what it had begun.',
  failed: (what: string) => `${what} failed`,
  problem: 'The run cannot be shown',
  found: (errors: number, warnings: number) => {
    const parts = [
      errors > 0 ? `${many(errors)} wrong` : null,
      warnings > 0 ? `${many(warnings)} to know` : null,
    ].filter((part) => part !== null);
    return parts.join(', ');
  },
  tests: (passed: number, failed: number, skipped: number) =>
    [
      failed > 0 ? `${many(failed)} failed` : null,
      `${many(passed)} passed`,
      skipped > 0 ? `${many(skipped)} skipped` : null,
    ]
      .filter((part) => part !== null)
      .join(', '),
  since: 'began',
  took: 'took',
};
