/** What a project that was lived with has: runs, releases, rollouts, what was printed. */
import type { EnvironmentStatus, RunRecord } from '../bindings';
import type { FakeBackend } from '../fake';
import { anInstance, ok, someExceptions, someFacts, someRecords } from '../fake';
import { PLAN, aRelease, aRollout, aRun, ago, hex, red, shipped } from '../stories';
import { aHealthReport } from './health';
import { slowestOf, testPastOf, testsOf } from './results';
import { UNTRUSTED, gatePastsOf, jobRunsOf, jobsOf, lettersOf, secretsOf } from './keeping';

export const web = (release: string, count: number): EnvironmentStatus['instances'] =>
  Array.from({ length: count }, (_, index) => anInstance({ id: `${release}${String(index)}`, release }));

/** Gives a project a history: runs, releases, rollouts, what was printed. */
export function lived(backend: FakeBackend, project = 'shop', count = 14): FakeBackend {
  for (let number = 0; number < count; number += 1) {
    backend.releases.push(aRelease(project, number));
    const failedOne = number % 5 === 3;
    const differs: Partial<RunRecord> = failedOne
      ? { state: 'failed', release: null, verb: number % 2 ? 'ship' : 'check' }
      : {};
    const run = aRun(project, number, differs);
    backend.runs.push(run);
    backend.facedBy.set(run.id, failedOne ? red(run) : shipped(run));
    const why =
      number % 6 === 4
        ? ({
            reason: 'rollback',
            message: 'orders are refused since this morning',
            anyway: `migration orders.0007_total was applied by release ${hex(number + 1)}`,
          } as const)
        : {};
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
  backend.records = ok(someRecords(240, project));
  backend.excepted = ok({ groups: someExceptions(), reach: { first: null, last: ago(0), behind: null } });
  backend.facts.set(project, ok(shopFacts(project)));
  backend.fared = (of, environment, seconds) => ok(aHealthReport(of, environment, seconds));
  backend.kept = ok(secretsOf());
  backend.jobsOf = ok(jobsOf());
  backend.jobPrints = [
    { source: 'cleanup', stream: 'stdout', at: null, text: 'looking for carts older than 30 days' },
    { source: 'cleanup', stream: 'stdout', at: null, text: '100 of 212 carts' },
  ];
  backend.jobsRan = ok(jobRunsOf());
  backend.garbage = ok({
    bytes: 812_000_000,
    items: [
      ['image of release 4c0ffee00001, not kept any more', 512_000_000],
      ['caches of the gates of prototype', 300_000_000],
      ['volume nonevent-tools-prototype', 0],
    ],
  });
  backend.letters = ok(lettersOf(project));
  backend.gatePasts = ok(gatePastsOf());
  backend.testsOf = (gate) => ok(gate === 'unit' ? testsOf(project) : []);
  backend.slowest = ok(slowestOf(project));
  backend.testPast = (test) => ok(testPastOf(test, ids(backend)));
  backend.trusting = ok(UNTRUSTED);
  return backend;
}

const ids = ({ runs }: FakeBackend): string[] => runs.map(({ id }) => id);

export function shopFacts(project: string) {
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
