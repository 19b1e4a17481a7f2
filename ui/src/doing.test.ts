import { screen, within } from '@testing-library/svelte';

import { failed, ok } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { hex } from './lib/backend/stories';
import { shop, show } from './test/show';

describe('a ship', () => {
  test('waits for a look when it is asked to, and says why it is done', async () => {
    const { backend, user } = show(scene('story'), shop('overview'));
    await user.click(await screen.findByRole('button', { name: 'Ship elsewhere or check' }));
    await user.click(screen.getByRole('menuitem', { name: /^Ship to local with choices/ }));
    const dialog = await screen.findByRole('dialog', { name: 'Ship to local?' });
    await user.click(
      within(dialog).getByRole('checkbox', {
        name: 'Wait for a look at the new instances before traffic moves',
      }),
    );
    expect(within(dialog).queryByRole('checkbox', { name: 'Ship uncommitted changes' })).toBeNull();
    await user.type(within(dialog).getByRole('textbox', { name: /^Why/ }), 'the sale begins');
    await user.click(within(dialog).getByRole('button', { name: 'Ship' }));
    expect(backend.asked).toContain('beginRun shop ship local with a look because the sale begins');
  });

  test('that shows its new instances opens them, and goes on or stops', async () => {
    const { backend, user } = show(scene('previewing'), shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: 'Open them' }));
    expect(backend.asked).toContain('openPreview run-now');
    expect(screen.getByRole('button', { name: 'Stop the run' })).toBeEnabled();
    await user.click(screen.getByRole('button', { name: 'Move traffic' }));
    expect(backend.asked).toContain('approveRun run-now');
  });
});

describe('what was left in the middle', () => {
  test('is ended, and what was done is told', async () => {
    const { backend, user } = show(scene('story'), shop('environments/local'));
    backend.recovering = ok(['local: learned release `3f2a` from the target']);
    await user.click(await screen.findByRole('button', { name: 'More' }));
    await user.click(screen.getByRole('menuitem', { name: 'Recover' }));
    const dialog = await screen.findByRole('dialog', { name: 'Recover local?' });
    expect(backend.asked).not.toContain('recover shop local');
    await user.click(within(dialog).getByRole('button', { name: 'Recover' }));
    expect(await within(dialog).findByText(/learned release/)).toBeVisible();
    expect(within(dialog).queryByRole('button', { name: 'Recover' })).toBeNull();
  });

  test('is not, while somebody works on it, and why is told', async () => {
    const { backend, user } = show(scene('story'), shop('environments/local'));
    backend.recovering = failed({ message: 'shop/local is held by grace@hopper', hints: ['wait for it'] });
    await user.click(await screen.findByRole('button', { name: 'More' }));
    await user.click(screen.getByRole('menuitem', { name: 'Recover' }));
    const dialog = await screen.findByRole('dialog');
    await user.click(within(dialog).getByRole('button', { name: 'Recover' }));
    expect(await within(dialog).findByRole('alert')).toHaveTextContent('held by grace@hopper');
  });
});

describe('space', () => {
  test('is freed after what goes was told', async () => {
    const { backend, user } = show(scene('story'), shop('overview'));
    await screen.findByRole('link', { name: 'Runs' });
    await user.keyboard('{Control>}k{/Control}');
    await user.type(await screen.findByRole('combobox'), 'free space');
    await user.keyboard('{Enter}');
    const dialog = await screen.findByRole('dialog', { name: 'Free space' });
    expect(await within(dialog).findByRole('row', { name: /512.0 MB image of release/ })).toBeVisible();
    expect(backend.asked).toContain('gc tell');
    expect(backend.asked).not.toContain('gc remove');
    await user.click(within(dialog).getByRole('button', { name: 'Remove 812.0 MB' }));
    expect(await within(dialog).findByText('812.0 MB removed')).toBeVisible();
  });
});

describe('two releases', () => {
  test('are compared: commits, packages, secrets by name, and any other one can be chosen', async () => {
    const { backend, user } = show(scene('story'), shop(`releases/${hex(1)}`));
    expect(await screen.findByText('orders: refuse a second payment')).toBeVisible();
    expect(screen.getByRole('row', { name: 'fastapi 0.121.0 0.122.1' })).toBeVisible();
    expect(screen.getByRole('row', { name: /STRIPE_KEY . changed/ })).toBeVisible();
    await user.selectOptions(screen.getByRole('combobox', { name: 'Compared with' }), hex(5));
    expect(await screen.findByRole('heading', { name: `Changed since ${hex(5)}` })).toBeVisible();
    expect(backend.asked).toContain(`releaseDiff shop local ${hex(5)} ${hex(1)}`);
  });
});

describe('settings of a project', () => {
  test('tell what no webhook took, and why', async () => {
    show(scene('story'), shop('settings'));
    expect(await screen.findByText('it answered 404 three times')).toBeVisible();
  });

  test('are written down by a press', async () => {
    const { backend, user } = show(scene('story'), shop('settings'));
    backend.writing = ok(['app.name', 'app.port']);
    await user.click(await screen.findByRole('button', { name: 'Write it down' }));
    expect(await screen.findByText('Added app.name, app.port.')).toBeVisible();
  });
});
