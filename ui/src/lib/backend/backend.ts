/**
 * The one interface through which the page reaches the engine. `tauri.ts` implements it on the bridge, `fake.ts` in memory, so that the
 * whole page runs and is tested in any browser.
 */
import type {
  Background,
  Change,
  Closing,
  DeadLetter,
  Editor,
  EngineInfo,
  EnvironmentName,
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
  KeyFile,
  KnownProjects,
  Lines,
  LoginStart,
  LogLine,
  News,
  LogPage,
  LogQuestion,
  LogRecord,
  OldValue,
  Plan,
  PlanRequest,
  Preferences,
  Problem,
  ProjectFacts,
  ProjectName,
  ReleaseDiff,
  ReleaseHeader,
  ReleaseId,
  ReleasePage,
  RolloutRecord,
  RunId,
  RunPage,
  RunRecord,
  RunRequest,
  Said,
  SecretEntry,
  SecretReport,
  SecretScope,
  SlowTest,
  Sweep,
  TestPast,
  TestResult,
  Tried,
  TrustPlan,
  VaultChoice,
  VaultStatus,
  Watcher,
} from './bindings';

export type * from './bindings';

/** What a question brings: data, or what went wrong. Never an exception. */
export type Answer<T> = { status: 'ok'; data: T } | { status: 'error'; error: Problem };

/** An event as far as the page reads it: to whom something happened. */
export type Happened = Pick<Event, 'seq' | 'at' | 'project' | 'run'>;

/** Something that is dragged over the window. */
export type Drag = { kind: 'over' } | { kind: 'left' } | { kind: 'dropped'; paths: string[] };

export interface Backend {
  /** Tells which Docker engine is used, and why that one. Slow when it does not answer. */
  engineInfo(): Promise<Answer<EngineInfo>>;
  /** Lists the projects as they are remembered: at once. */
  knownProjects(): Promise<Answer<KnownProjects>>;
  /** Observes every environment of a project. Slow when its target does not answer. */
  projectStatus(project: ProjectName): Promise<Answer<EnvironmentStatus[]>>;
  /** Lets a person choose a folder; null when they think better of it. */
  chooseFolder(): Promise<Answer<string | null>>;
  addProject(folder: string): Promise<Answer<ProjectName>>;
  /** Takes a project off the list; its environments go on. */
  forgetProject(project: ProjectName): Promise<Answer<null>>;
  /** Opens an environment's app in the browser. */
  openEnvironment(project: ProjectName, environment: EnvironmentName): Promise<Answer<null>>;
  /** Reads what happened after a sequence number, in order, at most `EVENTS_AT_ONCE`. */
  eventsAfter(seq: number): Promise<Answer<Happened[]>>;
  /** Calls whenever something changed, by whichever process, and once at the start. A second call ends the first. */
  follow(onChange: (change: Change) => void): Promise<Answer<null>>;
  /** Tells what a project is, as its files say now. */
  projectFacts(project: ProjectName): Promise<Answer<ProjectFacts>>;
  /** Lists the newest runs of a project. */
  projectRuns(project: ProjectName): Promise<Answer<RunRecord[]>>;
  /**
   * Learns the releases and rollouts of other laptops that a project's targets still tell of; true when any was new. False, and no error,
   * when no engine answers.
   */
  learnHistory(project: ProjectName): Promise<Answer<boolean>>;
  projectReleases(project: ProjectName): Promise<Answer<ReleaseHeader[]>>;
  projectRollouts(project: ProjectName): Promise<Answer<RolloutRecord[]>>;
  /** Reads a release beside the one that was made before it. */
  releasePage(project: ProjectName, release: ReleaseId): Promise<Answer<ReleasePage>>;
  /** Reads a run and what happened in it after a sequence number, in order, at most 1,000 events. */
  runPage(run: RunId, after: number): Promise<Answer<RunPage>>;
  /** Starts a run. */
  beginRun(project: ProjectName, request: RunRequest, said: Said): Promise<Answer<RunId>>;
  /** Opens the new instances that a run shows before traffic moves. */
  openPreview(run: RunId): Promise<Answer<null>>;
  /** Agrees to what a run of this window asks for; false when another process runs it. */
  approveRun(run: RunId): Promise<Answer<boolean>>;
  /** Tells how the gates of the last runs ended, the newest run first. */
  gateHistory(project: ProjectName): Promise<Answer<GatePast[]>>;
  /** Lists every test of a gate of a run, those that passed as well. */
  gateTests(run: RunId, gate: string): Promise<Answer<TestResult[]>>;
  /** Lists the slowest tests of all gates of a run, the slowest first; without a run, of the newest that has results. */
  slowestTests(project: ProjectName, run: RunId | null, limit: number): Promise<Answer<SlowTest[]>>;
  /** Tells what became of a test in each of the last runs, the newest first; a part of its id will do that no other test has. */
  testHistory(project: ProjectName, test: string): Promise<Answer<TestPast[]>>;
  /** Tells who holds an environment; null where nobody does. */
  lockOf(project: ProjectName, environment: EnvironmentName): Promise<Answer<HeldPage | null>>;
  /** Takes the lock away from the holder of a number; false when that one gave it back meanwhile. */
  unlock(
    project: ProjectName,
    environment: EnvironmentName,
    number: number,
    typed: string | null,
  ): Promise<Answer<boolean>>;
  /** Ends what a process that is gone left in the middle; tells what was done, in words. */
  recover(project: ProjectName, environment: EnvironmentName): Promise<Answer<string[]>>;
  /** Tells what differs between two releases, and between what an environment added to each. */
  releaseDiff(
    project: ProjectName,
    environment: EnvironmentName,
    from: ReleaseId,
    to: ReleaseId,
  ): Promise<Answer<ReleaseDiff>>;
  /** Tells what is ours on the engine and no longer needed, or removes it. */
  gc(sweep: Sweep): Promise<Answer<Garbage>>;
  /** Lists the notices that no webhook took, the newest first. */
  deadLetters(project: ProjectName): Promise<Answer<DeadLetter[]>>;
  /** Writes what was inferred into the project's configuration; tells the keys that were added. */
  writeConfiguration(project: ProjectName): Promise<Answer<string[]>>;
  /** Reads how an environment fared in the last seconds. */
  health(project: ProjectName, environment: EnvironmentName, seconds: number): Promise<Answer<HealthReport>>;
  /** Tells something that says nothing, everywhere where people are told. */
  notifyTest(project: ProjectName, environment: EnvironmentName): Promise<Answer<Tried[]>>;
  secrets(project: ProjectName): Promise<Answer<SecretReport>>;
  /** Keeps a value; returns its version. It never comes back, except by `revealSecret`. */
  setSecret(project: ProjectName, scope: SecretScope, name: string, value: string): Promise<Answer<number>>;
  unsetSecret(project: ProjectName, scope: SecretScope, name: string, typed: string): Promise<Answer<null>>;
  revealSecret(project: ProjectName, scope: SecretScope, name: string): Promise<Answer<string>>;
  /** Finds the environments that run with another value than the one that is kept now. */
  oldValues(project: ProjectName, scope: SecretScope, name: string): Promise<Answer<OldValue[]>>;
  vault(): Promise<Answer<VaultStatus>>;
  openVault(passphrase: string): Promise<Answer<VaultStatus>>;
  chooseVault(choice: VaultChoice): Promise<Answer<VaultStatus>>;
  /**
   * Lets a person point at a key file, new or one that is there, and keeps secrets in the file that it closes from now on; null when they
   * think better of it.
   */
  chooseKeyFile(key: KeyFile): Promise<Answer<VaultStatus | null>>;
  keptLogins(): Promise<Answer<SecretEntry[]>>;
  keepLogin(registry: string, username: string, password: string): Promise<Answer<null>>;
  forgetLogin(registry: string): Promise<Answer<null>>;
  jobs(project: ProjectName, environment: EnvironmentName): Promise<Answer<JobStatus[]>>;
  /** The last runs of an environment's jobs, the newest first. */
  jobRuns(project: ProjectName, environment: EnvironmentName): Promise<Answer<JobRun[]>>;
  /** The jobs that this window runs by hand now, by name: begun by this page, or by one before it. */
  runningJobs(project: ProjectName, environment: EnvironmentName): Promise<Answer<string[]>>;
  /**
   * Calls with what a job that this window runs has printed and prints, from the first line that is kept until it has ended. False when this
   * window does not run it.
   */
  followJob(
    project: ProjectName,
    environment: EnvironmentName,
    job: string,
    onLines: (lines: Lines) => void,
  ): Promise<Answer<boolean>>;
  /** Runs a job and calls with what it prints; answers when it has ended. */
  runJob(
    project: ProjectName,
    environment: EnvironmentName,
    job: string,
    onLines: (lines: LogLine[]) => void,
  ): Promise<Answer<JobRun>>;
  stopJob(project: ProjectName, environment: EnvironmentName, job: string): Promise<Answer<boolean>>;
  /** Tells what would make this computer trust the HTTPS of local apps. */
  trustPlan(): Promise<Answer<TrustPlan>>;
  trust(): Promise<Answer<TrustPlan>>;
  /** Tells what would take that trust back. */
  untrustPlan(): Promise<Answer<TrustPlan>>;
  untrust(): Promise<Answer<TrustPlan>>;
  /** Asks for a run to be stopped cleanly, whichever process it runs in; false when it has ended already. */
  cancelRun(run: RunId): Promise<Answer<boolean>>;
  /** Calls with a run's output until it ends. False when another process runs it: its output is there. */
  followLines(run: RunId, onLines: (lines: Lines) => void): Promise<Answer<boolean>>;
  /** Finds the newest records that fit; older than a place, when it is given. */
  logRecords(
    project: ProjectName,
    environment: EnvironmentName,
    question: LogQuestion,
    before: string | null,
    limit: number,
  ): Promise<Answer<LogPage>>;
  /** Calls with the records that come from now on and fit; with none when no more will come. */
  followRecords(
    project: ProjectName,
    environment: EnvironmentName,
    question: LogQuestion,
    onRecords: (records: LogRecord[]) => void,
  ): Promise<Answer<null>>;
  /** Groups the exceptions that were told since a moment by their stack, the last told first. */
  exceptionGroups(
    project: ProjectName,
    environment: EnvironmentName,
    since: string | null,
  ): Promise<Answer<Exceptions>>;
  /** Checks a project now and after each save, or no longer, until the window is closed. */
  checkOnSave(project: ProjectName, on: boolean): Promise<Answer<null>>;
  checksOnSave(project: ProjectName): Promise<Answer<boolean>>;
  /** Ends what `followLines` or `followRecords` brings. */
  stopLines(): Promise<Answer<null>>;
  /** Tells what a run would do to an environment. Slow when the target does not answer. */
  plan(project: ProjectName, environment: EnvironmentName, request: PlanRequest): Promise<Answer<Plan>>;
  /** Mends a project's lock; tells what changed, in words. Where that goes on already, it is waited for. */
  mendLock(project: ProjectName): Promise<Answer<string[]>>;
  /** Tells whether a project's lock is being mended: for this page, or for one before it. */
  isMending(project: ProjectName): Promise<Answer<boolean>>;
  /** Reads a few lines of a project's file around one of them. */
  excerpt(project: ProjectName, file: string, line: number): Promise<Answer<Excerpt>>;
  openInEditor(project: ProjectName, file: string, line: number): Promise<Answer<null>>;
  /** The editors of this laptop that can be told a line. */
  editors(): Promise<Answer<Editor[]>>;
  preferences(): Promise<Answer<Preferences>>;
  keepPreferences(preferences: Preferences): Promise<Answer<null>>;
  /** The folders that are used and what is in them. */
  folders(): Promise<Answer<Folders>>;
  revealData(): Promise<Answer<null>>;
  /** Calls with what the window's process tells unasked. A second call ends the first. */
  attend(onNews: (news: News) => void): Promise<Answer<null>>;
  /** Calls with who watches this home, at once and whenever that changes. A second call ends the first. */
  followWatcher(onWatcher: (watcher: Watcher) => void): Promise<Answer<null>>;
  /** Tries again at once to watch. */
  watchAgain(): Promise<Answer<null>>;
  /** Answers what shall become of the watch when the window is closed; null: it stays open. */
  answerClosing(answer: Closing | null): Promise<Answer<null>>;
  /** How the process goes on without its window. */
  background(): Promise<Answer<Background>>;
  startAtLogin(start: LoginStart): Promise<Answer<null>>;
  /** Calls while something is dragged over the window. */
  onDrag(onDrag: (drag: Drag) => void): void;
}

/** As many events as one answer holds: when it is full, more may have happened. */
export const EVENTS_AT_ONCE = 500;
