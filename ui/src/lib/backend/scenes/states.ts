/** Projects by how they fare. */
import type { FakeBackend } from '../fake';
import { anEnvironment, anInstance, failed, ok } from '../fake';
import { ago } from '../stories';
import { shopFacts, web } from './lives';

export const NO_ENGINE = failed({
  code: 'engine_unreachable',
  message: 'no Docker engine answers at unix:///var/run/docker.sock',
  causes: ['error trying to connect: No such file or directory (os error 2)'],
  hints: ['start Docker, or point `DOCKER_HOST` at an engine that runs'],
});

export function healthy(backend: FakeBackend): FakeBackend {
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

export function degraded(backend: FakeBackend): FakeBackend {
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

export function down(backend: FakeBackend): FakeBackend {
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

export function unreachable(backend: FakeBackend): FakeBackend {
  backend.engine = NO_ENGINE;
  const unknown = { health: 'unknown' as const, serving: null, since: null, url: null, instances: [] };
  return backend
    .with('shop', NO_ENGINE)
    .with(
      'notes',
      ok([anEnvironment({ ...unknown, project: 'notes', unreachable: NO_ENGINE.error.message })]),
    );
}

export function long(backend: FakeBackend): FakeBackend {
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

export function rolling(backend: FakeBackend): FakeBackend {
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

export function many(backend: FakeBackend, projects = 200): FakeBackend {
  const states = ['healthy', 'healthy', 'healthy', 'degraded', 'healthy', 'down', 'empty'] as const;
  for (let index = 0; index < projects; index += 1) {
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

export function gone(backend: FakeBackend): FakeBackend {
  return backend.with(
    'prototype',
    failed({
      message: 'the folder /home/ada/projects/prototype is not there',
      hints: ['add the project again from where it is now, or forget it'],
    }),
  );
}
