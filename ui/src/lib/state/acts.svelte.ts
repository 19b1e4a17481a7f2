/** Everything that a person can do to a project, asked first where it must be, with what went wrong. */
import { SvelteSet } from 'svelte/reactivity';

import { texts } from '../../texts';
import type { Backend, Leave, Problem, RunRequest, Said } from '../backend';
import type { Route } from '../route';
import type { Mishap } from './projects.svelte';

/** What is said already when a question opens, and what the engine asks for. */
interface Asked {
  project: string;
  environment: string;
  said?: Partial<Said>;
  /** Whether the engine asked for the environment's name. */
  named?: boolean;
}

/** A question that is open before something is done. */
export type Ask =
  /** `choose` offers everything that a ship may be asked to do. */
  | (Asked & { kind: 'ship'; options: ShipOptions; choose?: boolean })
  | (Asked & { kind: 'restart' })
  /** Without a release, to the last known good. */
  | (Asked & { kind: 'rollback'; release: string | null })
  | (Asked & { kind: 'down'; leave?: Leave })
  | { kind: 'scale'; project: string; environment: string }
  /** What a check may be asked to do. */
  | { kind: 'check'; project: string }
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
  | { kind: 'gc' }
  /** A value for a secret that is not named yet. */
  | { kind: 'secret'; project: string }
  /** The login of a registry. */
  | { kind: 'login' }
  /** The commands that make this computer trust the HTTPS of local apps, or that take that back. */
  | { kind: 'trust'; way: TrustWay }
  /** Whether a project leaves the list. */
  | { kind: 'forget'; project: string };

export type TrustWay = 'give' | 'back';

export interface CheckOptions {
  allGates?: boolean;
  /** Whether the other gates are stopped as soon as one is red. */
  failFast?: boolean;
}

export interface ShipOptions extends CheckOptions {
  dirty?: boolean;
  untested?: boolean;
  /** Whether it waits for a look at the new instances before traffic moves. */
  preview?: boolean;
  /** Whether somebody else ends the bake. */
  detach?: boolean;
}

/** What a run was asked to do, and why. */
interface Begun {
  request: RunRequest;
  message: string | null;
}

const SILENT: Said = { typed: null, held: 'refuse', anyway: 'no', message: null };

export class Acts {
  ask = $state.raw<Ask | null>(null);
  mishap = $state.raw<Mishap | null>(null);
  /** The project in which something is being begun. */
  beginning = $state<string | null>(null);
  mending = $state<string | null>(null);
  /** The projects that are checked on save. */
  readonly onSave = new SvelteSet<string>();
  /** The reason for lost requests that a person has agreed to already, for one run. */
  agreed: { run: string; because: string } | null = null;
  /** What was done last. */
  said = $state('');
  /** Grows whenever something was kept that screens show: they read it again. */
  changes = $state(0);
  /** What was asked for, by the run that came of it. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing shows it
  readonly #begun = new Map<string, Begun>();
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
  async ship(
    project: string,
    environment: string,
    options: ShipOptions = {},
    said: Partial<Said> = {},
  ): Promise<void> {
    if (await this.#isProtected(project, environment)) {
      this.#open({ kind: 'ship', project, environment, options, said });
      return;
    }
    await this.begin(project, shipRequest(environment, options), said);
  }

  /** Asks what a ship shall do beside the usual: a look before traffic moves, every gate, a reason. */
  shipWith(project: string, environment: string, said: Partial<Said> = {}): void {
    this.#open({ kind: 'ship', project, environment, options: {}, choose: true, said });
  }

  async check(project: string, options: CheckOptions = {}): Promise<void> {
    await this.begin(project, checkRequest(options));
  }

  /** Asks what a check shall do beside the usual. */
  checkWith(project: string): void {
    this.#open({ kind: 'check', project });
  }

  recover(project: string, environment: string): void {
    this.#open({ kind: 'recover', project, environment });
  }

  gc(): void {
    this.#open({ kind: 'gc' });
  }

  restart(project: string, environment: string): void {
    this.#open({ kind: 'restart', project, environment });
  }

  rollback(project: string, environment: string, release: string | null, said: Partial<Said> = {}): void {
    this.#open({ kind: 'rollback', project, environment, release, said });
  }

  down(project: string, environment: string, leave: Leave = 'data', said: Partial<Said> = {}): void {
    this.#open({ kind: 'down', project, environment, leave, said });
  }

  scale(project: string, environment: string): void {
    this.#open({ kind: 'scale', project, environment });
  }

  unlock(project: string, environment: string): void {
    this.#open({ kind: 'unlock', project, environment });
  }

  setSecret(project: string): void {
    this.#open({ kind: 'secret', project });
  }

  addLogin(): void {
    this.#open({ kind: 'login' });
  }

  trust(): void {
    this.#open({ kind: 'trust', way: 'give' });
  }

  untrust(): void {
    this.#open({ kind: 'trust', way: 'back' });
  }

  forget(project: string): void {
    this.#open({ kind: 'forget', project });
  }

  /** Agrees to what a run asks for; false when another process runs it. */
  async approve(run: string): Promise<boolean> {
    const answer = await this.#backend.approveRun(run);
    if (answer.status === 'error') this.tell(texts.consent.notGiven, answer.error);
    return answer.status === 'ok' && answer.data;
  }

  /** What a run was asked to do; null where this page did not begin it. */
  begun(run: string): Begun | null {
    return this.#begun.get(run) ?? null;
  }

  /**
   * Begins a run and shows it; a question that was open stays until it has begun. `because` is what the person was told, who agreed, about
   * lost requests.
   */
  async begin(
    project: string,
    request: RunRequest,
    said: Partial<Said> = {},
    because: string | null = null,
  ): Promise<void> {
    const open = this.ask;
    this.beginning = project;
    this.mishap = null;
    const answer = await this.#backend.beginRun(project, request, { ...SILENT, ...said });
    this.beginning = null;
    if (answer.status === 'error') {
      this.#refuse(project, request, said, answer.error);
      return;
    }
    if (this.ask === open) this.ask = null;
    this.#begun.set(answer.data, { request, message: said.message ?? null });
    this.agreed = because === null ? null : { run: answer.data, because };
    this.#go({ screen: 'project', project, tab: 'runs', item: answer.data });
  }

  /** Asks for what the engine wants to be told; else tells why nothing was begun. */
  #refuse(project: string, request: RunRequest, said: Partial<Said>, problem: Problem): void {
    if (problem.code === 'schema_ahead' && request.verb === 'rollback') {
      const { environment, release } = request;
      this.#open({ kind: 'anyway', project, environment, release, problem, said });
      return;
    }
    // Where a name was typed it was not the right one: whoever asks again is told why.
    if (problem.code === 'name_wanted' && request.verb !== 'check' && !said.typed) {
      this.#open({ ...asking(project, request), said, named: true });
      return;
    }
    const environment = 'environment' in request ? request.environment : null;
    const what = texts.runs.what(request.verb, null);
    this.tell(texts.acts.nothingStarted(what, environment), problem);
  }

  async cancel(run: string): Promise<boolean> {
    const answer = await this.#backend.cancelRun(run);
    if (answer.status === 'error') this.tell(texts.acts.notCancelled, answer.error);
    return answer.status === 'ok' && answer.data;
  }

  async open(project: string, environment: string): Promise<void> {
    const answer = await this.#backend.openEnvironment(project, environment);
    if (answer.status === 'error') this.tell(texts.acts.notOpened, answer.error);
  }

  async openPreview(run: string): Promise<void> {
    const answer = await this.#backend.openPreview(run);
    if (answer.status === 'error') this.tell(texts.acts.notOpened, answer.error);
  }

  async edit(project: string, file: string, line: number | null): Promise<void> {
    const answer = await this.#backend.openInEditor(project, file, line ?? 1);
    if (answer.status === 'error') this.tell(texts.acts.notOpened, answer.error);
  }

  async mend(project: string): Promise<void> {
    this.mending = project;
    const answer = await this.#backend.mendLock(project);
    this.mending = null;
    if (answer.status === 'error') this.tell(texts.acts.notMended, answer.error);
    else this.said = texts.acts.mended(answer.data);
  }

  /** Checks a project after each save from now on, or no longer. */
  async checkOnSave(project: string, on: boolean): Promise<void> {
    const answer = await this.#backend.checkOnSave(project, on);
    if (answer.status === 'error') this.tell(texts.acts.notWatched, answer.error);
    await this.learnSaves(project);
  }

  /** Learns whether a project is checked on save: a page before this one may have asked for it. */
  async learnSaves(project: string): Promise<void> {
    const answer = await this.#backend.checksOnSave(project);
    if (answer.status === 'error') return;
    if (answer.data) this.onSave.add(project);
    else this.onSave.delete(project);
  }

  /** Shows the end of what a page before this one began, if that goes on. */
  async goOnMending(project: string): Promise<void> {
    const answer = await this.#backend.isMending(project);
    if (answer.status === 'ok' && answer.data && this.mending !== project) await this.mend(project);
  }

  /** Writes down what was inferred of a project. */
  async write(project: string): Promise<void> {
    const answer = await this.#backend.writeConfiguration(project);
    if (answer.status === 'error') this.tell(texts.configuration.notWritten, answer.error);
    else this.said = texts.configuration.written(answer.data);
    this.changed();
  }

  /** Tries every way by which people are told. */
  async notify(project: string, environment: string): Promise<void> {
    const answer = await this.#backend.notifyTest(project, environment);
    const problem =
      answer.status === 'error' ? answer.error : answer.data.find((way) => way.problem)?.problem;
    if (problem) this.tell(texts.notify.failed, problem);
    else if (answer.status === 'ok') this.said = texts.notify.all(answer.data.map(({ way }) => way));
  }

  /** Tells the screens that something was kept. */
  changed(): void {
    this.changes += 1;
  }

  /** Something that was asked for, here or outside of the page, was not done. */
  tell(title: string, problem: Problem): void {
    this.mishap = { title, problem };
  }

  dismiss(): void {
    this.mishap = null;
  }

  close(): void {
    this.ask = null;
  }

  #open(ask: Ask): void {
    this.mishap = null;
    this.ask = ask;
  }
}

export function shipRequest(environment: string, options: ShipOptions): RunRequest {
  const { dirty, untested, preview, detach } = options;
  return {
    ...checkRequest(options),
    verb: 'ship',
    environment,
    dirty: dirty ? 'yes' : 'no',
    untested: untested ? 'yes' : 'no',
    preview: preview ? 'ask' : 'tell',
    bake: detach ? 'detach' : 'wait',
  };
}

function checkRequest({ allGates, failFast }: CheckOptions): Extract<RunRequest, { verb: 'check' }> {
  return {
    verb: 'check',
    gates: allGates ? 'all' : 'changed',
    after_red: failFast ? 'stop' : 'go_on',
  };
}

/** The question that comes before what was asked for. */
function asking(project: string, request: Exclude<RunRequest, { verb: 'check' }>) {
  const { environment } = request;
  switch (request.verb) {
    case 'ship':
      return { kind: 'ship', project, environment, options: optionsOf(request) } as const;
    case 'restart':
      return { kind: 'restart', project, environment } as const;
    case 'rollback':
      return { kind: 'rollback', project, environment, release: request.release } as const;
    case 'down':
      return { kind: 'down', project, environment, leave: request.leave } as const;
  }
}

/** What a ship was asked to do beside the usual. */
export function optionsOf(request: Extract<RunRequest, { verb: 'ship' }>): ShipOptions {
  return {
    dirty: request.dirty === 'yes',
    untested: request.untested === 'yes',
    allGates: request.gates === 'all',
    failFast: request.after_red === 'stop',
    preview: request.preview === 'ask',
    detach: request.bake === 'detach',
  };
}
