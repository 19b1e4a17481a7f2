import { screen, waitFor, within } from '@testing-library/svelte';

import { SILENT, failed, ok } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { shop, show } from './test/show';

describe('what went wrong', () => {
  test('stands beside what scrolls, until it is put away', async () => {
    const { user } = show(scene('refusing'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'Ship to local' }));
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('Ship of local was not started');
    expect(screen.getByRole('main')).not.toContainElement(alert);
    await user.click(within(alert).getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByRole('alert')).toBeNull();
  });

  test('gives the keyboard back to where it was taken from', async () => {
    const { user } = show(scene('refusing'), shop('environments/local'));
    const ship = await screen.findByRole('button', { name: 'Ship to local' });
    await user.click(ship);
    const dismiss = within(await screen.findByRole('alert')).getByRole('button', { name: 'Dismiss' });
    ship.focus();
    dismiss.focus();
    await user.keyboard('{Enter}');
    await waitFor(() => expect(ship).toHaveFocus());
  });

  test('is told in the question from which it was begun, which stays', async () => {
    const { user } = show(scene('refusing'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'More' }));
    await user.click(screen.getByRole('menuitem', { name: 'Restart' }));
    const dialog = await screen.findByRole('dialog', { name: 'Restart local?' });
    await user.click(within(dialog).getByRole('button', { name: 'Restart' }));
    expect(await within(dialog).findByRole('alert')).toHaveTextContent('Restart of local was not started');
    expect(screen.getAllByRole('alert')).toHaveLength(1);
    expect(within(dialog).getByRole('button', { name: 'Restart' })).toBeEnabled();
  });

  test('with a folder that was dropped is told on every screen', async () => {
    const { backend } = show(scene('healthy'), '#/settings');
    await screen.findByRole('heading', { level: 1, name: 'Settings' });
    backend.adding = failed({ message: 'no Python project in /home/ada/music' });
    backend.drag({ kind: 'dropped', paths: ['/home/ada/music'] });
    expect(await screen.findByRole('alert')).toHaveTextContent('/home/ada/music was not added');
  });

  test('with the folder of the data is told there', async () => {
    const { backend, user } = show(scene('healthy'), '#/settings');
    backend.revealing = failed({ message: 'no file manager could be started' });
    await user.click(await screen.findByRole('button', { name: 'Show the folder' }));
    expect(await screen.findByRole('alert')).toHaveTextContent('no file manager could be started');
  });
});

describe('what was done', () => {
  test('is seen for a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const backend = scene('story');
    backend.mending = ok(['uv.lock pins httpx']);
    show(backend, shop('settings'));
    (await screen.findByRole('button', { name: 'Mend the lock' })).click();
    const line = await screen.findByText('uv.lock pins httpx');
    expect(line).toBeVisible();
    expect(line.closest('[role=status]')).not.toHaveClass('unseen');
    vi.advanceTimersByTime(10_000);
    await waitFor(() => expect(screen.queryByText('uv.lock pins httpx')).toBeNull());
    vi.useRealTimers();
  });

  test('is seen of a lock that a page before this one has mended', async () => {
    const backend = scene('story');
    Object.assign(backend, { mends: true, mending: SILENT });
    show(backend, shop('settings'));
    expect(await screen.findByRole('button', { name: 'Mending…' })).toBeDisabled();
    expect(backend.asked).toContain('mendLock shop');
  });

  test('is seen of a folder that was added while another screen is shown', async () => {
    const { backend } = show(scene('healthy'), '#/credentials');
    await screen.findByRole('heading', { level: 1, name: 'Credentials' });
    backend.drag({ kind: 'dropped', paths: ['/home/ada/projects/wiki'] });
    expect(await screen.findByText('wiki was added')).toBeVisible();
  });
});
