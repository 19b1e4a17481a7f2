/** Everything that a person can do to a project, asked first where it must be, with what went wrong. */
import { texts } from '../../texts';
import type { Backend, Problem, RunRequest, Said } from '../backend';
import type { Route } from '../route';

/** A question that is open before something is done. */
export type Ask =
  /** `choose` offers everything that a ship may be asked to do. */
  | { kind: 'ship'; project: string; environment: string; options: ShipOptions; choose?: boolean }
  | { kind: 'restart'; project: string; environment: string }
  | { kind: 'rollback'; project: string; environment: string; release: string | null }
  | { kind: 'down'; project: string; environment: string }
  | { kind: 'scale'; project: string; environment: string }
  /** A rollback that was refused because the database is ahead of the older release. */
  | {
      kind: 'anyway';
      project: string;
      environment: string;
      release: string | null;
      problem: Problem;
      said: Partial<Said>;
    }
  /** Whose lock it is, and taking it away. */
  | { kind: 'unlock'; project: string; environment: string }
  /** What an ended process left in the middle. */
  | { kind: 'recover'; project: string; environment: string }
  /** What is ours on the engine and no longer needed. */
  | { kind: 'gc' };

export interface ShipOptions {
  dirty?: boolean;
  untested?: boolean;
  allGates?: boolean;
  /** Whether the other gates are stopped as soon as one is red. */
  failFast?: boolean;
  /** Whether it waits for a look at the new instances before traffic moves. */
  preview?: boolean;
  /** Whether it waits for whoever holds the environment. */
  wait?: boolean;
}

interface Mishap {
  title: string;
  problem: Problem;
}

const SILENT: Said = { typed: null, held: 'refuse', anyway: 'no', message: null };

export class Acts {
  ask = $state.raw<Ask | null>(null);
  mishap = $state.raw<Mishap | null>(null);
  /** The project in which something is being begun. */
  beginning = $state<string | null>(null);
  mending = $state<string | null>(null);
  /** The reason for lost requests that a person has agreed to already, for one run. */
  agreed: { run: string; because: string } | null = null;
  /** What was done last, for those who do not see it. */
  said = $state('');
  readonly #backend: Backend;
  readonly #go: (route: Route) => void;
  readonly #isProtected: (project: string, environment: string) => Promise<boolean>;

  constructor(
    backend: Backend,
    go: (route: Route) => void,
    isProtected: (project: string, environment: string) => Promise<boolean>,
  ) {
    this.#backend = backend;
    this.#go = go;
    this.#isProtected = isProtected;
  }

  /** Ships; asks only for the name of a protected environment. */
  async ship(project: string, environment: string, options: ShipOptions = {}): Promise<void> {
    if (await this.#isProtected(project, environment)) {
      this.ask = { kind: 'ship', project, environment, options };
      return;
    }
    await this.begin(project, shipRequest(environment, options), { held: options.wait ? 'wait' : 'refuse' });
  }

  /** Asks what a ship shall do beside the usual: a look before traffic moves, every gate, a reason. */
  shipWith(project: string, environment: string): void {
    this.ask = { kind: 'ship', project, environment, options: {}, choose: true };
  }

  async check(project: string, allGates = false): Promise<void> {
    await this.begin(project, {
      verb: 'check',
      gates: allGates ? 'all' : 'changed',
      after_red: 'go_on',
    });
  }

  recover(project: string, environment: string): void {
    this.ask = { kind: 'recover', project, environment };
  }

  gc(): void {
    this.ask = { kind: 'gc' };
  }

  restart(project: string, environment: string): void {
    this.ask = { kind: 'restart', project, environment };
  }

  rollback(project: string, environment: string, release: string | null): void {
    this.ask = { kind: 'rollback', project, environment, release };
  }

  down(project: string, environment: string): void {
    this.ask = { kind: 'down', project, environment };
  }

  scale(project: string, environment: string): void {
    this.ask = { kind: 'scale', project, environment };
  }

  unlock(project: string, environment: string): void {
    this.ask = { kind: 'unlock', project, environment };
  }

  /** Agrees to what a run asks for; false when another process runs it. */
  async approve(run: string): Promise<boolean> {
    const answer = await this.#backend.approveRun(run);
    if (answer.status === 'error') this.#fail(texts.consent.notGiven, answer.error);
    return answer.status === 'ok' && answer.data;
  }

  /** Begins a run and shows it; `because` is what the person was told, who agreed, about lost requests. */
  async begin(
    project: string,
    request: RunRequest,
    said: Partial<Said> = {},
    because: string | null = null,
  ): Promise<void> {
    this.ask = null;
    this.beginning = project;
    const answer = await this.#backend.beginRun(project, request, { ...SILENT, ...said });
    this.beginning = null;
    if (answer.status === 'error' && answer.error.code === 'schema_ahead' && request.verb === 'rollback') {
      const { environment, release } = request;
      this.ask = { kind: 'anyway', project, environment, release, problem: answer.error, said };
      return;
    }
    if (answer.status === 'error') {
      const environment = 'environment' in request ? request.environment : null;
      const what = texts.runs.what(request.verb, null);
      this.#fail(texts.acts.nothingStarted(what, environment), answer.error);
      return;
    }
    this.mishap = null;
    this.agreed = because === null ? null : { run: answer.data, because };
    this.#go({ screen: 'project', project, tab: 'runs', item: answer.data });
  }

  async cancel(run: string): Promise<boolean> {
    const answer = await this.#backend.cancelRun(run);
    if (answer.status === 'error') this.#fail(texts.acts.notCancelled, answer.error);
    return answer.status === 'ok' && answer.data;
  }

  async open(project: string, environment: string): Promise<void> {
    const answer = await this.#backend.openEnvironment(project, environment);
    if (answer.status === 'error') this.#fail(texts.acts.notOpened, answer.error);
  }

  async openPreview(run: string): Promise<void> {
    const answer = await this.#backend.openPreview(run);
    if (answer.status === 'error') this.#fail(texts.acts.notOpened, answer.error);
  }

  async edit(project: string, file: string, line: number | null): Promise<void> {
    const answer = await this.#backend.openInEditor(project, file, line ?? 1);
    if (answer.status === 'error') this.#fail(texts.acts.notOpened, answer.error);
  }

  async mend(project: string): Promise<void> {
    this.mending = project;
    const answer = await this.#backend.mendLock(project);
    this.mending = null;
    if (answer.status === 'error') this.#fail(texts.acts.notMended, answer.error);
    else this.said = texts.acts.mended(answer.data);
  }

  /** Something that was asked for outside of the page was not done. */
  tell(title: string, problem: Problem): void {
    this.#fail(title, problem);
  }

  dismiss(): void {
    this.mishap = null;
  }

  close(): void {
    this.ask = null;
  }

  #fail(title: string, problem: Problem): void {
    this.mishap = { title, problem };
  }
}

export function shipRequest(environment: string, options: ShipOptions): RunRequest {
  const { dirty, untested, allGates, failFast, preview } = options;
  return {
    verb: 'ship',
    environment,
    dirty: dirty ? 'yes' : 'no',
    untested: untested ? 'yes' : 'no',
    gates: allGates ? 'all' : 'changed',
    after_red: failFast ? 'stop' : 'go_on',
    preview: preview ? 'ask' : 'tell',
    bake: 'wait',
  };
}
