/** What the window may show, by name: for development in a browser (`npm run dev`, then `?scene=many`) and for the tests. */
import type { EnvironmentStatus, RunRecord } from './bindings';
import { FakeBackend, SILENT, anEngine, anEnvironment, anInstance, failed, ok, someFacts } from './fake';
import { PLAN, aRelease, aRollout, aRun, ago, going, hex, red, refused, shipped } from './stories';

const web = (release: string, count: number): EnvironmentStatus['instances'] =>
  Array.from({ length: count }, (_, index) => anInstance({ id: `${release}${String(index)}`, release }));

const NO_ENGINE = failed({
  code: 'engine_unreachable',
  message: 'no Docker engine answers at unix:///var/run/docker.sock',
  causes: ['error trying to connect: No such file or directory (os error 2)'],
  hints: ['start Docker, or point `DOCKER_HOST` at an engine that runs'],
});

/** Gives a project a history: runs, releases, rollouts, what was printed. */
function lived(backend: FakeBackend, project = 'shop', count = 14): FakeBackend {
  for (let number = 0; number < count; number += 1) {
    backend.releases.push(aRelease(project, number));
    const failedOne = number % 5 === 3;
    const differs: Partial<RunRecord> = failedOne
      ? { state: 'failed', release: null, verb: number % 2 ? 'ship' : 'check' }
      : {};
    const run = aRun(project, number, differs);
    backend.runs.push(run);
    backend.facedBy.set(run.id, failedOne ? red(run) : shipped(run));
    const why = number % 6 === 4 ? ({ reason: 'rollback' } as const) : {};
    const lost = { state: 'failed', failure: 'web was not healthy within 60 s' } as const;
    backend.rollouts.push(aRollout(project, number, number % 7 === 5 ? lost : why));
    if (number % 3 === 2)
      backend.rollouts.push(
        aRollout(project, number, {
          id: `staging-${String(number)}`,
          environment: 'staging',
          reason: 'ship',
        }),
      );
  }
  backend.planned = ok(PLAN);
  backend.source = ok({
    first: 8,
    lines: [
      '',
      'def test_total_of_order():',
      '    order = Order(lines=[Line(price=Decimal("1.50"), count=1)])',
      '    order.add(Line(price=Decimal("0.55"), count=2))',
      '    assert order.total() == Decimal("1.05")',
      '    assert order.count() == 3',
      '',
      '',
      'def test_empty_order():',
    ],
  });
  backend.logged = ok(
    Array.from({ length: 240 }, (_, number) => ({
      source: `${project}-local-web-${hex(number % 3, 6)}`,
      stream: number % 17 === 5 ? ('stderr' as const) : ('stdout' as const),
      at: ago(number / 60),
      text:
        number % 17 === 5
          ? `WARNING  order ${String(1000 + number)} was paid twice, second payment refused`
          : `INFO     ${number % 2 ? 'GET /orders' : 'POST /orders'}/${String(1000 + number)} ${number % 2 ? '200' : '201'} ${String(3 + (number % 9))} ms`,
    })),
  );
  backend.facts.set(project, ok(shopFacts(project)));
  return backend;
}

function shopFacts(project: string) {
  const base = someFacts(project);
  const [local] = base.environments;
  if (!local) return base;
  return someFacts(project, {
    processes: [
      ...base.processes,
      { name: 'worker', port: null, command: `celery -A ${project}.jobs worker` },
    ],
    services: { db: 'postgres:17', cache: 'redis:8' },
    source: { commit: hex(300, 40), branch: 'main', dirty: true },
    configuration: 'nonevent.toml',
    environments: [
      {
        ...local,
        replicas: { web: 3, worker: 1 },
        services: ['db'],
        secrets: ['DATABASE_URL', 'STRIPE_KEY'],
      },
      { ...local, name: 'staging', after: null, replicas: { web: 3, worker: 1 } },
      {
        ...local,
        name: 'production',
        protected: true,
        after: 'staging',
        replicas: { web: 6, worker: 2 },
        secrets: ['DATABASE_URL', 'STRIPE_KEY', 'SENTRY_DSN'],
      },
    ],
    settings: [
      ...base.settings.filter(({ key }) => !key.startsWith('environments')),
      { key: 'build.base', value: '"python:3.13-slim"', origin: { from: 'default' } },
      {
        key: 'health.path',
        value: '"/healthz"',
        origin: { from: 'inferred', because: `${project}/main.py:19` },
      },
      {
        key: 'environments.local.replicas',
        value: '3',
        origin: { from: 'file', file: 'nonevent.toml', line: 12 },
      },
      {
        key: 'environments.production.replicas',
        value: '6',
        origin: { from: 'file', file: 'nonevent.toml', line: 24 },
      },
    ],
  });
}

function healthy(backend: FakeBackend): FakeBackend {
  const released = {
    project: 'shop',
    since: ago(4),
    serving: '3f2a91c04be7',
    instances: web('3f2a91c04be7', 3),
  };
  backend.facts.set('shop', ok(shopFacts('shop')));
  return backend
    .with(
      'shop',
      ok([
        anEnvironment(released),
        anEnvironment({ ...released, environment: 'staging', since: ago(60 * 26) }),
        anEnvironment({
          ...released,
          environment: 'production',
          serving: '9c41d77ae05b',
          since: ago(60 * 24 * 12),
          instances: web('9c41d77ae05b', 6),
          url: 'https://shop.example.com',
        }),
      ]),
    )
    .with(
      'notes',
      ok([
        anEnvironment({
          project: 'notes',
          serving: 'b7e0914dd2aa',
          since: ago(60 * 7),
          instances: web('b7e0914dd2aa', 2),
        }),
      ]),
    );
}

function degraded(backend: FakeBackend): FakeBackend {
  const release = '51d0a2ee9f13';
  return backend.with(
    'invoices',
    ok([
      anEnvironment({
        project: 'invoices',
        health: 'degraded',
        serving: release,
        since: ago(95),
        instances: [
          ...web(release, 2),
          anInstance({
            id: 'worker',
            name: 'invoices-local-worker-51d0a2',
            process: 'worker',
            release,
            state: { state: 'restarting', exit_code: 137 },
            restarts: 14,
            serving: false,
          }),
        ],
        services: [
          { name: 'db', image: 'postgres:17', running: true, volume: 'invoices-local-db' },
          { name: 'cache', image: 'redis:8', running: false, volume: null },
        ],
      }),
    ]),
  );
}

function down(backend: FakeBackend): FakeBackend {
  const release = 'e8c6f0137b42';
  return backend.with(
    'billing',
    ok([
      anEnvironment({
        project: 'billing',
        health: 'down',
        serving: release,
        since: ago(60 * 24 * 3),
        instances: [
          anInstance({
            name: 'billing-local-web-e8c6f0',
            release,
            state: { state: 'exited', exit_code: 137, oom: true },
            serving: false,
          }),
        ],
      }),
      anEnvironment({ project: 'billing', environment: 'staging', health: 'empty' }),
    ]),
  );
}

function unreachable(backend: FakeBackend): FakeBackend {
  backend.engine = NO_ENGINE;
  const unknown = { health: 'unknown' as const, serving: null, since: null, url: null, instances: [] };
  return backend
    .with('shop', NO_ENGINE)
    .with(
      'notes',
      ok([anEnvironment({ ...unknown, project: 'notes', unreachable: NO_ENGINE.error.message })]),
    );
}

function long(backend: FakeBackend): FakeBackend {
  const name = 'customer-relationship-and-invoice-reconciliation-service-europe';
  const folder = `/home/ada/projects/clients/2026/a-client-with-a-remarkably-long-name/monorepo/services/${name}`;
  return backend.with(
    name,
    ok([
      anEnvironment({
        project: name,
        environment: 'acceptance-of-the-second-quarter',
        health: 'down',
        since: ago(60 * 24 * 400),
        unreachable: null,
        instances: Array.from({ length: 5 }, (_, index) =>
          anInstance({
            id: String(index),
            name: `${name}-acceptance-web-${String(index)}`,
            state: { state: 'exited', exit_code: 1, oom: false },
            serving: false,
          }),
        ),
      }),
    ]),
    folder,
  );
}

function rolling(backend: FakeBackend): FakeBackend {
  return backend.with(
    'search',
    ok([
      anEnvironment({
        project: 'search',
        serving: '0d4bb1a6c9f8',
        since: ago(60 * 24),
        rollout: '019ab1',
        instances: [...web('0d4bb1a6c9f8', 2), ...web('77aa01fe3c5d', 2)],
      }),
    ]),
  );
}

function many(backend: FakeBackend): FakeBackend {
  const states = ['healthy', 'healthy', 'healthy', 'degraded', 'healthy', 'down', 'empty'] as const;
  for (let index = 0; index < 200; index += 1) {
    const project = `service-${String(index + 1).padStart(3, '0')}`;
    const health = states[index % states.length] ?? 'healthy';
    const local = anEnvironment({ project, health, since: health === 'empty' ? null : ago(index * 17) });
    backend.with(
      project,
      ok([local, anEnvironment({ project, environment: 'staging', since: ago(index * 31) })]),
    );
  }
  return backend;
}

function gone(backend: FakeBackend): FakeBackend {
  return backend.with(
    'prototype',
    failed({
      message: 'the folder /home/ada/projects/prototype is not there',
      hints: ['add the project again from where it is now, or forget it'],
    }),
  );
}

/** One project with a history, whose last run goes on, is red, was refused, or went well. */
function story(
  backend: FakeBackend,
  last?: (run: RunRecord) => ReturnType<typeof red>,
  record: Partial<RunRecord> = {},
) {
  lived(mapped(backend));
  backend.with('notes', ok([anEnvironment({ project: 'notes', since: ago(60 * 7) })]));
  down(backend);
  if (last) {
    const run = aRun('shop', 0, {
      id: 'run-now',
      started_at: ago(0.2),
      finished_at: ago(0),
      release: null,
      state: 'failed',
      ...record,
    });
    backend.runs.unshift(run);
    backend.facedBy.set(run.id, last(run));
    backend.printed.set(run.id, {
      first: 0,
      lines: Array.from({ length: 400 }, (_, number) => ({
        source: number % 3 ? 'unit' : 'types',
        stream: 'stdout' as const,
        at: null,
        text: `tests/test_orders_${String(number % 40)}.py::test_total_of_order_${String(number)} PASSED`,
      })),
      progress: run.state === 'running' ? 'tests/test_orders_7.py (180 of 212)' : null,
      ended: run.state !== 'running',
    });
  }
  return backend;
}

/** Environments that fit to the releases of `lived`. */
function mapped(backend: FakeBackend): FakeBackend {
  const db = { name: 'db', image: 'postgres:17', running: true, volume: 'shop-local-db' };
  const named = (environment: string, release: string, count: number) =>
    Array.from({ length: count }, (_, index) =>
      anInstance({
        id: `${environment}${release}${String(index)}`,
        name: `shop-${environment}-web-${hex(index, 6)}`,
        release,
        started_at: ago(4),
      }),
    );
  return backend.with(
    'shop',
    ok([
      anEnvironment({
        serving: hex(0),
        since: ago(4),
        services: [db],
        instances: [
          ...named('local', hex(0), 3),
          anInstance({
            id: 'w',
            name: 'shop-local-worker-77ab01',
            process: 'worker',
            release: hex(0),
            serving: false,
            started_at: ago(4),
          }),
          anInstance({
            id: 'old',
            name: 'shop-local-web-warm01',
            release: hex(1),
            serving: false,
            started_at: ago(190),
          }),
        ],
      }),
      anEnvironment({
        environment: 'staging',
        serving: hex(2),
        since: ago(380),
        health: 'degraded',
        instances: [
          ...named('staging', hex(2), 2),
          anInstance({
            id: 's3',
            name: 'shop-staging-web-0badc0',
            release: hex(2),
            state: { state: 'restarting', exit_code: 137 },
            restarts: 4,
            serving: false,
          }),
        ],
      }),
      anEnvironment({ environment: 'production', health: 'empty' }),
    ]),
  );
}

const HUGE = 20_000;
const LONG_NAME = `${'a-project-whose-name-goes-on-and-on-'.repeat(9)}`.slice(0, 300);
const RTL_NAME = 'متجر-الكتب-العربية';

const SCENES = {
  empty: (backend: FakeBackend) => backend,
  loading: (backend: FakeBackend) => {
    backend.listing = SILENT;
    backend.engine = SILENT;
    return backend;
  },
  looking: (backend: FakeBackend) => {
    backend.engine = SILENT;
    return backend.with('shop', SILENT).with('notes', SILENT);
  },
  broken: (backend: FakeBackend) => {
    backend.listing = failed({
      code: 'store',
      message: 'the database cannot be read or written: database disk image is malformed',
      causes: ['/home/ada/.local/share/nonevent/state.db, page 7'],
      hints: ['what serves is safe on the target: move the file aside and run `nonevent recover`'],
      details: ['SQLITE_CORRUPT (11)', 'opened with journal_mode = WAL'],
    });
    return backend;
  },
  healthy,
  degraded,
  down,
  unreachable,
  long,
  rolling,
  gone,
  many,
  fresh: (backend: FakeBackend) => {
    backend.facts.set('shop', ok(shopFacts('shop')));
    const empty = (environment: string) => anEnvironment({ environment, health: 'empty', url: null });
    return backend.with('shop', ok(['local', 'staging', 'production'].map(empty)));
  },
  story: (backend: FakeBackend) => story(backend),
  running: (backend: FakeBackend) =>
    story(backend, (run) => going(run), { state: 'running', finished_at: null }),
  red: (backend: FakeBackend) => story(backend, (run) => red(run)),
  refused: (backend: FakeBackend) =>
    story(backend, (run) =>
      refused(run, {
        code: 'lock_refused',
        message: 'the lock `uv.lock` is stale: `pyproject.toml` asks for `httpx`, which it does not pin',
        causes: [],
        hints: ['run `uv lock`, or `nonevent lock`'],
        details: [],
      }),
    ),
  unhealthy: (backend: FakeBackend) =>
    story(backend, (run) =>
      refused(run, {
        code: 'never_healthy',
        message: 'web was not healthy within 60 s',
        causes: ['it listens on port 5000, requests go to 8000'],
        hints: ['set `[app] port = 5000`, or let it listen on `$PORT`'],
        details: [],
        diagnosis: {
          instance: 'shop-local-web-3f2a91',
          summary: 'it listens on port 5000, requests go to 8000',
          suspects: [
            {
              code: 'wrong_port',
              expected: 8000,
              listening: [5000],
              certainty: 'certain',
              sentence: 'it listens on port 5000, requests go to 8000',
              evidence: ['listening: 0.0.0.0:5000', 'GET http://10.66.0.10:8000/healthz: connection refused'],
              fix: 'set `[app] port = 5000`, or let it listen on `$PORT`',
            },
          ],
          evidence: [],
        },
      }),
    ),
  huge: (backend: FakeBackend) => {
    many(story(backend, (run) => red(run, HUGE)));
    for (let number = 14; number < 2_000; number += 1) backend.releases.push(aRelease('shop', number));
    for (let number = 14; number < 1_000; number += 1) {
      backend.runs.push(aRun('shop', number));
      backend.rollouts.push(aRollout('shop', number));
    }
    return backend;
  },
  names: (backend: FakeBackend) => {
    for (const project of [LONG_NAME, RTL_NAME]) {
      backend.with(
        project,
        ok([
          anEnvironment({ project, environment: project === RTL_NAME ? 'اختبار' : 'local', since: ago(90) }),
        ]),
      );
      lived(backend, project, 3);
    }
    const run = aRun(RTL_NAME, 99, { id: 'run-now', state: 'failed' });
    backend.runs.unshift(run);
    backend.facedBy.set(run.id, red(run));
    return backend;
  },
  newer: (backend: FakeBackend) => {
    backend.listing = failed({
      code: 'store',
      message:
        '/home/ada/.local/share/nonevent/state.db was written by a newer version of Nonevent (schema 7, this one knows 1)',
      hints: ['install the newer version, or point NONEVENT_HOME at another folder'],
    });
    return backend;
  },
  readonly: (backend: FakeBackend) => {
    backend.listing = failed({
      code: 'store',
      message:
        'the data folder /home/ada/.local/share/nonevent cannot be used: Read-only file system (os error 30)',
      hints: ['make it writable, or point NONEVENT_HOME at another folder'],
    });
    backend.keeping = failed({
      code: 'not_kept',
      message:
        'the setting holds until the window is closed: /home/ada/.local/share/nonevent/window.json cannot be written',
      causes: ['Read-only file system (os error 30)'],
      hints: ['make the folder writable, or point NONEVENT_HOME at another one'],
    });
    return backend;
  },
  mixed: (backend: FakeBackend) => {
    backend.engine = ok(anEngine({ origin: { rule: 'current_context', name: 'desktop-linux' } }));
    return gone(rolling(down(degraded(healthy(backend))))).with('wiki', SILENT);
  },
};

export type SceneName = keyof typeof SCENES;

/** Returns a backend with the scene of that name; an unknown name is the empty one. */
export function scene(name: string): FakeBackend {
  const make = Object.hasOwn(SCENES, name) ? SCENES[name as SceneName] : SCENES.empty;
  return make(new FakeBackend());
}
