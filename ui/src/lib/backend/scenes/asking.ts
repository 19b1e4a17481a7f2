/** Runs that wait for a person, or were stopped by what another one does. */
import type { EventBody, Event, HeldPage, Plan, Question, RunRecord } from '../bindings';
import type { FakeBackend } from '../fake';
import { failed } from '../fake';
import { PLAN, ago, hex, refused, shipped } from '../stories';
import { story } from './story';

const RISKY: Plan = {
  ...PLAN,
  strategy: { kind: 'blue_green' },
  guarantee: {
    zero_downtime: 'no',
    because: 'the volume `media` is not shared: the old instance stops before the new one starts',
  },
  needs: {
    instances: 3,
    memory: 412_000_000,
    memory_free: 9_800_000_000,
    disk: 1_200_000,
    disk_free: 41_000_000_000,
  },
  expected_ms: 9_400,
  steps: [
    { step: 'prepare', title: 'prepare network, proxy and services' },
    { step: 'retire', process: 'web', count: 1, title: 'stop 1 × web: the volume `media` becomes free' },
    { step: 'start', process: 'web', count: 1, title: 'start 1 × web' },
    { step: 'await', title: 'wait until each is healthy' },
    { step: 'observe', title: 'observe what serves' },
  ],
};

/** A ship that has come to its rollout and asks. */
function waiting(run: RunRecord, question: Question, plan: Plan): Event[] {
  const events = shipped(run);
  const place = events.findIndex(({ type }) => type === 'rollout_planned');
  const before = events.slice(0, place);
  const [head] = events;
  if (!head) return [];
  const bodies: EventBody[] = [
    { type: 'rollout_planned', data: { rollout: 'rollout-0', plan } },
    ...(question.about === 'preview'
      ? ([
          { type: 'step_started', data: { position: 0, ...PLAN.steps[0] } },
          {
            type: 'step_finished',
            data: { position: 0, ...PLAN.steps[0], state: 'done', duration_ms: 90 },
          },
        ] as EventBody[])
      : []),
    { type: 'approval_wanted', data: { rollout: 'rollout-0', question } },
  ];
  return [
    ...before,
    ...bodies.map((body, index) => ({ ...head, ...body, seq: before.length + 1 + index })),
  ] as Event[];
}

const GOING: Partial<RunRecord> = { state: 'running', finished_at: null };

export function asking(backend: FakeBackend): FakeBackend {
  const { guarantee } = RISKY;
  const because = guarantee.zero_downtime === 'no' ? guarantee.because : '';
  return story(backend, (run) => waiting(run, { about: 'downtime', because }, RISKY), GOING);
}

/** The same where another process runs it. */
export function askingElsewhere(backend: FakeBackend): FakeBackend {
  asking(backend);
  backend.printed.clear();
  return backend;
}

export function previewing(backend: FakeBackend): FakeBackend {
  const question: Question = { about: 'preview', url: 'http://preview.shop.localhost:8080' };
  return story(backend, (run) => waiting(run, question, PLAN), GOING);
}

const HELD: HeldPage = {
  owner: 'grace@hopper',
  pid: 41_212,
  purpose: `ship ${hex(1)}`,
  since: ago(3),
  number: 12,
  silent_ms: 4_100,
  life: 'living',
};

/** An environment that somebody else holds, and a run that was refused for that. */
export function locked(backend: FakeBackend): FakeBackend {
  story(backend, (run) =>
    refused(run, {
      code: 'locked',
      message: `shop/local is held by grace@hopper since 3 min: ship ${hex(1)}`,
      causes: [],
      hints: ['wait for it with `--wait`, or take the lock away with `nonevent unlock`'],
      details: [],
    }),
  );
  const status = backend.statuses.get('shop');
  if (typeof status === 'object' && status.status === 'ok')
    for (const one of status.data)
      if (one.environment === 'local') one.held_by = `grace@hopper, ship ${hex(1)}, since 3 min`;
  backend.holders.set('shop local', HELD);
  return backend;
}

/** A rollback that the database's migrations forbid. */
export function ahead(backend: FakeBackend): FakeBackend {
  story(backend);
  backend.beginning = failed({
    code: 'schema_ahead',
    message: `local was not touched: migration orders.0007_total (and 1 more) was applied by release ${hex(0)}, and release ${hex(1)} does not know it`,
    causes: ['an app that reads a schema which is ahead of it may fail, or write what is wrong'],
    hints: [
      'take the migration back by the project’s own tool in a new release, or ship a release that knows it',
    ],
    details: ['orders.0007_total', 'orders.0008_backfill'],
  });
  return backend;
}
