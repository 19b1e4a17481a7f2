/** One project with a history. */
import type { RunRecord } from '../bindings';
import type { FakeBackend } from '../fake';
import { anEnvironment, anInstance, ok } from '../fake';
import { aRun, ago, hex } from '../stories';
import type { red } from '../stories';
import { lived } from './lives';
import { down } from './states';

/** One project with a history, whose last run goes on, is red, was refused, or went well. */
export function story(
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
