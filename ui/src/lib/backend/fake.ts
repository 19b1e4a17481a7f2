/** The backend in memory: what it answers is plain data that a test or a scene puts there. */
import type { Answer, Backend, Drag, Happened } from './backend';
import type {
  Change,
  Editor,
  EngineInfo,
  EnvironmentStatus,
  Event,
  Excerpt,
  Folders,
  KnownProject,
  Lines,
  LogLine,
  Plan,
  Preferences,
  Problem,
  ProjectFacts,
  Release,
  ReleaseHeader,
  RolloutRecord,
  RunRecord,
  RunRequest,
} from './bindings';

/** A question to which no answer comes, until another one is put in its place. */
export const SILENT = Symbol('silent');

type Scripted<T> = Answer<T> | typeof SILENT;

export class FakeBackend implements Backend {
  engine: Scripted<EngineInfo> = ok(anEngine());
  /** Set to refuse the list itself. */
  listing: Scripted<null> = ok(null);
  projects: KnownProject[] = [];
  statuses = new Map<string, Scripted<EnvironmentStatus[]>>();
  /** What the person chooses in the folder picker. */
  choice: string | null = null;
  /** What becomes of a folder that is added; without one it is a project by its last part. */
  adding: Answer<string> | undefined;
  opening: Answer<null> = ok(null);
  events: Happened[] = [];
  facts = new Map<string, Scripted<ProjectFacts>>();
  runs: RunRecord[] = [];
  /** What happened in each run, by its id. */
  facedBy = new Map<string, Event[]>();
  /** What each run of this window prints, by its id. */
  printed = new Map<string, Lines>();
  releases: Release[] = [];
  rollouts: RolloutRecord[] = [];
  planned: Scripted<Plan> = failed({
    code: 'no_release',
    message: 'nothing of this project was released yet',
    hints: ['run `nonevent ship`'],
  });
  beginning: Answer<string> = ok('run-new');
  /** What becomes of a run when it is begun. */
  onBegin: ((project: string, request: RunRequest) => void) | undefined;
  logged: Scripted<LogLine[]> = ok([]);
  mending: Answer<string[]> = ok([]);
  source: Answer<Excerpt> = ok({ first: 1, lines: [] });
  editing: Answer<null> = ok(null);
  hasEditors: Editor[] = ['code', 'zed'];
  preferred: Preferences = { theme: 'system', editor: null };
  keeping: Answer<null> = ok(null);
  foundFolders: Scripted<Folders> = ok({
    data: { path: '/home/ada/.local/share/nonevent', bytes: 18_400_000 },
    cache: { path: '/home/ada/.cache/nonevent', bytes: 1_260_000_000 },
    version: '0.1.0',
  });
  /** Every question, in order, as `projectStatus shop`. */
  readonly asked: string[] = [];

  #onChange: ((change: Change) => void) | undefined;
  #onDrag: ((drag: Drag) => void) | undefined;

  /** Adds a project with what is observed of it. */
  with(name: string, status: Scripted<EnvironmentStatus[]>, folder = `/home/ada/projects/${name}`): this {
    this.projects.push({ name, folder });
    this.statuses.set(name, status);
    return this;
  }

  /** Tells the page that something happened to a project, or that something changed that is no event. */
  tell(project?: string): void {
    if (project)
      this.events.push({ seq: this.#seq() + 1, at: new Date().toISOString(), project, run: 'run' });
    this.#onChange?.({ seq: this.#seq() });
  }

  drag(drag: Drag): void {
    this.#onDrag?.(drag);
  }

  engineInfo() {
    return this.#answer('engineInfo', this.engine);
  }

  async knownProjects() {
    const listing = await this.#answer('knownProjects', this.listing);
    if (listing.status === 'error') return listing;
    return ok({ seq: this.#seq(), projects: [...this.projects].sort(byName) });
  }

  projectStatus(project: string) {
    return this.#answer(`projectStatus ${project}`, this.statuses.get(project) ?? SILENT);
  }

  chooseFolder() {
    return this.#answer('chooseFolder', ok(this.choice));
  }

  async addProject(folder: string) {
    const name = folder.split('/').at(-1) ?? folder;
    const answer = await this.#answer(`addProject ${folder}`, this.adding ?? ok(name));
    if (answer.status === 'ok' && !this.projects.some((known) => known.name === name)) {
      this.projects.push({ name, folder });
      if (!this.statuses.has(name))
        this.statuses.set(name, ok([anEnvironment({ project: name, health: 'empty' })]));
    }
    return answer;
  }

  forgetProject(project: string) {
    this.projects = this.projects.filter((known) => known.name !== project);
    return this.#answer(`forgetProject ${project}`, ok(null));
  }

  openEnvironment(project: string, environment: string) {
    return this.#answer(`openEnvironment ${project} ${environment}`, this.opening);
  }

  eventsAfter(seq: number) {
    return this.#answer(`eventsAfter ${String(seq)}`, ok(this.events.filter((event) => event.seq > seq)));
  }

  follow(onChange: (change: Change) => void) {
    this.#onChange = onChange;
    onChange({ seq: this.#seq() });
    return this.#answer('follow', ok(null));
  }

  projectFacts(project: string) {
    return this.#answer(`projectFacts ${project}`, this.facts.get(project) ?? ok(someFacts(project)));
  }

  projectRuns(project: string) {
    return this.#answer(`projectRuns ${project}`, ok(this.runs.filter((run) => run.project === project)));
  }

  projectReleases(project: string) {
    const own = this.releases.filter((release) => release.project === project);
    return this.#answer(`projectReleases ${project}`, ok(own.map(header)));
  }

  projectRollouts(project: string) {
    const own = this.rollouts.filter((rollout) => rollout.project === project);
    return this.#answer(`projectRollouts ${project}`, ok(own));
  }

  releasePage(project: string, id: string) {
    const place = this.releases.findIndex((one) => one.id === id && one.project === project);
    const release = this.releases[place];
    const before = this.releases.slice(place + 1).find((one) => one.project === project) ?? null;
    const unknown = failed({ message: `no release ${id} of ${project} is known here` });
    return this.#answer(`releasePage ${project} ${id}`, release ? ok({ release, before }) : unknown);
  }

  runPage(id: string, after: number) {
    const run = this.runs.find((one) => one.id === id);
    const events = (this.facedBy.get(id) ?? []).filter(({ seq }) => seq > after);
    const unknown = failed({ message: 'no such run is known here' });
    return this.#answer(`runPage ${id} ${String(after)}`, run ? ok({ run, events }) : unknown);
  }

  beginRun(project: string, request: RunRequest, typed: string | null) {
    const where = 'environment' in request ? ` ${request.environment}` : '';
    const name = typed === null ? '' : ` as ${typed}`;
    if (this.beginning.status === 'ok') this.onBegin?.(project, request);
    return this.#answer(`beginRun ${project} ${request.verb}${where}${name}`, this.beginning);
  }

  cancelRun(run: string) {
    return this.#answer(`cancelRun ${run}`, ok(true));
  }

  followLines(run: string, onLines: (lines: Lines) => void) {
    const lines = this.printed.get(run);
    if (lines) onLines(lines);
    return this.#answer(`followLines ${run}`, ok(lines !== undefined));
  }

  followLogs(project: string, environment: string, onLines: (lines: LogLine[]) => void) {
    const { logged } = this;
    const question = `followLogs ${project} ${environment}`;
    if (logged === SILENT) return this.#answer<null>(question, logged);
    if (logged.status === 'error') return this.#answer<null>(question, logged);
    if (logged.data.length > 0) onLines(logged.data);
    return this.#answer(question, ok(null));
  }

  stopLines() {
    return this.#answer('stopLines', ok(null));
  }

  plan(project: string, environment: string, release: string | null) {
    return this.#answer(`plan ${project} ${environment} ${release ?? ''}`.trim(), this.planned);
  }

  mendLock(project: string) {
    return this.#answer(`mendLock ${project}`, this.mending);
  }

  excerpt(project: string, file: string, line: number) {
    return this.#answer(`excerpt ${project} ${file} ${String(line)}`, this.source);
  }

  openInEditor(project: string, file: string, line: number) {
    return this.#answer(`openInEditor ${project} ${file} ${String(line)}`, this.editing);
  }

  editors() {
    return this.#answer('editors', ok(this.hasEditors));
  }

  preferences() {
    return this.#answer('preferences', ok(this.preferred));
  }

  keepPreferences(preferences: Preferences) {
    if (this.keeping.status === 'ok') this.preferred = preferences;
    return this.#answer(`keepPreferences ${JSON.stringify(preferences)}`, this.keeping);
  }

  folders() {
    return this.#answer('folders', this.foundFolders);
  }

  revealData() {
    return this.#answer('revealData', ok(null));
  }

  onDrag(onDrag: (drag: Drag) => void): void {
    this.#onDrag = onDrag;
  }

  #seq(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  #answer<T>(question: string, scripted: Scripted<T>): Promise<Answer<T>> {
    this.asked.push(question);
    return scripted === SILENT ? new Promise(() => undefined) : Promise.resolve(scripted);
  }
}

export function ok<T>(data: T): { status: 'ok'; data: T } {
  return { status: 'ok', data };
}

export function failed(problem: Partial<Problem>): { status: 'error'; error: Problem } {
  const error = { code: 'failed', message: 'it failed', causes: [], hints: [], details: [], ...problem };
  return { status: 'error', error };
}

/** Makes an engine as the lab has it. */
export function anEngine(differs: Partial<EngineInfo> = {}): EngineInfo {
  return {
    host: 'unix:///var/run/docker.sock',
    origin: { rule: 'default_socket' },
    version: '28.5.2',
    api: '1.51',
    platform: 'linux/amd64',
    store: 'containerd',
    mirrors: [],
    memory: 16_724_000_000,
    cpus: 8,
    podman: false,
    ...differs,
  };
}

/** Makes an environment in which one instance serves. */
export function anEnvironment(differs: Partial<EnvironmentStatus> = {}): EnvironmentStatus {
  const project = differs.project ?? 'shop';
  const environment = differs.environment ?? 'local';
  const release = differs.serving === undefined ? '3f2a91c04be7' : differs.serving;
  const empty = differs.health === 'empty' || release === null;
  const host = environment === 'local' ? `${project}.localhost` : `${environment}.${project}.localhost`;
  return {
    project,
    environment,
    health: 'healthy',
    serving: empty ? null : release,
    since: empty ? null : '2026-11-23T08:00:00.000Z',
    url: `http://${host}:8080`,
    https_url: `https://${host}:8443`,
    instances: empty || release === null ? [] : [anInstance({ release })],
    services: [],
    rollout: null,
    unreachable: null,
    ...differs,
  };
}

type Instance = EnvironmentStatus['instances'][number];

/** Makes an instance that runs and serves. */
export function anInstance(differs: Partial<Instance> = {}): Instance {
  return {
    id: 'c0ffee',
    name: 'shop-local-web-3f2a91',
    process: 'web',
    release: '3f2a91c04be7',
    rollout: '019ab0',
    address: '10.66.0.10',
    state: { state: 'running' },
    restarts: 0,
    started_at: '2026-11-23T08:00:00.000Z',
    serving: true,
    ...differs,
  };
}

/** Makes what is known of a FastAPI project with one environment. */
export function someFacts(project: string, differs: Partial<ProjectFacts> = {}): ProjectFacts {
  return {
    folder: `/home/ada/projects/${project}`,
    framework: 'FastAPI',
    python: '3.13',
    source: { commit: '8c1f0d2e4b6a79885c3d', branch: 'main', dirty: false },
    built_from: 'python:3.13-slim',
    processes: [{ name: 'web', port: 8000, command: `uvicorn ${project}.main:app` }],
    gates: ['lint', 'format', 'types', 'unit'],
    services: {},
    environments: [
      {
        name: 'local',
        target: 'docker',
        protected: false,
        after: null,
        replicas: { web: 1 },
        secrets: [],
        services: [],
      },
    ],
    settings: [
      { key: 'app.name', value: `"${project}"`, origin: { from: 'file', file: 'pyproject.toml', line: 2 } },
      {
        key: 'app.framework',
        value: '"fastapi"',
        origin: { from: 'inferred', because: `${project}/main.py:7 \`app = FastAPI()\`` },
      },
      { key: 'environments.local.replicas', value: '1', origin: { from: 'default' } },
    ],
    configuration: 'pyproject.toml',
    warnings: [],
    ...differs,
  };
}

/** Tells of a release what a list tells. */
export function header(release: Release): ReleaseHeader {
  const { id, created_at, evidence } = release;
  const passed = evidence.gates.filter(({ state }) => state === 'green' || state === 'cached');
  return {
    id,
    created_at,
    source: evidence.source,
    builder: evidence.builder,
    image_size: evidence.image_size,
    gates_passed: passed.length,
    tests_passed: evidence.gates.reduce((sum, gate) => sum + (gate.tests_passed ?? 0), 0),
    untested: evidence.untested,
  };
}

function byName(one: KnownProject, other: KnownProject): number {
  return one.name.localeCompare(other.name);
}
