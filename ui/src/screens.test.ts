import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';

import App from './App.svelte';
import type { FakeBackend } from './lib/backend/fake';
import { failed, ok } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { aRun, going, hex, shipped } from './lib/backend/stories';

function show(backend: FakeBackend, hash: string) {
  location.hash = hash;
  render(App, { backend });
  return { backend, user: userEvent.setup() };
}

const shop = (rest: string) => `#/projects/shop/${rest}`;

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
    const list = await screen.findByRole('list', { name: 'Findings' });
    expect(within(list).getByText('src/shop/main.py:3')).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Open in editor' }));
    expect(backend.asked).toContain('openInEditor shop src/shop/main.py 3');
    await user.click(screen.getByRole('button', { name: /^unit/ }));
    expect(await within(list).findByText('tests/test_orders_0.py:12')).toBeInTheDocument();
  });

  test('of twenty thousand failed tests has few rows at a time, and finds one', async () => {
    const { user } = show(scene('huge'), shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: /^unit/ }));
    const list = await screen.findByRole('list', { name: 'Findings' });
    expect(within(list).getAllByRole('listitem').length).toBeLessThan(60);
    await user.type(screen.getByRole('textbox', { name: 'Find findings' }), 'order_19999');
    await waitFor(() => {
      expect(within(list).getAllByRole('listitem')).toHaveLength(1);
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

  test('is stopped by a press', async () => {
    const { backend, user } = show(scene('running'), shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: 'Cancel' }));
    expect(backend.asked).toContain('cancelRun run-now');
    expect(await screen.findByRole('button', { name: 'Stopping…' })).toBeDisabled();
  });

  test('that a stale lock stopped offers to mend it', async () => {
    const { backend, user } = show(scene('refused'), shop('runs/run-now'));
    backend.mending = ok(['uv.lock pins httpx']);
    await user.click(await screen.findByRole('button', { name: 'Mend the lock' }));
    expect(backend.asked).toContain('mendLock shop');
    expect(await screen.findByText('uv.lock pins httpx')).toBeInTheDocument();
  });
});

describe('an environment', () => {
  test('tells the guarantee before anything is done', async () => {
    show(scene('story'), shop('environments/local'));
    expect(await screen.findByText('No request is lost')).toBeVisible();
  });

  test('goes back to any kept release, after saying what that does', async () => {
    const { backend, user } = show(scene('story'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: `Roll back to ${hex(2)}` }));
    const dialog = await screen.findByRole('dialog', { name: `Roll local back to ${hex(2)}?` });
    expect(backend.asked).toContain(`plan shop local ${hex(2)}`);
    await user.click(within(dialog).getByRole('button', { name: 'Roll back' }));
    expect(backend.asked).toContain('beginRun shop rollback local');
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
    expect(backend.asked).toContain('beginRun shop down local as local');
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

describe('a release', () => {
  test('shows what changed since the one before', async () => {
    show(scene('story'), shop(`releases/${hex(1)}`));
    expect(await screen.findByRole('heading', { name: `Changed since ${hex(2)}` })).toBeVisible();
    expect(screen.getByRole('row', { name: /^unit green, 210 tests/ })).toBeVisible();
  });

  test('is one of two thousand, of which few are drawn', async () => {
    show(scene('huge'), shop('releases'));
    const list = await screen.findByRole('list', { name: 'Releases' });
    expect(screen.getByText('2000 releases')).toBeVisible();
    expect(list.querySelectorAll('.release').length).toBeLessThan(60);
  });
});

describe('the keyboard', () => {
  test('reaches every screen and every action by the palette', async () => {
    const { backend, user } = show(scene('story'), shop('overview'));
    await screen.findByRole('link', { name: 'Runs' });
    await screen.findAllByText('Healthy');
    await user.keyboard('{Control>}k{/Control}');
    await user.type(await screen.findByRole('combobox'), 'restart local');
    await user.keyboard('{Enter}');
    expect(await screen.findByRole('dialog', { name: 'Restart local?' })).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Restart' }));
    expect(backend.asked).toContain('beginRun shop restart local');
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
