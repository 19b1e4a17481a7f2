import { screen, waitFor, within } from '@testing-library/svelte';

import { failed } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { show } from './test/show';

describe('closing the window', () => {
  test('is asked, and what was answered is kept before the window goes', async () => {
    const { backend, user } = show(scene('closing'));
    const dialog = await screen.findByRole('dialog', { name: 'Keep watching in the background?' });
    expect(await within(dialog).findByText(/^The icon in the tray/)).toBeVisible();
    await user.click(within(dialog).getByRole('button', { name: 'Keep watching' }));
    await waitFor(() => expect(backend.asked).toContain('answerClosing keep'));
    const kept = backend.asked.findIndex((question) => question.includes('"closing":"keep"'));
    expect(kept).toBeGreaterThan(-1);
    expect(kept).toBeLessThan(backend.asked.indexOf('answerClosing keep'));
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  test('once is not for ever', async () => {
    const { backend, user } = show(scene('closing'));
    await user.click(await screen.findByRole('checkbox', { name: /^Do not ask again/ }));
    await user.click(screen.getByRole('button', { name: 'Quit' }));
    await waitFor(() => expect(backend.asked).toContain('answerClosing quit'));
    expect(backend.preferred.closing).toBeNull();
  });

  test('is thought better of', async () => {
    const { backend } = show(scene('closing'));
    const dialog = await screen.findByRole('dialog', { name: 'Keep watching in the background?' });
    dialog.dispatchEvent(new Event('close'));
    await waitFor(() => expect(backend.asked).toContain('answerClosing stay'));
    expect(screen.queryByRole('dialog')).toBeNull();
  });
});

describe('who watches', () => {
  test('is told in the settings, as it changes', async () => {
    const { backend } = show(scene('elsewhere'), '#/settings');
    expect(await screen.findByText(/^Another process watches/)).toBeVisible();
    expect(screen.getByText(/process 4711/)).toBeVisible();
    expect(screen.getByText('3 h ago')).toBeVisible();
    backend.watchedBy({ who: 'here', hindered: ['the project shop: `pyproject.toml` cannot be read'] });
    expect(await screen.findByText(/^This window’s process watches/)).toBeVisible();
    expect(screen.getByText('What it cannot do now')).toBeVisible();
    expect(screen.getByText(/^the project shop/)).toBeVisible();
  });

  test('and that nobody does, with the reason, and is tried again', async () => {
    const { backend, user } = show(scene('unwatched'), '#/projects/shop/health');
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('Read-only file system');
    await user.click(within(alert).getByRole('button', { name: 'Try again' }));
    expect(backend.asked).toContain('watchAgain');
    expect(screen.getByText('Finding out who watches…')).toBeVisible();
  });
});

describe('the settings of the background', () => {
  test('change what closing does', async () => {
    const { backend, user } = show(scene('healthy'), '#/settings');
    const choices = await screen.findByRole('radiogroup', { name: 'When the window is closed' });
    expect(within(choices).getByRole('radio', { name: 'Ask' })).toBeChecked();
    await user.click(within(choices).getByRole('radio', { name: 'Quit' }));
    expect(backend.preferred.closing).toBe('quit');
    await user.click(within(choices).getByRole('radio', { name: 'Ask' }));
    expect(backend.preferred.closing).toBeNull();
  });

  test('start it at login, or say why not', async () => {
    const { backend, user } = show(scene('healthy'), '#/settings');
    const login = await screen.findByRole('switch', { name: 'Start at login' });
    await waitFor(() => expect(login).toBeEnabled());
    await user.click(screen.getByText('Start at login'));
    expect(backend.asked).toContain('startAtLogin at_login');
    expect(login).toBeChecked();
    backend.starting = failed({ message: 'the list cannot be used' });
    await user.click(login);
    expect(await screen.findByRole('alert')).toHaveTextContent('the list cannot be used');
    expect(login).toBeChecked();
  });
});

describe('an address', () => {
  test('leads to its screen, and an incident is open there', async () => {
    const { backend } = show(scene('failing'));
    await screen.findByRole('heading', { level: 1, name: 'Projects' });
    backend.news({ news: 'go', project: 'shop', tab: 'health', item: 'local', mark: '1' });
    await waitFor(() => expect(location.hash).toBe('#/projects/shop/health/local/1'));
    expect(await screen.findByRole('link', { name: 'Health' })).toHaveAttribute('aria-current', 'page');
  });

  test('that is none is told, and put away', async () => {
    const { user } = show(scene('astray'));
    expect(await screen.findByRole('alert')).toHaveTextContent('is the address of no screen');
    await user.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByRole('alert')).toBeNull();
  });
});
