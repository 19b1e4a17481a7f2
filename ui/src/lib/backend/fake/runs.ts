/** Runs: beginning one, what happens in it and what it prints, its gates and tests, and who holds an environment meanwhile. */
import type { Answer } from '../backend';
import type {
  Event,
  GatePast,
  HeldPage,
  Lines,
  RunRecord,
  RunRequest,
  Said,
  SlowTest,
  TestPast,
  TestResult,
} from '../bindings';
import { failed, ok, type Scripted } from './answers';
import { FakeReleases } from './releases';

export class FakeRuns extends FakeReleases {
  runs: RunRecord[] = [];
  /** What happened in each run, by its id. */
  facedBy = new Map<string, Event[]>();
  /** What each run of this window prints, by its id. */
  printed = new Map<string, Lines>();
  beginning: Answer<string> = ok('run-new');
  /** What becomes of a run when it is begun. */
  onBegin: ((project: string, request: RunRequest) => void) | undefined;
  recovering: Answer<string[]> = ok([]);
  /** Who holds an environment, by `project environment`. */
  holders = new Map<string, HeldPage>();
  gatePasts: Scripted<GatePast[]> = ok([]);
  /** The tests of a gate, whichever run is asked for. */
  testsOf: (gate: string) => Scripted<TestResult[]> = () => ok([]);
  slowest: Scripted<SlowTest[]> = ok([]);
  testPast: (test: string) => Scripted<TestPast[]> = () => ok([]);

  projectRuns(project: string) {
    return this.answer(`projectRuns ${project}`, ok(this.runs.filter((run) => run.project === project)));
  }

  runPage(id: string, after: number) {
    const run = this.runs.find((one) => one.id === id);
    const events = (this.facedBy.get(id) ?? []).filter(({ seq }) => seq > after);
    const unknown = failed({ message: 'no such run is known here' });
    return this.answer(`runPage ${id} ${String(after)}`, run ? ok({ run, events }) : unknown);
  }

  beginRun(project: string, request: RunRequest, said: Said) {
    if (this.beginning.status === 'ok') this.onBegin?.(project, request);
    return this.answer(`beginRun ${project} ${inWords(request, said)}`, this.beginning);
  }

  openPreview(run: string) {
    return this.answer(`openPreview ${run}`, this.opening);
  }

  approveRun(run: string) {
    return this.answer(`approveRun ${run}`, ok(this.printed.has(run)));
  }

  cancelRun(run: string) {
    return this.answer(`cancelRun ${run}`, ok(true));
  }

  followLines(run: string, onLines: (lines: Lines) => void) {
    const lines = this.printed.get(run);
    if (lines) onLines(lines);
    return this.answer(`followLines ${run}`, ok(lines !== undefined));
  }

  recover(project: string, environment: string) {
    return this.answer(`recover ${project} ${environment}`, this.recovering);
  }

  lockOf(project: string, environment: string) {
    const held = this.holders.get(`${project} ${environment}`) ?? null;
    return this.answer(`lockOf ${project} ${environment}`, ok(held));
  }

  unlock(project: string, environment: string, number: number, typed: string | null) {
    const had = this.holders.delete(`${project} ${environment}`);
    const name = typed === null ? '' : ` as ${typed}`;
    return this.answer(`unlock ${project} ${environment} ${String(number)}${name}`, ok(had));
  }

  gateHistory(project: string) {
    return this.answer(`gateHistory ${project}`, this.gatePasts);
  }

  gateTests(run: string, gate: string) {
    return this.answer(`gateTests ${run} ${gate}`, this.testsOf(gate));
  }

  slowestTests(project: string, run: string | null, limit: number) {
    return this.answer(`slowestTests ${project} ${run ?? 'newest'} ${String(limit)}`, this.slowest);
  }

  testHistory(project: string, test: string) {
    return this.answer(`testHistory ${project} ${test}`, this.testPast(test));
  }
}

/** What a run is asked to do, and what was said: `ship local every gate because the sale begins`. */
function inWords(request: RunRequest, said: Said): string {
  return [
    request.verb,
    'environment' in request ? ` ${request.environment}` : '',
    request.verb === 'rollback' && request.release !== null ? ` to ${request.release}` : '',
    request.verb === 'down' && request.leave === 'nothing' ? ' with its data' : '',
    'gates' in request && request.gates === 'all' ? ' every gate' : '',
    'after_red' in request && request.after_red === 'stop' ? ' until one is red' : '',
    request.verb === 'ship' && request.bake === 'detach' ? ' detached' : '',
    said.typed === null ? '' : ` as ${said.typed}`,
    said.held === 'wait' ? ' waiting' : '',
    said.anyway === 'yes' ? ' anyway' : '',
    request.verb === 'ship' && request.preview === 'ask' ? ' with a look' : '',
    said.message === null ? '' : ` because ${said.message}`,
  ].join('');
}
