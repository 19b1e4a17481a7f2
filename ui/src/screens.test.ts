import { cleanup, screen, waitFor, within } from '@testing-library/svelte';
import type { UserEvent } from '@testing-library/user-event';

import { SILENT, failed, ok } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { aRelease, aRun, going, hex, shipped } from './lib/backend/stories';
import { TABS } from './lib/route';
import { shop, show } from './test/show';

describe('a project', () => {
  test('is where the address says, and its tabs change the address', async () => {
    const { user } = show(scene('story'), shop('releases'));
    expect(await screen.findByRole('link', { name: 'Releases' })).toHaveAttribute('aria-current', 'page');
    await user.click(screen.getByRole('link', { name: 'Environments' }));
    expect(location.hash).toBe('#/projects/shop/environments');
  });

  test('that is not known here is told, with the way back', async () => {
    show(scene('story'), '#/projects/nowhere');
    expect(
      await screen.findByRole('heading', { level: 1, name: 'No project nowhere is known here' }),
    ).toBeVisible();
  });

  test('is asked once what other laptops released, and is drawn meanwhile', async () => {
    const backend = scene('story');
    backend.learned = SILENT;
    const { user } = show(backend, shop('releases'));
    expect(await screen.findByText(hex(0))).toBeVisible();
    await user.click(screen.getByRole('link', { name: 'Environments' }));
    await user.click(screen.getByRole('link', { name: 'Releases' }));
    expect(backend.asked.filter((question) => question === 'learnHistory shop')).toHaveLength(1);
    expect(backend.asked.filter((question) => question === 'projectReleases shop')).toHaveLength(1);
  });

  test('shows what it learned of other laptops, also the release that an address names', async () => {
    const backend = scene('story');
    const theirs = aRelease('shop', 99);
    vi.spyOn(backend, 'learnHistory').mockImplementation(() => {
      backend.releases.unshift(theirs);
      return Promise.resolve(ok(true));
    });
    show(backend, shop(`releases/${theirs.id}`));
    expect(await screen.findByRole('heading', { level: 2, name: `Release ${theirs.id}` })).toBeVisible();
  });

  test('is shipped by one press, and its run is shown', async () => {
    const { backend, user } = show(scene('story'), shop('overview'));
    backend.onBegin = () => {
      const run = aRun('shop', 0, { id: 'run-new', state: 'running', release: null, finished_at: null });
      backend.runs.unshift(run);
      backend.facedBy.set('run-new', going(run));
    };
    await user.click(await screen.findByRole('button', { name: 'Ship to local' }));
    expect(await screen.findByRole('heading', { level: 2, name: 'Ship to local' })).toBeVisible();
    expect(location.hash).toBe('#/projects/shop/runs/run-new');
    expect(backend.asked).toContain('beginRun shop ship local');
  });

  test('asks for the name of a protected environment, and takes no other', async () => {
    const { backend, user } = show(scene('story'), shop('overview'));
    await user.click(await screen.findByRole('button', { name: 'Ship elsewhere or check' }));
    await user.click(screen.getByRole('menuitem', { name: 'Ship to production' }));
    const dialog = await screen.findByRole('dialog', { name: 'Ship to production?' });
    const ship = within(dialog).getByRole('button', { name: 'Ship' });
    await user.type(within(dialog).getByLabelText('Type production to go on'), 'produktion');
    expect(ship).toBeDisabled();
    await user.clear(within(dialog).getByLabelText('Type production to go on'));
    await user.type(within(dialog).getByLabelText('Type production to go on'), 'production');
    await user.click(ship);
    expect(backend.asked).toContain('beginRun shop ship production as production');
  });

  test('says what happened, why and what to do when a run does not begin', async () => {
    const { backend, user } = show(scene('story'), shop('overview'));
    backend.beginning = failed({ message: 'the folder is gone', hints: ['add it again'] });
    await user.click(await screen.findByRole('button', { name: 'Ship to local' }));
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('Ship of local was not started the folder is gone');
    expect(alert).toHaveTextContent('to do add it again');
  });
});

describe('a run', () => {
  test('that is red shows each finding by file and line, and opens it', async () => {
    const { backend, user } = show(scene('red'), shop('runs/run-now'));
    expect(await screen.findByText('the gauntlet is red: lint, unit')).toBeVisible();
    const list = await screen.findByRole('listbox', { name: 'Findings' });
    expect(within(list).getByText('src/shop/main.py:3')).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Open in editor' }));
    expect(backend.asked).toContain('openInEditor shop src/shop/main.py 3');
    await user.click(screen.getByRole('button', { name: /^unit/ }));
    expect(await within(list).findByText('tests/test_orders_0.py:12')).toBeInTheDocument();
  });

  test('that is red has its findings gone through with the keyboard', async () => {
    const { user } = show(scene('red'), shop('runs/run-now'));
    (await screen.findByRole('listbox', { name: 'Findings' })).focus();
    await user.keyboard('{ArrowDown}{Enter}');
    expect(screen.getByRole('button', { name: 'Copy place src/shop/orders.py:41' })).toBeVisible();
  });

  test('of twenty thousand failed tests has few rows at a time, and finds one', async () => {
    const { user } = show(scene('huge'), shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: /^unit/ }));
    const list = await screen.findByRole('listbox', { name: 'Findings' });
    expect(within(list).getAllByRole('option').length).toBeLessThan(60);
    await user.type(screen.getByRole('textbox', { name: 'Find findings' }), 'order_19999');
    await waitFor(() => {
      expect(within(list).getAllByRole('option')).toHaveLength(1);
    });
  }, 60_000);

  test('that another process goes on with is seen without being asked for', async () => {
    const { backend } = show(scene('running'), shop('runs/run-now'));
    expect(await screen.findByRole('button', { name: 'Cancel' })).toBeVisible();
    const [run] = backend.runs;
    if (!run) throw new Error('the scene has a run');
    backend.runs[0] = { ...run, state: 'succeeded', release: hex(0) };
    backend.facedBy.set(run.id, shipped({ ...run, release: hex(0) }));
    backend.tell('shop');
    expect(await screen.findByText(`Release ${hex(0)} serves in local`)).toBeVisible();
  });

  test('says in words what was unchanged', async () => {
    const backend = scene('story');
    const events = backend.facedBy.get('run-0') ?? [];
    backend.facedBy.set(
      'run-0',
      events.map((event) =>
        event.type === 'stage_finished' && event.data.stage === 'build'
          ? { ...event, data: { ...event.data, state: 'unchanged' } }
          : event,
      ),
    );
    const { user } = show(backend, shop('overview'));
    const image = await screen.findByRole('link', { name: /^Image/ });
    await waitFor(() => expect(within(image).getByText('Unchanged')).not.toHaveClass('unseen'));
    await user.click(image);
    expect(await screen.findByText('unchanged')).toBeVisible();
  });

  test('is stopped by a press', async () => {
    const { backend, user } = show(scene('running'), shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: 'Cancel' }));
    expect(backend.asked).toContain('cancelRun run-now');
    expect(await screen.findByRole('button', { name: 'Stopping…' })).toBeDisabled();
  });

  test('that ran elsewhere says where its output is', async () => {
    const { user } = show(scene('story'), shop('runs/run-0'));
    await user.click(await screen.findByRole('button', { name: 'Output' }));
    expect(await screen.findByText('Its output was not kept here')).toBeVisible();
    await user.click(screen.getByRole('button', { name: /^Findings/ }));
    expect(screen.getByText('The gates found nothing.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: /^lint/ }));
    expect(screen.getByText('This gate found nothing.')).toBeVisible();
  });

  test('that came to no gate does not speak of one', async () => {
    const { user } = show(scene('refused'), shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: /^Findings/ }));
    expect(screen.getByText('No gate ran.')).toBeVisible();
  });

  test('that a stale lock stopped offers to mend it', async () => {
    const { backend, user } = show(scene('refused'), shop('runs/run-now'));
    backend.mending = ok(['uv.lock pins httpx']);
    await user.click(await screen.findByRole('button', { name: 'Mend the lock' }));
    expect(backend.asked).toContain('mendLock shop');
    expect(await screen.findByText('uv.lock pins httpx')).toBeInTheDocument();
  });
});

describe('lists', () => {
  test.each([
    ['runs', ['Run', 'State', 'Release', 'By', 'Took', 'When']],
    ['overview', ['Run', 'State', 'Release', 'By', 'Took', 'When']],
    ['releases', ['Release', 'Source', 'Evidence', 'Serves in', 'Size', 'Made']],
    ['environments/local', ['Release', 'Why', 'State', 'Took', 'When']],
  ])('of %s say what their columns are', async (tab, names) => {
    show(scene('story'), shop(tab));
    await waitFor(() => expect(document.querySelector('main .heads')).not.toBeNull());
    const heads = [...document.querySelectorAll('main .heads span')].map(({ textContent }) => textContent);
    expect(heads.filter((head) => head !== '')).toEqual(names);
  });
});

test('a list that cannot be read says why, and is tried again', async () => {
  const backend = scene('story');
  const read = backend.projectRuns.bind(backend);
  backend.projectRuns = () => Promise.resolve(failed({ message: 'the database cannot be read' }));
  const { user } = show(backend, shop('runs'));
  const alert = await screen.findByRole('alert');
  expect(alert).toHaveTextContent('the database cannot be read');
  expect(screen.queryByText('Looking…')).toBeNull();
  backend.projectRuns = read;
  await user.click(within(alert).getByRole('button', { name: 'Try again' }));
  expect(await screen.findByRole('list', { name: 'Runs' })).toBeVisible();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('arrow keys go from row to row of a list', async () => {
  const { user } = show(scene('story'), shop('runs'));
  const list = await screen.findByRole('list', { name: 'Runs' });
  const [first, second] = await within(list).findAllByRole('link');
  first?.focus();
  await user.keyboard('{ArrowDown}');
  expect(second).toHaveFocus();
  await user.keyboard('{ArrowUp}{ArrowUp}');
  expect(first).toHaveFocus();
});

test('the runs of a gate are one stop of the keyboard, and gone through by arrow keys', async () => {
  const { user } = show(scene('story'), shop('runs/run-0'));
  const runs = await screen.findByRole('list', { name: /^lint: / });
  const links = within(runs).getAllByRole('link');
  expect(links.filter(({ tabIndex }) => tabIndex === 0)).toHaveLength(1);
  links.find(({ tabIndex }) => tabIndex === 0)?.focus();
  await user.keyboard('{Home}');
  expect(links[0]).toHaveFocus();
  await user.keyboard('{ArrowRight}');
  expect(links[1]).toHaveFocus();
});

describe('an environment', () => {
  test('of a project that cannot be looked at is unknown, and why is said', async () => {
    show(scene('gone'), '#/projects/prototype/environments');
    const card = await screen.findByRole('article');
    await waitFor(() => expect(card).toHaveAttribute('aria-busy', 'false'));
    expect(within(card).getByText('Unknown')).toBeVisible();
    expect(within(card).getByText(/prototype is not there/)).toBeVisible();
  });

  test('is where its one strong button ships to', async () => {
    const { backend, user } = show(scene('story'), shop('environments/staging'));
    await user.click(await screen.findByRole('button', { name: 'Ship to staging' }));
    expect(backend.asked).toContain('beginRun shop ship staging');
    expect(screen.queryByRole('button', { name: 'Ship' })).toBeNull();
  });

  test('tells how often an instance began anew, where it did', async () => {
    show(scene('story'), shop('environments/staging'));
    expect(await screen.findByText('4 restarts')).toBeVisible();
    expect(screen.queryByText('0 restarts')).toBeNull();
  });

  test('names another one by a name that is free', async () => {
    show(scene('story'), shop('environments'));
    expect(await screen.findByText(/\[environments\.preview\]/)).toBeVisible();
    cleanup();
    show(scene('story'), shop('environments/nightly'));
    expect(await screen.findByText(/\[environments\.nightly\]/)).toBeVisible();
  });

  test('tells the guarantee before anything is done', async () => {
    show(scene('story'), shop('environments/local'));
    expect(await screen.findByText('No request is lost')).toBeVisible();
  });

  test('is asked once what a ship would do, however often its engine is looked at', async () => {
    const { backend } = show(scene('story'), shop('environments/local'));
    await screen.findByText('No request is lost');
    const asked = (question: string) => backend.asked.filter((one) => one === question).length;
    document.dispatchEvent(new Event('visibilitychange'));
    await waitFor(() => expect(asked('engineInfo')).toBe(2));
    await waitFor(() => expect(asked('projectStatus shop')).toBe(2));
    expect(asked('plan shop local ship')).toBe(1);
  });

  test('goes back to any kept release, after saying what that does', async () => {
    const { backend, user } = show(scene('story'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: `Roll back to ${hex(2)}` }));
    const dialog = await screen.findByRole('dialog', { name: `Roll local back to ${hex(2)}?` });
    expect(backend.asked).toContain(`plan shop local rollback ${hex(2)}`);
    await user.click(within(dialog).getByRole('button', { name: 'Roll back' }));
    expect(backend.asked).toContain(`beginRun shop rollback local to ${hex(2)}`);
  });

  test('loses its data only when its name was typed', async () => {
    const { backend, user } = show(scene('story'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'More' }));
    await user.click(screen.getByRole('menuitem', { name: 'Take down' }));
    const dialog = await screen.findByRole('dialog', { name: 'Take local down?' });
    const down = within(dialog).getByRole('button', { name: 'Take down' });
    expect(down).toBeEnabled();
    await user.click(within(dialog).getByRole('checkbox'));
    expect(down).toBeDisabled();
    await user.type(within(dialog).getByLabelText('Type local to go on'), 'local');
    await user.click(down);
    expect(backend.asked).toContain('beginRun shop down local with its data as local');
  });

  test('is scaled by the line of the project that says how many', async () => {
    const { backend, user } = show(scene('story'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'More' }));
    await user.click(screen.getByRole('menuitem', { name: 'Scale' }));
    const dialog = await screen.findByRole('dialog', { name: 'Scale local' });
    const web = within(dialog).getByRole('spinbutton', { name: 'Instances of web' });
    await user.clear(web);
    await user.type(web, '5');
    expect(within(dialog).getByText('replicas = 5')).toBeInTheDocument();
    await user.click(within(dialog).getByRole('button', { name: 'Open in editor' }));
    expect(backend.asked).toContain('openInEditor shop nonevent.toml 12');
  });
});

describe('a rollout', () => {
  test('tells who asked for it, from where, why, and what was passed over', async () => {
    show(scene('story'), shop('environments/local'));
    const list = await screen.findByRole('list', { name: 'Rollouts' });
    const [row] = within(list).getAllByText(/“orders are refused since this morning”/);
    expect(row).toHaveTextContent(/^by ada from lovelace · in place of /);
    expect(row).toHaveTextContent('went back anyway: migration orders.0007_total was applied');
  });

  test('that failed is none to go back to', async () => {
    show(scene('story'), shop('environments/local'));
    const list = await screen.findByRole('list', { name: 'Rollouts' });
    expect(within(list).getAllByText('Failed')).toHaveLength(2);
    expect(within(list).getAllByText(/web was not healthy within 60 s/)).toHaveLength(2);
    expect(await screen.findByRole('button', { name: `Roll back to ${hex(4)}` })).toBeVisible();
    expect(screen.queryByRole('button', { name: `Roll back to ${hex(5)}` })).toBeNull();
  });
});

describe('a release', () => {
  test('shows what changed since the one before', async () => {
    show(scene('story'), shop(`releases/${hex(1)}`));
    expect(await screen.findByRole('heading', { name: `Changed since ${hex(2)}` })).toBeVisible();
    expect(screen.getByRole('row', { name: /^unit green, 210 tests/ })).toBeVisible();
  });

  test('is one of two thousand, of which few are drawn', async () => {
    show(scene('huge'), shop('releases'));
    const list = await screen.findByRole('list', { name: 'Releases' });
    expect(screen.getByText('2,000 releases')).toBeVisible();
    expect(list.querySelectorAll('.release').length).toBeLessThan(60);
  });
});

describe('the keyboard', () => {
  /** Takes the first entry of the palette for some words. */
  async function find(user: UserEvent, words: string) {
    await user.keyboard('{Control>}k{/Control}');
    await user.type(await screen.findByRole('combobox'), words);
    await user.keyboard('{Enter}');
  }

  async function ready(name = 'story') {
    const shown = show(scene(name), shop('overview'));
    await screen.findByRole('link', { name: 'Runs' });
    await screen.findAllByText('Healthy');
    await screen.findByRole('heading', { name: 'Latest runs' });
    return shown;
  }

  test.each<[string, string]>([
    ['all projects', '#/projects'],
    ['settings nonevent', '#/settings'],
    ['credentials nonevent', '#/credentials'],
    ['billing', '#/projects/billing/overview'],
    ...TABS.map((tab): [string, string] => [`${tab} shop`, shop(tab)]),
    ['staging shop', shop('environments/staging')],
    ['logs local', shop('logs/local')],
    ['jobs local', shop('environments/local')],
    [hex(3), shop(`releases/${hex(3)}`)],
  ])('goes by the palette to %s', async (words, address) => {
    const { user } = await ready();
    await find(user, words);
    expect(location.hash).toBe(address);
  });

  test('goes by the palette to a run', async () => {
    const { user } = await ready('red');
    await find(user, 'ship to local monday');
    expect(location.hash).toMatch(/\/runs\/run-/);
  });

  test.each([
    ['ship to staging', 'beginRun shop ship staging'],
    ['check shop', 'beginRun shop check'],
    ['mend the lock', 'mendLock shop'],
    ['write it down', 'writeConfiguration shop'],
    ['send a test staging', 'notifyTest shop staging'],
    ['open local', 'openEnvironment shop local'],
    ['add project', 'chooseFolder'],
  ])('does by the palette: %s', async (words, question) => {
    const { backend, user } = await ready();
    await find(user, words);
    await waitFor(() => expect(backend.asked).toContain(question));
  });

  test.each([
    ['ship to staging with choices', 'Ship to staging?'],
    ['check with choices', 'Check shop?'],
    ['recover local', 'Recover local?'],
    ['scale local', 'Scale local'],
    ['roll back staging', /^Roll staging back/],
    ['restart local', 'Restart local?'],
    ['take down local', 'Take local down?'],
    ['free space', 'Free space'],
    ['set a secret', 'Set a secret'],
    ['add a login', 'Keep the login of a registry'],
    ['trust the https', 'Trust the HTTPS of local apps?'],
    ['forget this project', 'Forget shop?'],
  ])('asks by the palette: %s', async (words, title) => {
    const { user } = await ready();
    await find(user, words);
    expect(await screen.findByRole('dialog', { name: title })).toBeVisible();
  });

  test('cancels by the palette what goes on', async () => {
    const { backend, user } = await ready('running');
    await find(user, 'cancel ship');
    expect(backend.asked).toContain('cancelRun run-now');
  });

  test('asks by the palette whose a lock is', async () => {
    const { user } = await ready('locked');
    await find(user, 'the lock of local');
    expect(await screen.findByRole('dialog', { name: 'The lock of local' })).toBeVisible();
  });

  test('reaches the field of a screen after a choice was pressed', async () => {
    const { user } = show(scene('healthy'), '#/settings');
    await user.click(await screen.findByText('Dark'));
    await user.keyboard('gp');
    expect(location.hash).toBe('#/projects');
    await user.keyboard('/');
    expect(await screen.findByRole('textbox', { name: 'Find projects' })).toHaveFocus();
  });

  test('is at the head of a screen that was gone to, not of the first', async () => {
    const { user } = show(scene('story'), shop('overview'));
    await user.click(await screen.findByRole('link', { name: 'Runs' }));
    await waitFor(() => expect(screen.getByRole('heading', { level: 1, name: 'shop' })).toHaveFocus());
    cleanup();
    show(scene('story'), shop('overview'));
    expect(await screen.findByRole('heading', { level: 1, name: 'shop' })).not.toHaveFocus();
  });

  test('goes through a menu by arrows, and out by Escape', async () => {
    const { user } = show(scene('story'), shop('environments/local'));
    const more = await screen.findByRole('button', { name: 'More' });
    await user.click(more);
    await waitFor(() => {
      expect(screen.getByRole('menuitem', { name: 'Restart' })).toHaveFocus();
    });
    await user.keyboard('{ArrowDown}');
    expect(screen.getByRole('menuitem', { name: 'Scale' })).toHaveFocus();
    await user.keyboard('{Escape}');
    expect(screen.queryByRole('menu')).toBeNull();
    expect(more).toHaveFocus();
  });
});

describe('settings', () => {
  test('of the window are kept, and what is not kept is told', async () => {
    const { backend, user } = show(scene('healthy'), '#/settings');
    await user.click(await screen.findByText('Dark'));
    expect(document.documentElement.dataset.theme).toBe('dark');
    expect(backend.preferred.theme).toBe('dark');
    backend.keeping = failed({ message: 'read-only', hints: ['make it writable'] });
    await user.click(screen.getByText('Light'));
    expect(await screen.findByRole('alert')).toHaveTextContent('The setting was not kept');
  });

  test('of a project tell where each value came from', async () => {
    const { backend, user } = show(scene('story'), shop('settings'));
    await user.click(await screen.findByRole('button', { name: 'nonevent.toml:12' }));
    expect(backend.asked).toContain('openInEditor shop nonevent.toml 12');
  });
});
