/** The backend in memory: it answers what its script says, and tells what it was asked. */
import type { Answer, Backend, Drag } from './backend';
import type {
  Change,
  Closing,
  EnvironmentStatus,
  KeyFile,
  KnownProject,
  Lines,
  LoginStart,
  LogLine,
  LogQuestion,
  LogRecord,
  News,
  Preferences,
  RunRequest,
  Said,
  SecretScope,
  Sweep,
  VaultChoice,
  Watcher,
} from './bindings';
import { anEnvironment, header, someFacts } from './makers';
import { aRecordOf, pageOf } from './records';
import { SILENT, Script, failed, ok, type Scripted } from './script';

export * from './makers';
export * from './records';
export { SILENT, failed, ok } from './script';

/** The bridge tells the page no more often than that, in milliseconds. */
const BATCH_EVERY = 60;

export class FakeBackend extends Script implements Backend {
  /** Every question, in order, as `projectStatus shop`. */
  readonly asked: string[] = [];

  #onChange: ((change: Change) => void) | undefined;
  #onNews: ((news: News) => void) | undefined;
  #onWatcher: ((watcher: Watcher) => void) | undefined;
  #onRecords: ((records: LogRecord[]) => void) | undefined;
  #onJobLines: ((lines: Lines) => void) | undefined;
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
    if (this.telling.status === 'ok') {
      this.#onChange = onChange;
      onChange({ seq: this.#seq() });
    }
    return this.#answer('follow', this.telling);
  }

  projectFacts(project: string) {
    return this.#answer(`projectFacts ${project}`, this.facts.get(project) ?? ok(someFacts(project)));
  }

  projectRuns(project: string) {
    return this.#answer(`projectRuns ${project}`, ok(this.runs.filter((run) => run.project === project)));
  }

  learnHistory(project: string) {
    return this.#answer(`learnHistory ${project}`, this.learned);
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

  gateTests(run: string, gate: string) {
    return this.#answer(`gateTests ${run} ${gate}`, this.testsOf(gate));
  }

  slowestTests(project: string, run: string | null, limit: number) {
    return this.#answer(`slowestTests ${project} ${run ?? 'newest'} ${String(limit)}`, this.slowest);
  }

  testHistory(project: string, test: string) {
    return this.#answer(`testHistory ${project} ${test}`, this.testPast(test));
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

  chooseKeyFile(key: KeyFile) {
    const { keyed } = this;
    if (keyed !== SILENT && keyed.status === 'ok' && keyed.data !== null) this.vaulted = ok(keyed.data);
    return this.#answer(`chooseKeyFile ${key}`, keyed);
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

  runningJobs(project: string, environment: string) {
    return this.#answer(`runningJobs ${project} ${environment}`, ok([...this.jobsGoing.keys()]));
  }

  followJob(project: string, environment: string, job: string, onLines: (lines: Lines) => void) {
    const lines = this.jobsGoing.get(job);
    this.#onJobLines = onLines;
    if (lines) onLines(lines);
    return this.#answer(`followJob ${project} ${environment} ${job}`, ok(lines !== undefined));
  }

  /** What the job that was followed last prints now. */
  printJob(lines: Lines): void {
    this.#onJobLines?.(lines);
  }

  runJob(project: string, environment: string, job: string, onLines: (lines: LogLine[]) => void) {
    onLines(this.jobPrints);
    return this.#answer(`runJob ${project} ${environment} ${job}`, this.jobRunning);
  }

  stopJob(project: string, environment: string, job: string) {
    return this.#answer(`stopJob ${project} ${environment} ${job}`, this.stoppingJob);
  }

  trustPlan() {
    return this.#answer('trustPlan', this.trusting);
  }

  trust() {
    const { trusted } = this;
    if (trusted?.status === 'ok') this.trusting = trusted;
    return this.#answer('trust', trusted ?? this.trusting);
  }

  untrustPlan() {
    return this.#answer('untrustPlan', this.untrusting);
  }

  untrust() {
    const { untrusted } = this;
    if (untrusted?.status !== 'error' && this.trusting !== SILENT && this.trusting.status === 'ok')
      this.trusting = ok({ ...this.trusting.data, trusted: false });
    return this.#answer('untrust', untrusted ?? this.trusting);
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

  async plan(project: string, environment: string, release: string | null) {
    const answer = await this.#answer(`plan ${project} ${environment} ${release ?? ''}`.trim(), this.planned);
    if (release === null || answer.status === 'error') return answer;
    return ok({ ...answer.data, reason: 'rollback' as const, from: answer.data.to, to: release });
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
    return this.#answer('revealData', this.revealing);
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

function where(scope: SecretScope): string {
  return scope.of === 'environment' ? scope.name : scope.of;
}

function byName(one: KnownProject, other: KnownProject): number {
  return one.name.localeCompare(other.name);
}
