import { screen, waitFor, within } from '@testing-library/svelte';

import type { Problem, RunRecord } from './lib/backend';
import { FakeBackend, failed, ok } from './lib/backend/fake';
import { shopFacts } from './lib/backend/scenes/lives';
import { story } from './lib/backend/scenes/story';
import { aRun, hex, refused, shipped } from './lib/backend/stories';
import { shop, show } from './test/show';

const problem = (code: string): Problem => failed({ code, message: `it was refused: ${code}` }).error;

/** A run of another process that was refused. */
function refusedRun(code: string, record: Partial<RunRecord>) {
  const backend = story(new FakeBackend(), (run) => refused(run, problem(code)), record);
  return show(backend, shop('runs/run-now'));
}

/** What becomes of runs that are begun here: they are refused. */
function refuseRuns(backend: FakeBackend, code: string) {
  backend.onBegin = (project, request) => {
    const environment = 'environment' in request ? request.environment : null;
    const run = aRun(project, 0, { id: 'run-new', verb: request.verb, environment, state: 'failed' });
    backend.runs.unshift(run);
    backend.facedBy.set('run-new', refused(run, problem(code)));
  };
}

const wait = 'Wait for it, then go on';

describe('waiting for whoever holds an environment', () => {
  test('goes on with a restart', async () => {
    const { backend, user } = refusedRun('locked', { verb: 'restart' });
    await user.click(await screen.findByRole('button', { name: wait }));
    expect(backend.asked).toContain('beginRun shop restart local waiting');
  });

  test('asks before it takes down, and ships nothing', async () => {
    const { backend, user } = refusedRun('locked', { verb: 'down' });
    await user.click(await screen.findByRole('button', { name: wait }));
    const dialog = await screen.findByRole('dialog', { name: 'Take local down?' });
    expect(within(dialog).getByRole('checkbox', { name: /^Wait until whoever holds it/ })).toBeChecked();
    await user.click(within(dialog).getByRole('button', { name: 'Take down' }));
    expect(backend.asked).toContain('beginRun shop down local waiting');
    expect(backend.asked.join()).not.toContain('beginRun shop ship');
  });

  test('asks what a ship that was begun elsewhere shall do', async () => {
    const { backend, user } = refusedRun('locked', { verb: 'ship' });
    await user.click(await screen.findByRole('button', { name: wait }));
    const dialog = await screen.findByRole('dialog', { name: 'Ship to local?' });
    await user.click(within(dialog).getByRole('button', { name: 'Ship' }));
    expect(backend.asked).toContain('beginRun shop ship local waiting');
  });

  test('goes back to the release that was chosen', async () => {
    const run = { verb: 'rollback', release: null } as const;
    const backend = story(
      new FakeBackend(),
      (record) => {
        const events = shipped(record).filter(({ type }) => type === 'rollout_planned');
        return [...events, ...refused(record, problem('locked'), 100)];
      },
      run,
    );
    const { user } = show(backend, shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: wait }));
    expect(backend.asked).toContain(`beginRun shop rollback local to ${hex(0)} waiting`);
  });

  test('asks where a rollback goes of which that is not known', async () => {
    const { backend, user } = refusedRun('locked', { verb: 'rollback' });
    await user.click(await screen.findByRole('button', { name: wait }));
    expect(await screen.findByRole('dialog', { name: /^Roll local back/ })).toBeVisible();
    expect(backend.asked.join()).not.toContain('beginRun');
  });

  test('is not offered for what this window cannot begin', async () => {
    refusedRun('locked', { verb: 'recover' });
    expect(await screen.findByText('it was refused: locked')).toBeVisible();
    expect(screen.queryByRole('button', { name: wait })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Run again' })).toBeNull();
  });
});

describe('a run that was begun here', () => {
  test('is begun again as it was asked for', async () => {
    const { backend, user } = show(story(new FakeBackend()), shop('overview'));
    refuseRuns(backend, 'locked');
    backend.beginning = ok('run-new');
    await user.click(await screen.findByRole('button', { name: 'Ship elsewhere or check' }));
    await user.click(screen.getByRole('menuitem', { name: /^Ship to local with choices/ }));
    const dialog = await screen.findByRole('dialog', { name: 'Ship to local?' });
    await user.click(within(dialog).getByRole('checkbox', { name: /^Run every gate/ }));
    await user.click(within(dialog).getByRole('checkbox', { name: /^Stop the other gates/ }));
    await user.type(within(dialog).getByRole('textbox', { name: /^Why/ }), 'a sale');
    await user.click(within(dialog).getByRole('button', { name: 'Ship' }));
    await user.click(await screen.findByRole('button', { name: wait }));
    expect(backend.asked).toContain(
      'beginRun shop ship local every gate until one is red waiting because a sale',
    );
    await user.click(await screen.findByRole('button', { name: 'Run again' }));
    expect(
      backend.asked.filter((question) => question.endsWith('until one is red because a sale')),
    ).toHaveLength(2);
  });

  test('and that went to a release goes there again, after asking', async () => {
    const { backend, user } = show(story(new FakeBackend()), shop('environments/local'));
    refuseRuns(backend, 'failed');
    backend.beginning = ok('run-new');
    await user.click(await screen.findByRole('button', { name: `Roll back to ${hex(3)}` }));
    await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Roll back' }));
    await user.click(await screen.findByRole('button', { name: 'Run again' }));
    expect(await screen.findByRole('dialog', { name: `Roll local back to ${hex(3)}?` })).toBeVisible();
  });
});

describe('what stood in the way', () => {
  test.each([
    ['secret_missing', 'Go to the secrets', shop('secrets')],
    ['vault_closed', 'Go to the credentials', '#/credentials'],
    ['keychain_locked', 'Go to the credentials', '#/credentials'],
  ])('%s leads to where it is mended', async (code, name, address) => {
    const { user } = refusedRun(code, { verb: 'ship' });
    await user.click(await screen.findByRole('button', { name }));
    expect(location.hash).toBe(address);
  });

  test('an engine out of reach is tried again', async () => {
    const { backend, user } = refusedRun('engine_unreachable', { verb: 'check', environment: null });
    await user.click(await screen.findByRole('button', { name: 'Try again' }));
    expect(backend.asked).toContain('beginRun shop check');
  });

  test('a failed Take down is asked about again', async () => {
    const { user } = refusedRun('failed', { verb: 'down' });
    await user.click(await screen.findByRole('button', { name: 'Run again' }));
    expect(await screen.findByRole('dialog', { name: 'Take local down?' })).toBeVisible();
  });
});

describe('an environment that asks for its name', () => {
  test('which the page did not know of is asked about when the engine says so', async () => {
    const { backend, user } = show(story(new FakeBackend()), shop('overview'));
    await screen.findByRole('button', { name: 'Ship to local' });
    backend.beginning = failed({ code: 'name_wanted', message: '`local` asks for its name' });
    await user.click(screen.getByRole('button', { name: 'Ship to local' }));
    const dialog = await screen.findByRole('dialog', { name: 'Ship to local?' });
    expect(within(dialog).getByRole('button', { name: 'Ship' })).toBeDisabled();
    backend.beginning = ok('run-new');
    await user.type(within(dialog).getByLabelText('Type local to go on'), 'local');
    await user.click(within(dialog).getByRole('button', { name: 'Ship' }));
    expect(backend.asked).toContain('beginRun shop ship local as local');
    await waitFor(() => {
      expect(screen.queryByRole('dialog')).toBeNull();
    });
  });

  test('also for what is asked about already, which keeps what was typed', async () => {
    const { backend, user } = show(story(new FakeBackend()), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'More' }));
    await user.click(screen.getByRole('menuitem', { name: 'Restart' }));
    const dialog = await screen.findByRole('dialog', { name: 'Restart local?' });
    expect(await within(dialog).findByText('No request is lost')).toBeVisible();
    expect(within(dialog).getByRole('link', { name: hex(0) })).toBeVisible();
    expect(backend.asked).toContain('plan shop local restart');
    await user.type(within(dialog).getByRole('textbox', { name: /^Why/ }), 'it leaks');
    backend.beginning = failed({ code: 'name_wanted', message: '`local` asks for its name' });
    await user.click(within(dialog).getByRole('button', { name: 'Restart' }));
    await user.type(await within(dialog).findByLabelText('Type local to go on'), 'local');
    backend.beginning = ok('run-new');
    await user.click(within(dialog).getByRole('button', { name: 'Restart' }));
    expect(backend.asked).toContain('beginRun shop restart local as local because it leaks');
  });
});

describe('choices', () => {
  test('of a check are those of the command line', async () => {
    const { backend, user } = show(story(new FakeBackend()), shop('runs'));
    await user.click(await screen.findByRole('button', { name: 'Ship elsewhere or check' }));
    await user.click(screen.getByRole('menuitem', { name: /^Check with choices/ }));
    const dialog = await screen.findByRole('dialog', { name: 'Check shop?' });
    await user.click(within(dialog).getByRole('checkbox', { name: /^Run every gate/ }));
    await user.click(within(dialog).getByRole('button', { name: 'Check' }));
    expect(backend.asked).toContain('beginRun shop check every gate');
  });

  test('not to wait for the bake is one where the environment bakes', async () => {
    const backend = story(new FakeBackend());
    const facts = shopFacts('shop');
    const local = { key: 'environments.local.bake', value: '"0s"', origin: { from: 'default' } } as const;
    backend.facts.set('shop', ok({ ...facts, settings: [...facts.settings, local] }));
    const { user } = show(backend, shop('environments/local'));
    const detach = 'Do not wait for the bake; the next start of Nonevent ends it';
    const choose = async (environment: string) => {
      await user.click(await screen.findByRole('button', { name: 'Ship elsewhere or check' }));
      await user.click(screen.getByRole('menuitem', { name: new RegExp(`^Ship to ${environment} with`) }));
      return screen.findByRole('dialog');
    };
    const first = await choose('local');
    expect(within(first).queryByRole('checkbox', { name: detach })).toBeNull();
    await user.click(within(first).getByRole('button', { name: 'Leave it' }));
    location.hash = shop('environments/staging');
    await screen.findByRole('button', { name: 'Ship to staging' });
    const dialog = await choose('staging');
    await user.click(within(dialog).getByRole('checkbox', { name: detach }));
    await user.click(within(dialog).getByRole('button', { name: 'Ship' }));
    expect(backend.asked).toContain('beginRun shop ship staging detached');
  });
});

test('a rollback to the last known good says which one that is, with its plan', async () => {
  const { backend, user } = show(story(new FakeBackend()), shop('environments/local'));
  await user.click(await screen.findByRole('button', { name: 'Roll back' }));
  const dialog = await screen.findByRole('dialog', { name: 'Roll local back?' });
  expect(await within(dialog).findByText('No request is lost')).toBeVisible();
  expect(within(dialog).getAllByRole('link', { name: hex(1) })[0]).toBeVisible();
  expect(backend.asked).toContain('plan shop local rollback');
  await user.click(within(dialog).getByRole('button', { name: 'Roll back' }));
  expect(backend.asked).toContain(`beginRun shop rollback local to ${hex(1)}`);
});

test('a plan that comes when nobody asks any more is nothing', async () => {
  const backend = story(new FakeBackend());
  const { user } = show(backend, shop('environments/local'));
  let tell: (() => void) | undefined;
  const { plan } = backend;
  backend.plan = (...question) =>
    new Promise((resolve) => {
      tell = () => {
        void plan.apply(backend, question).then(resolve);
      };
    });
  await user.click(await screen.findByRole('button', { name: `Roll back to ${hex(2)}` }));
  await user.click(await screen.findByRole('button', { name: 'Leave it' }));
  tell?.();
  await new Promise((resolve) => setTimeout(resolve));
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('what takes something away has the keyboard on leaving it', async () => {
  const { user } = show(story(new FakeBackend()), shop('environments/local'));
  await user.click(await screen.findByRole('button', { name: 'More' }));
  await user.click(screen.getByRole('menuitem', { name: 'Take down' }));
  const dialog = await screen.findByRole('dialog', { name: 'Take local down?' });
  expect(within(dialog).getByRole('button', { name: 'Leave it' })).toHaveProperty('autofocus', true);
});
