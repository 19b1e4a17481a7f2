/** The backend in memory: what it answers is plain data that a test or a scene puts there. */
import type { Answer, Backend, Drag, Happened } from './backend';
import type {
  Background,
  Change,
  Closing,
  DeadLetter,
  Editor,
  EngineInfo,
  EnvironmentStatus,
  Event,
  Exceptions,
  Excerpt,
  Folders,
  Garbage,
  GatePast,
  HealthReport,
  HeldPage,
  JobRun,
  JobStatus,
  KnownProject,
  Lines,
  LoginStart,
  LogLine,
  News,
  LogQuestion,
  LogReach,
  LogRecord,
  OldValue,
  Plan,
  Preferences,
  Problem,
  ProjectFacts,
  Release,
  ReleaseDiff,
  RolloutRecord,
  RunRecord,
  RunRequest,
  Said,
  SecretEntry,
  SecretReport,
  SecretScope,
  Sweep,
  Tried,
  TrustPlan,
  VaultChoice,
  VaultStatus,
  Watcher,
} from './bindings';
import { aRecordOf, pageOf } from './records';
import { aDiff, aVault, anEngine, anEnvironment, header, someFacts } from './makers';

export * from './makers';
export * from './records';

/** A question to which no answer comes, until another one is put in its place. */
export const SILENT = Symbol('silent');

/** The bridge tells the page no more often than that, in milliseconds. */
const BATCH_EVERY = 60;

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
  /** What is kept of logs, the oldest first. */
  records: Scripted<LogRecord[]> = ok([]);
  reach: LogReach = { first: null, last: null, behind: null };
  following: Answer<null> = ok(null);
  excepted: Scripted<Exceptions> = ok({ groups: [], reach: { first: null, last: null, behind: null } });
  /** Records that are printed each second while somebody follows. */
  rate = 0;
  mending: Answer<string[]> = ok([]);
  writing: Answer<string[]> = ok([]);
  recovering: Answer<string[]> = ok([]);
  garbage: Scripted<Garbage> = ok({ items: [], bytes: 0 });
  letters: Scripted<DeadLetter[]> = ok([]);
  differing: (from: string, to: string) => Scripted<ReleaseDiff> = (from, to) => ok(aDiff(from, to));
  source: Answer<Excerpt> = ok({ first: 1, lines: [] });
  editing: Answer<null> = ok(null);
  hasEditors: Editor[] = ['code', 'zed'];
  preferred: Preferences = { theme: 'system', editor: null, closing: null };
  keeping: Answer<null> = ok(null);
  foundFolders: Scripted<Folders> = ok({
    data: { path: '/home/ada/.local/share/nonevent', bytes: 18_400_000 },
    cache: { path: '/home/ada/.cache/nonevent', bytes: 1_260_000_000 },
    version: '0.1.0',
  });
  /** Who holds an environment, by `project environment`. */
  holders = new Map<string, HeldPage>();
  gatePasts: Scripted<GatePast[]> = ok([]);
  /** How an environment fared, by `project environment`, in the seconds that are asked for. */
  fared: (project: string, environment: string, seconds: number) => Scripted<HealthReport> = (
    project,
    environment,
    seconds,
  ) => ok(emptyReport(project, environment, seconds));
  tried: Scripted<Tried[]> = ok([{ way: 'desktop', problem: null }]);
  kept: Scripted<SecretReport> = ok({ vault: aVault(), kept: [], needed: [] });
  keepingSecret: Answer<number> = ok(1);
  revealed: Answer<string> = ok('made-up-value');
  old: Scripted<OldValue[]> = ok([]);
  vaulted: Scripted<VaultStatus> = ok(aVault());
  /** What becomes of the vault when it is opened or chosen. */
  opened: Answer<VaultStatus> = ok(aVault());
  logins: SecretEntry[] = [];
  jobsOf: Scripted<JobStatus[]> = ok([]);
  jobsRan: Scripted<JobRun[]> = ok([]);
  jobRunning: Scripted<JobRun> = SILENT;
  jobPrints: LogLine[] = [];
  trusting: Scripted<TrustPlan> = ok({
    trusted: true,
    steps: [],
    notes: [],
    certificate: '/home/ada/.local/share/nonevent/authority.pem',
  });
  trusted: Answer<TrustPlan> | undefined;
  /** What the page is told as soon as it listens. */
  firstNews: News | undefined;
  watcher: Watcher = { who: 'here' };
  behind: Scripted<Background> = ok({ tray: true, start: 'by_hand' });
  starting: Answer<null> = ok(null);
  /** Every question, in order, as `projectStatus shop`. */
  readonly asked: string[] = [];

  #onChange: ((change: Change) => void) | undefined;
  #onNews: ((news: News) => void) | undefined;
  #onWatcher: ((watcher: Watcher) => void) | undefined;
  #onRecords: ((records: LogRecord[]) => void) | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
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

  /** Tells the page what the window's process tells unasked. */
  news(news: News): void {
    this.#onNews?.(news);
  }

  /** Somebody else watches from now on. */
  watchedBy(watcher: Watcher): void {
    this.watcher = watcher;
    this.#onWatcher?.(watcher);
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

  beginRun(project: string, request: RunRequest, said: Said) {
    const where = 'environment' in request ? ` ${request.environment}` : '';
    const words = [
      said.typed === null ? '' : ` as ${said.typed}`,
      said.held === 'wait' ? ' waiting' : '',
      said.anyway === 'yes' ? ' anyway' : '',
      request.verb === 'ship' && request.preview === 'ask' ? ' with a look' : '',
      said.message === null ? '' : ` because ${said.message}`,
    ].join('');
    if (this.beginning.status === 'ok') this.onBegin?.(project, request);
    return this.#answer(`beginRun ${project} ${request.verb}${where}${words}`, this.beginning);
  }

  openPreview(run: string) {
    return this.#answer(`openPreview ${run}`, this.opening);
  }

  recover(project: string, environment: string) {
    return this.#answer(`recover ${project} ${environment}`, this.recovering);
  }

  releaseDiff(project: string, environment: string, from: string, to: string) {
    return this.#answer(`releaseDiff ${project} ${environment} ${from} ${to}`, this.differing(from, to));
  }

  async gc(sweep: Sweep) {
    const answer = await this.#answer(`gc ${sweep}`, this.garbage);
    if (sweep === 'remove' && answer.status === 'ok') this.garbage = ok({ items: [], bytes: 0 });
    return answer;
  }

  deadLetters(project: string) {
    return this.#answer(`deadLetters ${project}`, this.letters);
  }

  writeConfiguration(project: string) {
    return this.#answer(`writeConfiguration ${project}`, this.writing);
  }

  approveRun(run: string) {
    return this.#answer(`approveRun ${run}`, ok(this.printed.has(run)));
  }

  gateHistory(project: string) {
    return this.#answer(`gateHistory ${project}`, this.gatePasts);
  }

  lockOf(project: string, environment: string) {
    const held = this.holders.get(`${project} ${environment}`) ?? null;
    return this.#answer(`lockOf ${project} ${environment}`, ok(held));
  }

  unlock(project: string, environment: string, number: number, typed: string | null) {
    const had = this.holders.delete(`${project} ${environment}`);
    const name = typed === null ? '' : ` as ${typed}`;
    return this.#answer(`unlock ${project} ${environment} ${String(number)}${name}`, ok(had));
  }

  health(project: string, environment: string, seconds: number) {
    const question = `health ${project} ${environment} ${String(seconds)}`;
    return this.#answer(question, this.fared(project, environment, seconds));
  }

  notifyTest(project: string, environment: string) {
    return this.#answer(`notifyTest ${project} ${environment}`, this.tried);
  }

  secrets(project: string) {
    return this.#answer(`secrets ${project}`, this.kept);
  }

  setSecret(project: string, scope: SecretScope, name: string, value: string) {
    const question = `setSecret ${project} ${where(scope)} ${name} (${String(value.length)} characters)`;
    return this.#answer(question, this.keepingSecret);
  }

  unsetSecret(project: string, scope: SecretScope, name: string, typed: string) {
    return this.#answer(`unsetSecret ${project} ${where(scope)} ${name} as ${typed}`, ok(null));
  }

  revealSecret(project: string, scope: SecretScope, name: string) {
    return this.#answer(`revealSecret ${project} ${where(scope)} ${name}`, this.revealed);
  }

  oldValues(project: string, scope: SecretScope, name: string) {
    return this.#answer(`oldValues ${project} ${where(scope)} ${name}`, this.old);
  }

  vault() {
    return this.#answer('vault', this.vaulted);
  }

  openVault(passphrase: string) {
    if (this.opened.status === 'ok') this.vaulted = this.opened;
    return this.#answer(`openVault (${String(passphrase.length)} characters)`, this.opened);
  }

  chooseVault(choice: VaultChoice) {
    if (this.opened.status === 'ok') this.vaulted = this.opened;
    return this.#answer(`chooseVault ${choice.place}`, this.opened);
  }

  keptLogins() {
    return this.#answer('keptLogins', ok(this.logins));
  }

  keepLogin(registry: string, username: string, password: string) {
    return this.#answer(
      `keepLogin ${registry} ${username} (${String(password.length)} characters)`,
      ok(null),
    );
  }

  forgetLogin(registry: string) {
    this.logins = this.logins.filter(({ name }) => name !== registry);
    return this.#answer(`forgetLogin ${registry}`, ok(null));
  }

  jobs(project: string, environment: string) {
    return this.#answer(`jobs ${project} ${environment}`, this.jobsOf);
  }

  jobRuns(project: string, environment: string) {
    return this.#answer(`jobRuns ${project} ${environment}`, this.jobsRan);
  }

  runJob(project: string, environment: string, job: string, onLines: (lines: LogLine[]) => void) {
    onLines(this.jobPrints);
    return this.#answer(`runJob ${project} ${environment} ${job}`, this.jobRunning);
  }

  stopJob(project: string, environment: string, job: string) {
    return this.#answer(`stopJob ${project} ${environment} ${job}`, ok(true));
  }

  trustPlan() {
    return this.#answer('trustPlan', this.trusting);
  }

  trust() {
    const { trusted } = this;
    if (trusted?.status === 'ok') this.trusting = trusted;
    return this.#answer('trust', trusted ?? this.trusting);
  }

  cancelRun(run: string) {
    return this.#answer(`cancelRun ${run}`, ok(true));
  }

  followLines(run: string, onLines: (lines: Lines) => void) {
    const lines = this.printed.get(run);
    if (lines) onLines(lines);
    return this.#answer(`followLines ${run}`, ok(lines !== undefined));
  }

  async logRecords(
    project: string,
    environment: string,
    question: LogQuestion,
    before: string | null,
    limit: number,
  ) {
    const words = [question.search, question.until === null ? '' : `until ${question.until}`, before ?? ''];
    const asked = ['logRecords', project, environment, ...words].filter((word) => word !== '').join(' ');
    const answer = await this.#answer(asked, this.records);
    return answer.status === 'ok' ? pageOf(answer.data, question, before, limit, this.reach) : answer;
  }

  followRecords(
    project: string,
    environment: string,
    question: LogQuestion,
    onRecords: (records: LogRecord[]) => void,
  ) {
    this.#onRecords = onRecords;
    if (this.rate > 0) this.#stream();
    return this.#answer(`followRecords ${project} ${environment} ${question.search}`.trim(), this.following);
  }

  exceptionGroups(project: string, environment: string, since: string | null) {
    const question = `exceptionGroups ${project} ${environment}${since === null ? '' : ' since'}`;
    return this.#answer(question, this.excepted);
  }

  /** Records that are printed now. */
  print(records: LogRecord[]): void {
    this.#onRecords?.(records);
  }

  stopLines() {
    clearInterval(this.#timer);
    this.#onRecords = undefined;
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

  attend(onNews: (news: News) => void) {
    this.#onNews = onNews;
    if (this.firstNews) onNews(this.firstNews);
    return this.#answer('attend', ok(null));
  }

  followWatcher(onWatcher: (watcher: Watcher) => void) {
    this.#onWatcher = onWatcher;
    onWatcher(this.watcher);
    return this.#answer('followWatcher', ok(null));
  }

  watchAgain() {
    return this.#answer('watchAgain', ok(null));
  }

  answerClosing(answer: Closing | null) {
    return this.#answer(`answerClosing ${answer ?? 'stay'}`, ok(null));
  }

  background() {
    return this.#answer('background', this.behind);
  }

  startAtLogin(start: LoginStart) {
    if (this.starting.status === 'ok') this.behind = ok({ tray: true, start });
    return this.#answer(`startAtLogin ${start}`, this.starting);
  }

  onDrag(onDrag: (drag: Drag) => void): void {
    this.#onDrag = onDrag;
  }

  /** Prints as many as the rate says, in batches as the bridge brings them. */
  #stream(): void {
    clearInterval(this.#timer);
    const began = Date.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((Date.now() - began) / 1000) * this.rate) - sent;
      const fresh = Array.from({ length: due }, (_, index) => aRecordOf(sent + index, Date.now()));
      sent += due;
      if (due > 0) this.print(fresh);
    }, BATCH_EVERY);
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

function where(scope: SecretScope): string {
  return scope.of === 'environment' ? scope.name : scope.of;
}

function emptyReport(project: string, environment: string, seconds: number): HealthReport {
  const to = Date.now();
  const from = to - seconds * 1000;
  return {
    project,
    environment,
    from,
    to,
    state: 'unknown',
    series: [],
    markers: [],
    gaps: [],
    incidents: [],
  };
}

function byName(one: KnownProject, other: KnownProject): number {
  return one.name.localeCompare(other.name);
}
