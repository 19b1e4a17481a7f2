import { screen } from '@testing-library/svelte';

import { scene } from './lib/backend/scenes';
import { show } from './test/show';

describe('a project that is checked on save', () => {
  test('says so, wherever one is in it, until somebody stops it', async () => {
    const { backend, user } = show(scene('story'), '#/projects/shop/runs');
    await user.click(await screen.findByRole('button', { name: 'Ship elsewhere or check' }));
    await user.click(await screen.findByRole('menuitem', { name: /^Check on save/ }));
    expect(await screen.findByText('Checked on save')).toBeVisible();
    expect(backend.asked).toContain('checkOnSave shop on');

    await user.click(screen.getByRole('button', { name: 'Stop' }));
    expect(backend.asked).toContain('checkOnSave shop off');
    await expect.poll(() => screen.queryByText('Checked on save')).toBeNull();
  });

  test('is one still when the page is loaded anew', async () => {
    const backend = scene('story');
    backend.onSave.add('shop');
    show(backend, '#/projects/shop/overview');
    expect(await screen.findByText('Checked on save')).toBeVisible();
  });
});
