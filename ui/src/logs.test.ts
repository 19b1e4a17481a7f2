import { screen, waitFor, within } from '@testing-library/svelte';

import { aRecord, failed, ok, someRecords } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { shop, show } from './test/show';

const list = () => screen.findByRole('listbox', { name: 'Records' });
const query = () => new URLSearchParams(location.hash.split('?')[1]);

describe('records', () => {
  test('are there with their level, their instance and what they say, the newest last', async () => {
    show(scene('story'), shop('logs/local'));
    const rows = within(await list()).getAllByRole('option');
    expect(rows.at(-1)).toHaveAttribute('aria-posinset', '240');
    expect(rows.at(-1)).toHaveTextContent('GET /orders/1239 200');
    expect(screen.getByText('240 records')).toBeVisible();
  });

  test('are narrowed by the language of the command line, which stands in the address', async () => {
    const { backend, user } = show(scene('story'), shop('logs/local'));
    await user.type(await screen.findByRole('textbox', { name: 'Filter' }), '"paid twice"');
    expect(await screen.findByText('14 records')).toBeVisible();
    expect(query().get('q')).toBe('"paid twice"');
    expect(backend.asked).toContain('logRecords shop local "paid twice"');
  });

  test('are shown as the address says', async () => {
    show(scene('story'), shop('logs/local?q=level%3E%3Derror&columns=status'));
    await list();
    expect(screen.getByRole('textbox', { name: 'Filter' })).toHaveValue('level>=error');
    expect(screen.getByRole('radio', { name: 'Error' })).toBeChecked();
    expect(screen.getByText('status', { selector: '.heads code' })).toBeVisible();
  });

  test('are chosen by level, and the filter says so', async () => {
    const { user } = show(scene('story'), shop('logs/local'));
    await list();
    await user.click(screen.getByRole('radio', { name: 'Warning' }));
    expect(screen.getByRole('textbox', { name: 'Filter' })).toHaveValue('level>=warning');
    await user.click(screen.getByRole('radio', { name: 'Any' }));
    expect(screen.getByRole('textbox', { name: 'Filter' })).toHaveValue('');
  });

  test('stay where they are while the filter cannot be read, and why is told', async () => {
    const { user } = show(scene('story'), shop('logs/local'));
    await user.type(await screen.findByRole('textbox', { name: 'Filter' }), 'level>=loud');
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('loud is no level; levels are debug, info, warning, error and critical');
    expect(screen.getByRole('textbox', { name: 'Filter' })).toHaveAccessibleDescription(/is no level/);
    expect(within(await list()).getAllByRole('option').length).toBeGreaterThan(5);
  });

  test('that none fits offers to look without the filter', async () => {
    const { user } = show(scene('story'), shop('logs/local?q=nowhere&since=900'));
    await user.click(await screen.findByRole('button', { name: 'Look in all that is kept' }));
    expect(query().get('since')).toBeNull();
    await user.click(await screen.findByRole('button', { name: 'Clear the filter' }));
    expect(await screen.findByText('240 records')).toBeVisible();
  });

  test('open into their fields, and a press on a value narrows to it', async () => {
    const { user } = show(scene('story'), shop('logs/local'));
    (await list()).focus();
    await user.keyboard('{End}{Enter}');
    const pane = await screen.findByRole('article', { name: 'Record' });
    expect(query().get('record')).toBe('239-239');
    await user.click(within(pane).getByRole('button', { name: 'status 200' }));
    expect(query().get('q')).toBe('status=200');
    await user.click(within(pane).getByRole('button', { name: 'status 200' }));
    expect(query().get('q')).toBeNull();
    await user.click(within(pane).getByRole('button', { name: 'path' }));
    expect(query().get('columns')).toBe('path');
    await user.click(within(pane).getByRole('button', { name: 'Close the record' }));
    expect(screen.queryByRole('article', { name: 'Record' })).toBeNull();
  });

  test('that the address names are open after a reload, whatever is asked for', async () => {
    show(scene('story'), shop('logs/local?q=nothing-fits&record=13-13'));
    const pane = await screen.findByRole('article', { name: 'Record' });
    expect(within(pane).getByText('payment failed', { selector: '.message code' })).toBeVisible();
  });

  test('with a traceback lead to the lines of the project', async () => {
    const { backend, user } = show(scene('story'), shop('logs/local?record=13-13'));
    await user.click(await screen.findByRole('button', { name: /payments\.py", line 118/ }));
    expect(backend.asked).toContain('openInEditor shop /app/src/shop/payments.py 118');
    expect(screen.queryByRole('button', { name: /routing\.py/ })).toBeNull();
  });

  test('say where a release begins', async () => {
    const backend = scene('story');
    const [first] = backend.rollouts.filter(({ environment }) => environment === 'local');
    const at = Date.now() - 60_000;
    if (first) first.started_at = new Date(at).toISOString();
    backend.records = ok([
      aRecord({ at: new Date(at - 1_000).toISOString(), release: 'before' }),
      aRecord({ at: new Date(at + 1_000).toISOString(), release: first?.to ?? '' }),
    ]);
    show(backend, shop('logs/local'));
    expect(await screen.findByText(`${first?.to ?? ''} begins: ship`)).toBeVisible();
  });
});

describe('what comes', () => {
  test('is added at the end, and once', async () => {
    const { backend } = show(scene('story'), shop('logs/local'));
    await list();
    const at = new Date(Date.now() + 1_000).toISOString();
    // The last line of an instance is said again when it begins to be followed.
    backend.print([aRecord({ message: 'it came before' }), aRecord({ message: 'it comes', at })]);
    expect(await screen.findByText('241 records')).toBeVisible();
    expect(screen.queryByText('it came before')).toBeNull();
    expect(screen.getByText('it comes')).toBeVisible();
  });

  test('is counted while it is paused, and read when it goes on', async () => {
    const { backend, user } = show(scene('story'), shop('logs/local'));
    await list();
    await user.click(screen.getByRole('button', { name: 'Live' }));
    const at = new Date(Date.now() + 1_000).toISOString();
    const fresh = aRecord({ message: 'while paused', at, place: '240-240' });
    backend.print([fresh]);
    expect(await screen.findByRole('button', { name: /^1 new/ })).toBeVisible();
    expect(screen.queryByText('while paused')).toBeNull();
    if (typeof backend.records === 'object' && backend.records.status === 'ok')
      backend.records = ok([...backend.records.data, fresh]);
    await user.click(screen.getByRole('button', { name: 'Paused' }));
    expect(await screen.findByText('while paused')).toBeVisible();
  });

  test('ends with the engine, which is told with how far what is kept reaches', async () => {
    const backend = scene('story');
    backend.following = failed({ code: 'engine_unreachable', message: 'no Docker engine answers' });
    backend.reach = { first: null, last: null, behind: 'no Docker engine answers' };
    show(backend, shop('logs/local'));
    expect(await screen.findByText(/this is what was kept until .*: no Docker engine answers/)).toBeVisible();
    expect(within(await list()).getAllByRole('option').length).toBeGreaterThan(5);
  });
});

describe('a hundred thousand records', () => {
  test('are paged in as one goes up, and few rows are drawn', async () => {
    const backend = scene('story');
    backend.records = ok(someRecords(100_000));
    const { user } = show(backend, shop('logs/local'));
    const rows = await list();
    expect(within(rows).getAllByRole('option').length).toBeLessThan(60);
    expect(screen.getByText('the newest 300 records')).toBeVisible();
    rows.focus();
    await user.keyboard('{Home}');
    expect(await screen.findByText('the newest 600 records')).toBeVisible();
    expect(backend.asked).toContain('logRecords shop local 99700-99700');
  }, 60_000);
});

describe('exceptions', () => {
  test('are grouped by their stack, new ones marked, and lead to their records', async () => {
    const { user } = show(scene('story'), shop('logs/local?view=exceptions'));
    const groups = await screen.findByRole('listbox', { name: 'Exceptions' });
    const options = within(groups).getAllByRole('option');
    expect(options[0]).toHaveTextContent('shop.payments.PaymentRefused');
    expect(options[0]).toHaveTextContent('new in this release');
    expect(options[1]).toHaveTextContent('1,206 times');
    await user.click(screen.getByRole('button', { name: 'Show its records' }));
    await waitFor(() => {
      expect(query().get('q')).toBe('exception=8c1f0a52be7714d3');
    });
    expect(await screen.findByText('3 records')).toBeVisible();
  });

  test('that were never told teach what would be here', async () => {
    show(scene('fresh'), shop('logs/local?view=exceptions'));
    expect(await screen.findByRole('heading', { name: 'No exception was told' })).toBeVisible();
  });
});
