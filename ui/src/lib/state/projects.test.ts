import { FakeBackend, anEnvironment, failed, ok } from '../backend/fake';
import { Projects } from './projects.svelte';

async function started(backend: FakeBackend): Promise<Projects> {
  const projects = new Projects(backend);
  await projects.read();
  await settled();
  backend.asked.length = 0;
  return projects;
}

/** Lets every answer that is there already arrive. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

test('an event makes only its project be looked at again', async () => {
  const backend = new FakeBackend().with('notes', ok([anEnvironment()])).with('shop', ok([anEnvironment()]));
  await started(backend);
  backend.tell('shop');
  await settled();
  expect(backend.asked).toEqual(['knownProjects', 'eventsAfter 0', 'projectStatus shop']);
  backend.tell('notes');
  await settled();
  expect(backend.asked.slice(3)).toEqual(['knownProjects', 'eventsAfter 1', 'projectStatus notes']);
});

test('a project that another process added appears', async () => {
  const backend = new FakeBackend();
  const projects = await started(backend);
  backend.with('shop', ok([anEnvironment()]));
  backend.tell();
  await settled();
  expect(projects.listing).toMatchObject({ state: 'read', projects: [{ name: 'shop' }] });
  expect(projects.look('shop')?.environments).toHaveLength(1);
});

test('an event that happens while the list is read is not missed', async () => {
  const backend = new FakeBackend().with('shop', ok([anEnvironment()]));
  await started(backend);
  // Something that is no event, and an event before the page has read the list that the former made it read.
  backend.tell();
  backend.events.push({ seq: 1, at: '', project: 'shop', run: 'run' });
  backend.tell();
  await settled();
  expect(backend.asked).toContain('projectStatus shop');
});

test('more events than one answer holds make every project be looked at again', async () => {
  const backend = new FakeBackend().with('notes', ok([anEnvironment()])).with('shop', ok([anEnvironment()]));
  await started(backend);
  for (let count = 0; count < 500; count += 1)
    backend.events.push({ seq: count + 1, at: '', project: 'shop', run: 'run' });
  backend.tell();
  await settled();
  expect(backend.asked).toContain('projectStatus notes');
});

test('who could not listen listens when the list is read again', async () => {
  const backend = new FakeBackend().with('shop', ok([anEnvironment()]));
  backend.telling = failed({ message: 'the database is busy' });
  const projects = await started(backend);
  backend.telling = ok(null);
  await projects.read();
  await projects.read();
  expect(backend.asked.filter((question) => question === 'follow')).toHaveLength(1);
  backend.asked.length = 0;
  backend.tell('shop');
  await settled();
  expect(backend.asked).toContain('projectStatus shop');
});

test('a failed look keeps what was seen, but not its light', async () => {
  const backend = new FakeBackend().with('shop', ok([anEnvironment({ serving: '3f2a91c04be7' })]));
  const projects = await started(backend);
  backend.statuses.set('shop', failed({ message: 'it is gone' }));
  projects.lookAtAll();
  await settled();
  expect(projects.look('shop')).toMatchObject({
    environments: [{ serving: '3f2a91c04be7', health: 'unknown' }],
    problem: { message: 'it is gone' },
  });
});

test('a forgotten project is not looked at any more', async () => {
  const backend = new FakeBackend().with('shop', ok([anEnvironment()]));
  const projects = await started(backend);
  await projects.forget('shop');
  projects.lookAtAll();
  await settled();
  expect(projects.look('shop')).toBeUndefined();
  expect(backend.asked).toEqual(['forgetProject shop', 'knownProjects']);
});
