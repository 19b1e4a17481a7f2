/** Runs, releases and rollouts as they happen, for scenes and tests: whole and plausible, at any length. */
import type {
  EventBody,
  Event,
  GateReport,
  Plan,
  Problem,
  Release,
  RolloutRecord,
  RunRecord,
  Stage,
  TestOutcome,
  Verdict,
} from './bindings';

export const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

/** Twelve hex digits that are always the same for a number. */
export function hex(seed: number, length = 12): string {
  let value = (seed * 2654435761 + 40503) >>> 0;
  let text = '';
  while (text.length < length) {
    value = (value * 1664525 + 1013904223) >>> 0;
    text += value.toString(16).padStart(8, '0');
  }
  return text.slice(0, length);
}

/** Makes a release of a project, the newest being number 0. */
export function aRelease(project: string, number: number, differs: Partial<Release> = {}): Release {
  const tests = 212 - number;
  return {
    id: hex(number),
    project,
    image: `sha256:${hex(number + 7_000, 64)}`,
    engine_id: `sha256:${hex(number + 9_000, 64)}`,
    app: {
      name: project,
      framework: 'fastapi',
      python: number < 3 ? '3.13' : '3.12',
      processes: [
        {
          name: 'web',
          kind: { kind: 'web', port: 8000 },
          command: ['uvicorn', `${project}.main:app`],
          stop_grace: { secs: 10, nanos: 0 },
        },
      ],
      env: {},
      volumes: [],
    },
    health: {
      probe: { http: { path: '/healthz' } },
      interval: { secs: 1, nanos: 0 },
      timeout: { secs: 2, nanos: 0 },
      successes: 2,
      deadline: { secs: 60, nanos: 0 },
    },
    settings: { before_start: null, keep: { releases: 5 } },
    evidence: {
      format: 1,
      source: { commit: hex(number + 300, 40), branch: 'main', dirty: number === 1 },
      lock_kind: 'uv',
      lock_digest: `sha256:${hex(Math.floor(number / 2) + 500, 64)}`,
      lock_strictness: 'refuse',
      lock_warnings: [],
      builder: 'wheels',
      base: { reference: 'python:3.13-slim', digest: `sha256:${hex(Math.floor(number / 4) + 900, 64)}` },
      image_size: 48_200_000 + number * 61_000,
      gates: [
        { gate: 'lint', state: 'green', tool: 'ruff 0.14.5', tests_passed: null },
        { gate: 'format', state: 'green', tool: 'ruff 0.14.5', tests_passed: null },
        { gate: 'types', state: number % 2 ? 'cached' : 'green', tool: 'mypy 1.18.2', tests_passed: null },
        { gate: 'unit', state: 'green', tool: 'pytest 9.0.1', tests_passed: Math.max(1, tests) },
        { gate: 'integration', state: 'not set up', tool: null, tests_passed: null },
      ],
      untested: false,
    },
    created_at: ago(4 + number * 190),
    ...differs,
  };
}

export const PLAN: Plan = {
  environment: 'local',
  reason: 'ship',
  from: hex(1),
  to: hex(0),
  guarantee: { zero_downtime: 'yes' },
  steps: [
    { step: 'prepare', title: 'prepare network, proxy and services' },
    { step: 'start', process: 'web', count: 3, title: 'start 3 × web' },
    { step: 'await', title: 'wait until each is healthy' },
    { step: 'switch', title: 'move traffic' },
    { step: 'drain', title: 'let requests in flight end' },
    { step: 'bake', title: 'watch for 30 s with the old ones warm' },
    { step: 'retire', process: 'web', count: 3, title: 'retire 3 × web' },
    { step: 'observe', title: 'observe what serves' },
  ],
};

export function aRollout(
  project: string,
  number: number,
  differs: Partial<RolloutRecord> = {},
): RolloutRecord {
  const environment = 'local';
  return {
    id: `rollout-${String(number)}`,
    run: `run-${String(number)}`,
    project,
    environment,
    reason: 'ship',
    from: hex(number + 1),
    to: hex(number),
    placement: {
      environment,
      domain: `${project}.localhost`,
      https: { by: 'local' },
      replicas: { web: 3 },
      env: {},
      secrets: {},
      secret_delivery: 'env',
      services: [],
      resources: { memory: 536_870_912, cpus: 1, pids: 512 },
    },
    state: 'succeeded',
    failure: null,
    started_at: ago(3 + number * 190),
    finished_at: ago(2.6 + number * 190),
    by: 'ada@lovelace',
    steps: [],
    ...differs,
  };
}

export function aRun(project: string, number: number, differs: Partial<RunRecord> = {}): RunRecord {
  return {
    id: `run-${String(number)}`,
    project,
    environment: 'local',
    verb: 'ship',
    state: 'succeeded',
    release: hex(number),
    started_at: ago(4 + number * 190),
    finished_at: ago(3.8 + number * 190),
    by: 'ada@lovelace',
    ...differs,
  };
}

/** Tells the facts of a run one after the other. */
class Teller {
  readonly events: Event[] = [];

  constructor(
    readonly run: RunRecord,
    readonly first: number,
  ) {}

  tell(body: EventBody): this {
    const seq = this.first + this.events.length;
    const { project, id, started_at: at } = this.run;
    this.events.push({ v: 1, seq, at, project, run: id, ...body });
    return this;
  }

  stage(
    stage: Stage,
    summary: string,
    duration_ms: number,
    state: 'done' | 'unchanged' | 'failed' = 'done',
  ): this {
    this.tell({ type: 'stage_started', data: { stage } });
    return this.tell({ type: 'stage_finished', data: { stage, summary, duration_ms, state } });
  }

  skipped(stage: Stage, reason: string): this {
    const data = { stage, summary: reason, duration_ms: 0, state: 'skipped', reason } as const;
    return this.tell({ type: 'stage_finished', data });
  }
}

function gate(name: string, differs: Partial<GateReport> = {}): GateReport {
  const commands: Record<string, string> = {
    lint: 'ruff check .',
    format: 'ruff format --check .',
    types: 'mypy src',
    unit: 'pytest tests',
  };
  return {
    gate: name,
    state: { state: 'green' },
    command: commands[name] ?? name,
    tool: name === 'unit' ? 'pytest 9.0.1' : name === 'types' ? 'mypy 1.18.2' : 'ruff 0.14.5',
    duration_ms: 640,
    findings: [],
    tests: null,
    tail: [],
    ...differs,
  };
}

function begun(teller: Teller): Teller {
  const digest = `sha256:${hex(500, 64)}`;
  return teller
    .tell({ type: 'run_started', data: teller.run })
    .stage('inspect', 'FastAPI, shop.main:app, port 8000', 38)
    .tell({
      type: 'lock_checked',
      data: { file: 'uv.lock', kind: 'uv', digest, packages: 42, proven: true, findings: [] },
    })
    .stage('lock', 'uv.lock, 42 packages, proven fresh', 61)
    .tell({
      type: 'image_built',
      data: {
        digest: `sha256:${hex(7_000, 64)}`,
        engine_id: `sha256:${hex(9_000, 64)}`,
        builder: 'wheels',
        base: { reference: 'python:3.13-slim', digest: `sha256:${hex(900, 64)}` },
        size: 48_200_000,
        layers: [],
        reused: false,
        warnings: [],
        workdir: '/app',
      },
    })
    .stage('build', '42 wheels, 48.2 MB of own layers', 2_840)
    .tell({ type: 'stage_started', data: { stage: 'gauntlet' } });
}

function gates(teller: Teller, reports: GateReport[]): Teller {
  for (const { gate: name, command } of reports)
    teller.tell({ type: 'gate_started', data: { gate: name, command } });
  for (const report of reports) teller.tell({ type: 'gate_finished', data: report });
  return teller;
}

const GREEN = (tests: number): GateReport[] => [
  gate('lint', { duration_ms: 210 }),
  gate('format', { duration_ms: 180 }),
  gate('types', { duration_ms: 4_100 }),
  gate('unit', {
    duration_ms: 6_900,
    tests: { passed: tests, failed: 0, errors: 0, skipped: 3, failures: [] },
  }),
  gate('integration', { state: { state: 'not_set_up' }, tool: null, duration_ms: 0 }),
];

/** A ship that went well. */
export function shipped(run: RunRecord, first = 1): Event[] {
  const teller = gates(begun(new Teller(run, first)), GREEN(212))
    .tell({
      type: 'stage_finished',
      data: { stage: 'gauntlet', summary: '4 gates green', duration_ms: 7_100, state: 'done' },
    })
    .tell({ type: 'release_made', data: { release: run.release ?? hex(0), existed: false } })
    .skipped('publish', 'the target is this engine')
    .skipped('provision', 'nothing is declared')
    .tell({ type: 'stage_started', data: { stage: 'rollout' } })
    .tell({ type: 'rollout_planned', data: { rollout: 'rollout-0', plan: PLAN } });
  PLAN.steps.forEach((step, position) => {
    if (step.step === 'switch')
      teller.tell({
        type: 'preview_ready',
        data: { rollout: 'rollout-0', url: 'http://shop.localhost:8081' },
      });
    teller.tell({ type: 'step_started', data: { position, ...step } });
    teller.tell({
      type: 'step_finished',
      data: { position, ...step, state: 'done', duration_ms: 120 + position * 240 },
    });
  });
  return teller
    .tell({
      type: 'probe_made',
      data: {
        instance: 'shop-local-web-3f2a91',
        probe: 'GET /healthz (Host: shop.localhost)',
        at: run.started_at,
        elapsed_ms: 6,
        outcome: 'passed',
        saw: '200',
      },
    })
    .tell({
      type: 'stage_finished',
      data: { stage: 'rollout', summary: 'traffic moved', duration_ms: 3_300, state: 'done' },
    })
    .tell({ type: 'releases_compared', data: { rollout: 'rollout-0', verdict: VERDICT } })
    .stage('bake', 'no worse than before', 30_000)
    .tell({
      type: 'run_finished',
      data: { state: 'succeeded', release: run.release, url: 'http://shop.localhost:8080', problem: null },
    }).events;
}

/** A new release that is no worse than the old one. */
const VERDICT: Verdict = {
  new: { requests: 1_840, errors: 1, p95_ms: 41, restarts: 0 },
  old: { requests: 2_112, errors: 0, p95_ms: 44, restarts: 0 },
  worse: null,
};

/** A run that is in its gates. */
export function going(run: RunRecord, first = 1): Event[] {
  const teller = begun(new Teller(run, first));
  for (const name of ['lint', 'format', 'types', 'unit'])
    teller.tell({ type: 'gate_started', data: { gate: name, command: gate(name).command } });
  teller.tell({ type: 'gate_finished', data: gate('lint', { duration_ms: 210 }) });
  return teller.tell({
    type: 'gate_finished',
    data: gate('format', { state: { state: 'cached', at: ago(190) }, duration_ms: 0 }),
  }).events;
}

const RED: Problem = {
  code: 'gate_red',
  message: 'the gauntlet is red: lint, unit',
  causes: [],
  hints: ['mend what the gates found, then ship again: what serves was not touched'],
  details: [],
};

export function failure(number: number): TestOutcome {
  const line = 12 + (number % 80);
  return {
    id: `tests/test_orders_${String(number % 40)}.py::test_total_of_order_${String(number)}`,
    file: `tests/test_orders_${String(number % 40)}.py`,
    line,
    message: `AssertionError: assert Decimal('${String(number)}.50') == Decimal('${String(number)}.05')`,
    text: [
      '    def test_total_of_order():',
      '        order = Order(lines=[Line(price=Decimal("1.50"), count=1)])',
      '>       assert order.total() == Decimal("1.05")',
      `E       AssertionError: assert Decimal('${String(number)}.50') == Decimal('${String(number)}.05')`,
      '',
      `tests/test_orders_${String(number % 40)}.py:${String(line)}: AssertionError`,
    ].join('\n'),
    duration_s: 0.02,
  };
}

/** A run whose gates are red, with as many failed tests as are wanted. */
export function red(run: RunRecord, failures = 2, first = 1): Event[] {
  const reports = [
    gate('lint', {
      state: { state: 'red' },
      duration_ms: 210,
      findings: [
        {
          file: 'src/shop/main.py',
          line: 3,
          column: 8,
          rule: 'F401',
          url: 'https://docs.astral.sh/ruff/rules/unused-import',
          level: 'error',
          message: '`json` imported but unused',
        },
        {
          file: 'src/shop/orders.py',
          line: 41,
          column: 5,
          rule: 'B007',
          url: null,
          level: 'warning',
          message: 'Loop control variable `index` not used within loop body',
        },
      ],
    }),
    gate('format', { duration_ms: 180 }),
    gate('types', { duration_ms: 4_100 }),
    gate('unit', {
      state: { state: 'red' },
      duration_ms: 6_900,
      tests: {
        passed: 210,
        failed: failures,
        errors: 0,
        skipped: 3,
        failures: Array.from({ length: failures }, (_, number) => failure(number)),
      },
    }),
  ];
  return gates(begun(new Teller(run, first)), reports)
    .tell({
      type: 'stage_finished',
      data: { stage: 'gauntlet', summary: '2 gates red', duration_ms: 7_100, state: 'failed' },
    })
    .tell({ type: 'run_finished', data: { state: 'failed', release: null, url: null, problem: RED } }).events;
}

/** A run that was refused before anything was built. */
export function refused(run: RunRecord, problem: Problem, first = 1): Event[] {
  return new Teller(run, first)
    .tell({ type: 'run_started', data: run })
    .tell({ type: 'run_finished', data: { state: 'failed', release: null, url: null, problem } }).events;
}
