/** The parts of the map before the environments: what is known of source, lock, image and gates. */
import type { ProjectFacts } from '../../lib/backend';
import type { Progress, RunView } from '../../lib/run';
import { bytes, short } from '../../shared/words';
import { texts } from '../../texts';

export interface Node {
  title: string;
  progress: Progress;
  /** What it is, in one line. */
  main: string;
  /** What there is to know beside, in one line. */
  detail: string;
}

const { overview } = texts;

export function evidence(facts: ProjectFacts | null, run: RunView | null): Node[] {
  return [source(facts), lock(run), image(facts, run), gates(facts, run)];
}

function source(facts: ProjectFacts | null): Node {
  const state = facts?.source;
  const main = state?.commit ? `${state.branch ?? ''} ${short(state.commit)}`.trim() : overview.noGit;
  const detail = state ? (state.commit === null ? '' : state.dirty ? overview.dirty : overview.clean) : '';
  return {
    title: overview.source,
    progress: facts ? 'passed' : 'planned',
    main: facts ? main : '',
    detail,
  };
}

function lock(run: RunView | null): Node {
  const report = run?.lock;
  const stage = run?.stages.find((one) => one.stage === 'lock');
  return {
    title: overview.lock,
    progress: stage?.progress ?? 'planned',
    main: report?.file ?? overview.notYet,
    detail: report ? overview.packages(report.packages) : (stage?.summary ?? ''),
  };
}

function image(facts: ProjectFacts | null, run: RunView | null): Node {
  const stage = run?.stages.find((one) => one.stage === 'build');
  const report = run?.image;
  return {
    title: overview.image,
    progress: stage?.progress ?? 'planned',
    main: report ? short(report.digest) : overview.notYet,
    detail: report
      ? overview.on(bytes(report.size), report.base?.reference ?? '')
      : (facts?.built_from ?? ''),
  };
}

function gates(facts: ProjectFacts | null, run: RunView | null): Node {
  const seen = (run?.gates ?? []).filter(({ progress }) => progress !== 'unset');
  const passed = seen.filter(({ progress }) => progress === 'passed' || progress === 'cached').length;
  const tests = seen.reduce((sum, { report }) => sum + (report?.tests?.passed ?? 0), 0);
  const going = seen.some(({ progress }) => progress === 'running');
  const red = seen.some(({ progress }) => progress === 'failed');
  const broken = seen.some(({ progress }) => progress === 'error');
  const progress = going ? 'running' : red ? 'failed' : broken ? 'error' : passed > 0 ? 'passed' : 'planned';
  const said =
    passed === seen.length ? overview.allPassed(seen.length) : overview.passed(passed, seen.length);
  return {
    title: overview.gates,
    progress,
    main: seen.length === 0 ? overview.notYet : said,
    detail: tests > 0 ? overview.tests(tests) : (facts?.gates.join(', ') ?? ''),
  };
}
