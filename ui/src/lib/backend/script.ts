/** What the backend in memory answers: plain data. */
import type { Answer, Happened } from './backend';
import type {
  Background,
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
  LogLine,
  LogReach,
  LogRecord,
  News,
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
  SecretEntry,
  SecretReport,
  SlowTest,
  TestPast,
  TestResult,
  Tried,
  TrustPlan,
  VaultStatus,
  Watcher,
} from './bindings';
import { aDiff, aVault, anEngine } from './makers';

/** A question to which no answer comes, until another one is put in its place. */
export const SILENT = Symbol('silent');

export type Scripted<T> = Answer<T> | typeof SILENT;

/** What each question is answered, until a test or a scene puts something else there. */
export class Script {
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
  /** What becomes of who wants to be told of changes. */
  telling: Answer<null> = ok(null);
  facts = new Map<string, Scripted<ProjectFacts>>();
  runs: RunRecord[] = [];
  /** What happened in each run, by its id. */
  facedBy = new Map<string, Event[]>();
  /** What each run of this window prints, by its id. */
  printed = new Map<string, Lines>();
  releases: Release[] = [];
  rollouts: RolloutRecord[] = [];
  /** Whether a project's targets tell of anything that is new. */
  learned: Scripted<boolean> = ok(false);
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
  revealing: Answer<null> = ok(null);
  /** Who holds an environment, by `project environment`. */
  holders = new Map<string, HeldPage>();
  gatePasts: Scripted<GatePast[]> = ok([]);
  /** The tests of a gate, whichever run is asked for. */
  testsOf: (gate: string) => Scripted<TestResult[]> = () => ok([]);
  slowest: Scripted<SlowTest[]> = ok([]);
  testPast: (test: string) => Scripted<TestPast[]> = () => ok([]);
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
  /** What becomes of a key file that is asked for; null when the person thinks better of it. */
  keyed: Scripted<VaultStatus | null> = ok(null);
  logins: SecretEntry[] = [];
  jobsOf: Scripted<JobStatus[]> = ok([]);
  jobsRan: Scripted<JobRun[]> = ok([]);
  jobRunning: Scripted<JobRun> = SILENT;
  /** What each job that goes on has printed, by its name. */
  jobsGoing = new Map<string, Lines>();
  stoppingJob: Answer<boolean> = ok(true);
  jobPrints: LogLine[] = [];
  trusting: Scripted<TrustPlan> = ok({
    trusted: true,
    steps: [],
    notes: [],
    certificate: '/home/ada/.local/share/nonevent/authority.pem',
  });
  trusted: Answer<TrustPlan> | undefined;
  untrusting: Scripted<TrustPlan> = ok({
    trusted: true,
    steps: [],
    notes: [],
    certificate: '/home/ada/.local/share/nonevent/authority.pem',
  });
  /** What becomes of trust that is taken back; without it, it is. */
  untrusted: Answer<TrustPlan> | undefined;
  /** What the page is told as soon as it listens. */
  firstNews: News | undefined;
  watcher: Watcher = { who: 'here' };
  behind: Scripted<Background> = ok({ tray: true, start: 'by_hand' });
  starting: Answer<null> = ok(null);
}

export function ok<T>(data: T): { status: 'ok'; data: T } {
  return { status: 'ok', data };
}

export function failed(problem: Partial<Problem>): { status: 'error'; error: Problem } {
  const error = { code: 'failed', message: 'it failed', causes: [], hints: [], details: [], ...problem };
  return { status: 'error', error };
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
