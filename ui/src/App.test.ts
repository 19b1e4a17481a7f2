import { screen, waitFor, within } from '@testing-library/svelte';

import { FakeBackend, SILENT, anEngine, anEnvironment, failed, ok } from './lib/backend/fake';
import type { SceneName } from './lib/backend/scenes';
import { scene } from './lib/backend/scenes';
import { show } from './test/show';

/** What is written in an element, its parts with a space between them. */
function textOf(element: Element): string {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const parts: string[] = [];
  while (walker.nextNode()) parts.push(walker.currentNode.textContent ?? '');
  // An address goes on after a place where it may be broken.
  return parts
    .join(' ')
    .replace(/\s+/g, ' ')
    .replace(/(\w) (\.\w)/g, '$1$2')
    .trim();
}

/** The lines of one project, as text. */
async function linesOf(project: string): Promise<string[]> {
  const head = await screen.findByRole('rowheader', { name: new RegExp(`^${project}`) });
  const body = head.closest('tbody');
  if (!body) throw new Error(`${project} is in no table`);
  await waitFor(() => expect(body).toHaveAttribute('aria-busy', 'false'));
  return within(body).getAllByRole('row').map(textOf);
}

describe('the list', () => {
  test('is awaited in the shape of a table', () => {
    show(scene('loading'));
    expect(screen.getByRole('status', { name: 'Reading the projects' })).toBeVisible();
    expect(screen.getByText('Looking for Docker…')).toBeVisible();
  });

  test('keeps the keyboard where it is when that is scrolled out of sight', async () => {
    show(scene('fifty'));
    const table = await screen.findByRole('table');
    const named = (name: string) => table.querySelector<HTMLElement>(`a[title='${name}']`);
    await waitFor(() => expect(named('service-001')).toBeVisible());
    named('service-001')?.focus();
    const main = screen.getByRole('main');
    const frame = table.parentElement;
    vi.spyOn(HTMLElement.prototype, 'getBoundingClientRect').mockImplementation(function (this: HTMLElement) {
      return new DOMRect(0, this === frame ? -3_000 : 0);
    });
    main.dispatchEvent(new Event('scroll'));
    await waitFor(() => expect(named('service-002')).toBeNull());
    expect(table.querySelectorAll("a[title^='service-04']").length).toBeGreaterThan(5);
    expect(named('service-001')).toHaveFocus();
    vi.restoreAllMocks();
  });

  test('teaches the first step when it is empty', async () => {
    const { backend, user } = show(scene('empty'));
    expect(await screen.findByRole('heading', { name: 'Ship your first project' })).toBeVisible();
    expect(screen.getByRole('button', { name: 'Copy command nonevent ship' })).toBeVisible();
    backend.choice = '/home/ada/projects/shop';
    await user.click(screen.getByRole('button', { name: 'Add project' }));
    expect(await linesOf('shop')).toEqual(['shop …/projects/shop local Nothing released yet']);
  });

  test('says what happened, why and what to do when it cannot be read, and tries again', async () => {
    const { backend, user } = show(scene('broken'));
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('The projects cannot be listed');
    expect(alert).toHaveTextContent('database disk image is malformed');
    expect(alert).toHaveTextContent('because /home/ada/.local/share/nonevent/state.db, page 7');
    expect(alert).toHaveTextContent(
      'to do what serves is safe on the target: move the file aside and run nonevent recover',
    );
    expect(alert).toHaveTextContent('SQLITE_CORRUPT (11)');
    backend.listing = ok(null);
    backend.with('shop', ok([anEnvironment()]));
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await linesOf('shop')).toHaveLength(1);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  test('is there before anything was observed', async () => {
    show(scene('looking'));
    expect(await screen.findByRole('rowheader', { name: /^shop/ })).toBeVisible();
    expect(screen.getAllByText('Looking…')).toHaveLength(2);
  });

  test('holds two hundred projects of which few are drawn, and finds one', async () => {
    const { backend, user } = show(scene('many'));
    // By role this would take seconds: jsdom computes each element's role anew.
    const names = () => [...document.querySelectorAll('th[scope=rowgroup] .name')].map(textOf);
    await waitFor(
      () => {
        expect(backend.asked.filter((question) => question.startsWith('projectStatus'))).toHaveLength(200);
        expect(document.querySelector('tbody[aria-busy=true]')).toBeNull();
      },
      { timeout: 50_000 },
    );
    expect(names().length).toBeLessThan(40);
    // Two environments each, what is wrong with some, and the head.
    const rows = Number(document.querySelector('table')?.getAttribute('aria-rowcount'));
    expect(rows).toBeGreaterThan(400);
    expect(document.querySelector('tbody[data-project=service-003] tr')).toHaveAttribute(
      'aria-rowindex',
      '6',
    );
    await user.keyboard('/');
    await user.keyboard('service-042');
    expect(names()).toEqual(['service-042']);
    await user.keyboard('{Escape}');
    expect(names()[0]).toBe('service-001');
  }, 60_000);
});

describe('an environment', () => {
  const ROWS: [SceneName, string, string[]][] = [
    [
      'healthy',
      'shop',
      [
        'shop …/projects/shop local Healthy 3f2a91c04be7 3 4 min shop.localhost:8080',
        'staging Healthy 3f2a91c04be7 3 1 d staging.shop.localhost:8080',
        'production Healthy 9c41d77ae05b 6 12 d shop.example.com',
      ],
    ],
    [
      'degraded',
      'invoices',
      [
        'invoices …/projects/invoices local Degraded 51d0a2ee9f13 2 of 3 1 h invoices.localhost:8080',
        'invoices-local-worker-51d0a2 keeps ending with 137 (14 restarts) service cache does not run',
      ],
    ],
    [
      'down',
      'billing',
      [
        'billing …/projects/billing local Down e8c6f0137b42 0 of 1 3 d billing.localhost:8080',
        'billing-local-web-e8c6f0 ended with 137: it ran out of memory',
        'staging Nothing released yet',
      ],
    ],
    [
      'rolling',
      'search',
      ['search …/projects/search local Healthy Rolling out 0d4bb1a6c9f8 2 1 d search.localhost:8080'],
    ],
    [
      'gone',
      'prototype',
      [
        'prototype …/projects/prototype Unknown',
        'the folder /home/ada/projects/prototype is not there add the project again from where it is now, or forget it',
      ],
    ],
  ];

  test.each(ROWS)('that is %s says so', async (name, project, rows) => {
    show(scene(name));
    expect(await linesOf(project)).toEqual(rows);
  });

  test('with long names keeps them whole for those who ask', async () => {
    show(scene('long'));
    const name = 'customer-relationship-and-invoice-reconciliation-service-europe';
    const lines = await linesOf(name);
    expect(lines.at(-1)).toMatch(/and 3 more$/);
    expect(within(screen.getByRole('main')).getByTitle(name)).toBeVisible();
    expect(screen.getByTitle('acceptance-of-the-second-quarter')).toBeVisible();
  });

  test('is opened in the browser by its name, and a refusal is told', async () => {
    const { backend, user } = show(scene('healthy'));
    await linesOf('shop');
    await user.click(screen.getByRole('button', { name: 'Open http://staging.shop.localhost:8080' }));
    expect(backend.asked).toContain('openEnvironment shop staging');
    backend.opening = failed({
      message: 'no browser could be started',
      hints: ['copy the address into a browser'],
    });
    await user.click(screen.getByRole('button', { name: 'Open http://shop.localhost:8080' }));
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('local of shop was not opened');
    expect(alert).toHaveTextContent('to do copy the address into a browser');
    await user.click(within(alert).getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByRole('alert')).toBeNull();
  });

  test('gives its release to the clipboard', async () => {
    const { user } = show(new FakeBackend().with('shop', ok([anEnvironment({ serving: '3f2a91c04be7' })])));
    await user.click(await screen.findByRole('button', { name: 'Copy release 3f2a91c04be7' }));
    expect(await navigator.clipboard.readText()).toBe('3f2a91c04be7');
    expect(await screen.findByText('Copied')).toBeInTheDocument();
  });

  test('changes its light when something happened to its project', async () => {
    const { backend } = show(new FakeBackend().with('shop', ok([anEnvironment({ health: 'empty' })])));
    expect((await linesOf('shop'))[0]).toMatch(/Nothing released yet$/);
    backend.statuses.set('shop', ok([anEnvironment()]));
    backend.tell('shop');
    expect(await screen.findByText('Healthy')).toBeVisible();
  });
});

describe('the engine', () => {
  test('is named with the reason why it was chosen', async () => {
    show(scene('healthy'));
    expect(
      await screen.findByRole('button', { name: 'Engine: Docker 28.5.2, default socket' }),
    ).toBeVisible();
    expect(screen.getByText('unix:///var/run/docker.sock')).toBeInTheDocument();
  });

  test.each([
    [{ rule: 'docker_host' } as const, 'DOCKER_HOST'],
    [{ rule: 'docker_context', name: 'work' } as const, 'DOCKER_CONTEXT work'],
    [{ rule: 'current_context', name: 'colima' } as const, 'context colima'],
  ])('was chosen by %o', async (origin, words) => {
    const backend = new FakeBackend();
    backend.engine = ok(anEngine({ origin }));
    show(backend);
    expect(await screen.findByRole('button', { name: `Engine: Docker 28.5.2, ${words}` })).toBeVisible();
  });

  test('that does not answer is told once, over projects that are still listed, until it does', async () => {
    const { backend, user } = show(scene('unreachable'));
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent(
      'Docker cannot be used no Docker engine answers at unix:///var/run/docker.sock',
    );
    expect(await linesOf('shop')).toEqual(['shop …/projects/shop Unknown']);
    expect(await linesOf('notes')).toEqual(['notes …/projects/notes local Unknown']);
    backend.engine = ok(anEngine());
    backend.statuses.set('shop', ok([anEnvironment()]));
    await user.click(screen.getByRole('button', { name: 'Look again' }));
    expect(await screen.findByText('Healthy')).toBeVisible();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  test('that answers nothing holds nothing up', async () => {
    const backend = new FakeBackend().with('shop', ok([anEnvironment()]));
    backend.engine = SILENT;
    show(backend);
    expect(await screen.findByText('Healthy')).toBeVisible();
    expect(screen.getByText('Looking for Docker…')).toBeVisible();
  });
});

describe('a person', () => {
  test('chooses no folder, and nothing happens', async () => {
    const { backend, user } = show(scene('healthy'));
    await user.click(await screen.findByRole('button', { name: 'Add project' }));
    expect(backend.asked).toContain('chooseFolder');
    expect(backend.asked.some((question) => question.startsWith('addProject'))).toBe(false);
  });

  test('adds a folder that is no project, and is told', async () => {
    const { backend, user } = show(scene('healthy'));
    backend.choice = '/home/ada/music';
    backend.adding = failed({
      message: 'no Python project in /home/ada/music',
      hints: ['choose the folder of a `pyproject.toml`'],
    });
    await user.click(await screen.findByRole('button', { name: 'Add project' }));
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent('/home/ada/music was not added');
    expect(alert).toHaveTextContent('to do choose the folder of a pyproject.toml');
  });

  test('drops folders on the window', async () => {
    const { backend } = show(scene('empty'));
    await screen.findByRole('heading', { name: 'Ship your first project' });
    backend.drag({ kind: 'over' });
    expect(await screen.findByText('Drop the folder to add it as a project')).toBeVisible();
    backend.drag({ kind: 'dropped', paths: ['/home/ada/projects/shop', '/home/ada/projects/notes'] });
    await linesOf('shop');
    await linesOf('notes');
    expect(screen.queryByText('Drop the folder to add it as a project')).toBeNull();
  });

  test('is asked before a project is forgotten', async () => {
    const { backend, user } = show(scene('healthy'));
    await user.click(await screen.findByRole('button', { name: 'Forget shop' }));
    await user.click(
      within(screen.getByRole('dialog', { name: 'Forget shop?' })).getByRole('button', { name: 'Keep it' }),
    );
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(backend.projects).toHaveLength(2);

    await user.click(screen.getByRole('button', { name: 'Forget shop' }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Forget it' }));
    await waitFor(() => expect(screen.queryByRole('rowheader', { name: /^shop/ })).toBeNull());
    expect(screen.getByRole('rowheader', { name: /^notes/ })).toBeVisible();
  });

  test('shows only what is down, and all again', async () => {
    const { user } = show(scene('mixed'));
    await linesOf('billing');
    await linesOf('shop');
    const chip = screen.getByRole('button', { name: '1 down' });
    await user.click(chip);
    expect(screen.getAllByRole('rowheader')).toHaveLength(1);
    expect(chip).toHaveAttribute('aria-pressed', 'true');
    await user.type(screen.getByRole('textbox', { name: 'Find projects' }), 'shop');
    await user.click(screen.getByRole('button', { name: /^Show all/ }));
    expect(screen.getAllByRole('rowheader').length).toBeGreaterThan(5);
  });

  test('reaches everything by the Tab key, in the order in which it is read', async () => {
    const { user } = show(new FakeBackend().with('shop', ok([anEnvironment({ serving: '3f2a91c04be7' })])));
    await linesOf('shop');
    const reached: string[] = [];
    for (let step = 0; step < 16; step += 1) {
      await user.tab();
      const { activeElement } = document;
      reached.push(
        activeElement?.getAttribute('aria-label') ??
          activeElement?.textContent.replace(/\s+/g, ' ').trim() ??
          '',
      );
    }
    expect(reached).toEqual([
      'Skip to the content',
      'Find or do Ctrl K',
      'All projects',
      'Your projects',
      'shop',
      'Credentials',
      'Settings',
      'Engine: Docker 28.5.2, default socket',
      '',
      'Add project',
      '1 healthy',
      'shop',
      'Forget shop',
      'local',
      'Copy release 3f2a91c04be7',
      'Open http://shop.localhost:8080',
    ]);
  });
});
