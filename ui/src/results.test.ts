import { screen, waitFor, within } from '@testing-library/svelte';

import type { FakeBackend } from './lib/backend/fake';
import { SILENT, failed, ok } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { failure } from './lib/backend/stories';
import { shop, show } from './test/show';

async function showTests(given: FakeBackend, run: string) {
  const { backend, user } = show(given, shop(`runs/${run}`));
  await user.click(await screen.findByRole('button', { name: /^Tests/ }));
  return { backend, user };
}

const list = () => screen.findByRole('listbox', { name: 'Tests' });
/** The first rows, as text. */
async function rows(count: number): Promise<(string | undefined)[]> {
  const options = within(await list()).getAllByRole('option');
  return options.slice(0, count).map((option) => option.textContent.replace(/\s+/g, ' ').trim());
}

describe('the tests of a run', () => {
  test('are those of the gate that is red, failed ones first, then the slowest', async () => {
    const { backend } = await showTests(scene('red'), 'run-now');
    const [first, second, slowest] = await rows(3);
    expect(first).toBe('test_total_of_order_0 tests/test_orders_0.py Failed 20 ms');
    expect(second).toMatch(/^test_total_of_order_1/);
    expect(slowest).toMatch(/Passed 525 ms$/);
    expect(backend.asked).toContain('gateTests run-now unit');
    expect(screen.getByRole('button', { name: 'Everything, not only unit' })).toBeVisible();
    expect(within(await list()).getAllByRole('option').length).toBeLessThan(60);
  });

  test('are found by words, of their names or of their state', async () => {
    const { user } = await showTests(scene('red'), 'run-now');
    await list();
    await user.type(screen.getByRole('textbox', { name: 'Find tests' }), 'skipped platform');
    expect(await screen.findByText('3 of 215 tests')).toBeVisible();
    expect(await rows(9)).toHaveLength(3);
    await user.type(screen.getByRole('textbox', { name: 'Find tests' }), ' nowhere');
    expect(await screen.findByText('No test matches.')).toBeVisible();
  });

  test('tell of one what became of it in the runs before', async () => {
    const { backend, user } = await showTests(scene('red'), 'run-now');
    expect(await screen.findByText(/^Choose a test/)).toBeVisible();
    await user.click(within(await list()).getByText('test_total_of_order_0'));
    const past = await screen.findByRole('list', { name: 'What became of it' });
    expect(backend.asked).toContain(`testHistory shop ${failure(0).id}`);
    expect(screen.getByText('did not pass in 2 of the last 15 runs that had it')).toBeVisible();
    const [here, before] = within(past).getAllByRole('listitem');
    expect(here).toHaveTextContent('Failed this run 20 ms');
    expect(before).toHaveTextContent('Passed 3 h ago 31 ms');
    await user.click(within(past).getAllByRole('link')[0] ?? past);
    expect(location.hash).toBe('#/projects/shop/runs/run-0');
  });

  test('are gone through with the keyboard', async () => {
    const { backend, user } = await showTests(scene('red'), 'run-now');
    (await list()).focus();
    await user.keyboard('{ArrowDown}{Enter}');
    expect(backend.asked).toContain(`testHistory shop ${failure(0).id}`);
  });

  test('are the slowest of all gates where none is chosen', async () => {
    const { backend, user } = await showTests(scene('story'), 'run-0');
    await list();
    await user.click(screen.getByRole('button', { name: 'Everything, not only unit' }));
    await waitFor(() => expect(backend.asked).toContain('slowestTests shop run-0 100'));
    expect(await screen.findByText(/^The slowest 100 of all gates/)).toBeVisible();
    expect((await rows(1))[0]).toMatch(/unit: tests\/\w+\/test_shop_/);
  });

  test('of a gate that has none, is not kept, or cannot be read are told so', async () => {
    const { backend, user } = await showTests(scene('red'), 'run-now');
    await list();
    await user.click(screen.getByRole('button', { name: /^lint/ }));
    expect(screen.getByText('This gate tells of no tests.')).toBeVisible();
    backend.testsOf = () => ok([]);
    await user.click(screen.getByRole('button', { name: /^unit/ }));
    expect(await screen.findByText('Its tests were not kept.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: /^lint/ }));
    backend.testsOf = () => failed({ message: 'the database cannot be read' });
    await user.click(screen.getByRole('button', { name: /^unit/ }));
    expect(await screen.findByText(/the database cannot be read/)).toBeVisible();
  });

  test('whose past cannot be read say why', async () => {
    const backend = scene('red');
    backend.testPast = () => failed({ message: 'the folder of shop is gone' });
    const { user } = await showTests(backend, 'run-now');
    await user.click(within(await list()).getByText('test_total_of_order_0'));
    expect(await screen.findByText(/the folder of shop is gone/)).toBeVisible();
  });
});

test('a run is looked at with one question of each kind', async () => {
  const { backend, user } = show(scene('red'), shop('runs/run-now'));
  await user.click(await screen.findByRole('button', { name: /^Tests/ }));
  await list();
  const asked = (question: string) => backend.asked.filter((one) => one === question);
  expect(asked('gateHistory shop')).toHaveLength(1);
  expect(asked('gateTests run-now unit')).toHaveLength(1);
});

test('a run without tests offers none', async () => {
  const backend = scene('refused');
  backend.slowest = SILENT;
  show(backend, shop('runs/run-now'));
  expect(await screen.findByRole('button', { name: 'Output' })).toBeVisible();
  expect(screen.queryByRole('button', { name: /^Tests/ })).toBeNull();
});
