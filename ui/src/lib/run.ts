/** A run as its facts tell it: pure, so that reading them anew gives the same picture. */
import type {
  Event,
  Excerpt,
  Finding,
  GateReport,
  ImageReport,
  LockReport,
  Plan,
  ProbeAttempt,
  Problem,
  Question,
  RunRecord,
  RunState,
  Stage,
  TestOutcome,
  Verdict,
} from './backend';

const STAGES: readonly Stage[] = [
  'inspect',
  'lock',
  'build',
  'gauntlet',
  'publish',
  'provision',
  'rollout',
  'bake',
];

/** How a stage, a gate or a step stands, in the words that all of them share. */
export type Progress =
  'planned' | 'running' | 'passed' | 'failed' | 'error' | 'skipped' | 'cached' | 'unset' | 'stopped';

export interface StageView {
  stage: Stage;
  progress: Progress;
  startedAt: string | null;
  duration: number | null;
  summary: string | null;
}

export interface GateView {
  name: string;
  progress: Progress;
  command: string;
  startedAt: string | null;
  report: GateReport | null;
}

export interface StepView {
  position: number;
  title: string;
  progress: Progress;
  startedAt: string | null;
  duration: number | null;
}

export interface RunView {
  stages: StageView[];
  gates: GateView[];
  steps: StepView[];
  plan: Plan | null;
  lock: LockReport | null;
  image: ImageReport | null;
  warnings: { message: string; hint: string | null }[];
  probes: ProbeAttempt[];
  /** Where the new instances alone answer, until traffic moves. */
  preview: string | null;
  /** What a person is asked before it goes on, until it does. */
  question: Question | null;
  /** How the new release compares with the old one, when that was looked at last. */
  verdict: Verdict | null;
  release: string | null;
  /** Null while it goes on. */
  state: RunState;
  url: string | null;
  problem: Problem | null;
}

/** One thing that a gate found: a finding of a tool, or a test that did not pass. */
export interface Fault {
  id: string;
  gate: string;
  title: string;
  file: string | null;
  line: number | null;
  rule: string | null;
  warning: boolean;
  text: string | null;
  /** What the test printed and logged. */
  output: string | null;
  /** Whether the gate's run before this one did not have it. */
  fresh: boolean;
  /** The code around it, as it was when the gate ran. */
  excerpt: Excerpt | null;
}

/** Where a finding is: its file and line; nothing where it is in none. */
export function place({ file, line }: Fault): string {
  return file === null ? '' : line === null ? file : `${file}:${String(line)}`;
}

/** How a gate stands, by what it reported. */
export const GATES = {
  green: 'passed',
  red: 'failed',
  error: 'error',
  skipped: 'skipped',
  cached: 'cached',
  not_set_up: 'unset',
} as const satisfies Record<GateReport['state']['state'], Progress>;

const PARTS: Record<string, readonly Stage[]> = {
  ship: STAGES,
  check: STAGES.slice(0, 4),
  rollback: ['publish', 'provision', 'rollout', 'bake'],
  restart: ['publish', 'provision', 'rollout', 'bake'],
};

export function view(record: RunRecord, events: readonly Event[]): RunView {
  const stages = new Map<Stage, StageView>();
  for (const stage of PARTS[record.verb] ?? []) stages.set(stage, planned(stage));
  const gates = new Map<string, GateView>();
  const steps = new Map<number, StepView>();
  const seen: RunView = {
    stages: [],
    gates: [],
    steps: [],
    plan: null,
    lock: null,
    image: null,
    warnings: [],
    probes: [],
    preview: null,
    question: null,
    verdict: null,
    release: record.release,
    state: record.state,
    url: null,
    problem: null,
  };
  for (const event of events) {
    switch (event.type) {
      case 'stage_started': {
        const { stage } = event.data;
        stages.set(stage, { ...planned(stage), progress: 'running', startedAt: event.at });
        break;
      }
      case 'stage_finished': {
        const { stage, summary, duration_ms: duration } = event.data;
        const startedAt = stages.get(stage)?.startedAt ?? null;
        stages.set(stage, { stage, progress: ofStage(event.data.state), startedAt, duration, summary });
        break;
      }
      case 'gate_started': {
        const { gate, command } = event.data;
        gates.set(gate, { name: gate, command, progress: 'running', startedAt: event.at, report: null });
        break;
      }
      case 'gate_finished': {
        const report = event.data;
        const startedAt = gates.get(report.gate)?.startedAt ?? null;
        const { gate: name, command } = report;
        gates.set(name, { name, command, progress: GATES[report.state.state], startedAt, report });
        break;
      }
      case 'rollout_planned':
        seen.plan = event.data.plan;
        event.data.plan.steps.forEach(({ title }, position) =>
          steps.set(position, { position, title, progress: 'planned', startedAt: null, duration: null }),
        );
        break;
      case 'step_started': {
        seen.question = null;
        const { position, title } = event.data;
        steps.set(position, { position, title, progress: 'running', startedAt: event.at, duration: null });
        break;
      }
      case 'approval_wanted':
        seen.question = event.data.question;
        break;
      case 'rollout_finished':
        seen.question = null;
        break;
      case 'step_finished': {
        seen.question = null;
        const { position, title, duration_ms: duration, state, step } = event.data;
        if (step === 'switch') seen.preview = null;
        const startedAt = steps.get(position)?.startedAt ?? null;
        const progress = state === 'failed' ? 'failed' : 'passed';
        steps.set(position, { position, title, progress, startedAt, duration });
        break;
      }
      case 'lock_checked':
        seen.lock = event.data;
        break;
      case 'image_built':
        seen.image = event.data;
        break;
      case 'warning_raised':
        seen.warnings.push(event.data);
        break;
      case 'probe_made':
        seen.probes.push(event.data);
        break;
      case 'preview_ready':
        seen.preview = event.data.url;
        break;
      case 'releases_compared':
        seen.verdict = event.data.verdict;
        break;
      case 'release_made':
        seen.release = event.data.release;
        break;
      case 'run_finished':
        seen.state = event.data.state;
        seen.release = event.data.release ?? seen.release;
        seen.url = event.data.url;
        seen.problem = event.data.problem;
        seen.question = null;
        break;
      default:
        break;
    }
  }
  const over = seen.state !== 'running';
  const settle = <T extends { progress: Progress }>(part: T): T =>
    over && part.progress === 'running'
      ? { ...part, progress: seen.state === 'failed' ? 'failed' : 'stopped' }
      : part;
  seen.stages = [...stages.values()]
    .sort((one, other) => STAGES.indexOf(one.stage) - STAGES.indexOf(other.stage))
    .map(settle);
  seen.gates = [...gates.values()].map(settle);
  seen.steps = [...steps.values()].sort((one, other) => one.position - other.position).map(settle);
  return seen;
}

/** Everything that the gates found, those that make them red first. */
export function faults(gates: readonly GateView[]): Fault[] {
  const found = gates.flatMap(({ name, report }) =>
    report === null
      ? []
      : [
          ...(report.tests?.failures ?? []).map((test, index) => ofTest(name, test, index)),
          ...report.findings.map((finding, index) => ofFinding(name, finding, index)),
        ],
  );
  return [...found.filter(({ warning }) => !warning), ...found.filter(({ warning }) => warning)];
}

/** The gate that a person wants to see first: one that is red, else one that could not tell. */
export function firstRed(gates: readonly GateView[]): GateView | null {
  return (
    gates.find(({ progress }) => progress === 'failed') ??
    gates.find(({ progress }) => progress === 'error') ??
    null
  );
}

function planned(stage: Stage): StageView {
  return { stage, progress: 'planned', startedAt: null, duration: null, summary: null };
}

function ofStage(state: 'done' | 'unchanged' | 'skipped' | 'failed'): Progress {
  return ({ done: 'passed', unchanged: 'cached', skipped: 'skipped', failed: 'failed' } as const)[state];
}

function ofTest(gate: string, test: TestOutcome, index: number): Fault {
  const { id: title, file, line, message, text } = test;
  return {
    id: `${gate}:test:${String(index)}`,
    gate,
    title: message === '' ? title : message,
    file: file ?? title.split('::')[0] ?? null,
    line,
    rule: title.split('::').slice(1).join('::') || title,
    warning: false,
    text,
    output: test.output ?? null,
    fresh: test.new ?? false,
    excerpt: test.excerpt ?? null,
  };
}

function ofFinding(gate: string, finding: Finding, index: number): Fault {
  const { file, line, rule, level, message: title } = finding;
  const id = `${gate}:finding:${String(index)}`;
  return {
    id,
    gate,
    title,
    file,
    line,
    rule,
    warning: level === 'warning',
    text: null,
    output: null,
    fresh: finding.new ?? false,
    excerpt: finding.excerpt ?? null,
  };
}
