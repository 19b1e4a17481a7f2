import { anEnvironment, anInstance } from '../lib/backend/fake';
import { instances, troubles } from './health';

test('warm instances of an earlier release are counted apart', () => {
  const status = anEnvironment({
    serving: 'new',
    instances: [
      anInstance({ release: 'new' }),
      anInstance({ release: 'new', state: { state: 'created' } }),
      anInstance({ release: 'old' }),
    ],
  });
  expect(instances(status)).toEqual({ running: 1, all: 2, others: 1 });
});

test('what is wrong is said of the serving release and of services', () => {
  const status = anEnvironment({
    serving: 'new',
    instances: [
      anInstance({ release: 'new', name: 'web-1', state: { state: 'exited', exit_code: 137, oom: true } }),
      anInstance({
        release: 'new',
        name: 'web-2',
        state: { state: 'restarting', exit_code: 1 },
        restarts: 1,
      }),
      anInstance({ release: 'old', name: 'web-0', state: { state: 'exited', exit_code: 0, oom: false } }),
    ],
    services: [
      { name: 'db', image: 'postgres:17', running: false, volume: null },
      { name: 'cache', image: 'redis:8', running: true, volume: null },
    ],
  });
  expect(troubles(status)).toEqual([
    'web-1 ended with 137: it ran out of memory',
    'web-2 keeps ending with 1 (1 restart)',
    'service db does not run',
  ]);
});
