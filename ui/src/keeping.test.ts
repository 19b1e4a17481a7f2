import { screen, waitFor, within } from '@testing-library/svelte';

import type { FakeBackend } from './lib/backend/fake';
import { aVault, failed, ok } from './lib/backend/fake';
import { scene } from './lib/backend/scenes';
import { hex } from './lib/backend/stories';
import { shop, show } from './test/show';

describe('a run that asks', () => {
  test('shows its plan, and goes on with the answer', async () => {
    const { backend, user } = show(scene('asking'), shop('runs/run-now'));
    const asks = await screen.findByRole('alert', { name: 'Requests may be lost' });
    expect(asks).toHaveTextContent('because the volume media is not shared');
    expect(asks).toHaveTextContent('412.0 MB, 9.8 GB free');
    expect(asks).toHaveTextContent('9.4 s');
    await user.click(within(asks).getByRole('button', { name: 'Go on' }));
    expect(backend.asked).toContain('approveRun run-now');
    expect(backend.asked).not.toContain('cancelRun run-now');
  });

  test('is stopped by the other answer', async () => {
    const { backend, user } = show(scene('asking'), shop('runs/run-now'));
    await user.click(await screen.findByRole('button', { name: 'Stop the run' }));
    expect(backend.asked).toContain('cancelRun run-now');
  });

  test('in another process is not answered from here', async () => {
    show(scene('askingelsewhere'), shop('runs/run-now'));
    expect(await screen.findByText(/it asks there/)).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Go on' })).toBeNull();
  });
});

describe('an environment that somebody holds', () => {
  test('is taken from who lives only when its name was typed', async () => {
    const { backend, user } = show(scene('locked'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'Whose lock is it?' }));
    const dialog = await screen.findByRole('dialog', { name: 'The lock of local' });
    const take = await within(dialog).findByRole('button', { name: 'Take the lock away' });
    expect(take).toBeDisabled();
    await user.type(within(dialog).getByRole('textbox'), 'local');
    await user.click(take);
    expect(backend.asked).toContain('unlock shop local 12 as local');
  });

  test('that was given back meanwhile is not said to be taken away', async () => {
    const { backend, user } = show(scene('locked'), shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'Whose lock is it?' }));
    const dialog = await screen.findByRole('dialog', { name: 'The lock of local' });
    await user.type(await within(dialog).findByRole('textbox'), 'local');
    backend.holders.clear();
    await user.click(within(dialog).getByRole('button', { name: 'Take the lock away' }));
    expect(await within(dialog).findByText('Nobody holds local.')).toBeVisible();
    expect(screen.queryByText('local is free')).toBeNull();
  });
});

test('a rollback that migrations forbid is done only when a person says so', async () => {
  const { backend, user } = show(scene('ahead'), shop('environments/local'));
  await user.click(await screen.findByRole('button', { name: 'Roll back' }));
  await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Roll back' }));
  const dialog = await screen.findByRole('dialog', { name: 'Roll local back all the same?' });
  expect(dialog).toHaveTextContent('orders.0008_backfill');
  backend.beginning = ok('run-back');
  await user.click(within(dialog).getByRole('button', { name: 'Roll back anyway' }));
  expect(backend.asked).toContain(`beginRun shop rollback local to ${hex(1)} anyway`);
});

describe('secrets', () => {
  test('that are missing are told, by who lacks them', async () => {
    show(scene('story'), shop('secrets'));
    expect(await screen.findByText(/Without a value: SENTRY_DSN/)).toBeVisible();
    expect(screen.getByText('kept, and named nowhere')).toBeVisible();
    expect(screen.getAllByText('from all environments')).toHaveLength(2);
  });

  test('are set, and say who runs with the old value', async () => {
    const { backend, user } = show(scene('story'), shop('secrets'));
    backend.keepingSecret = ok(3);
    backend.old = ok([{ environment: 'local', unknown: null }]);
    await user.click(await screen.findByRole('button', { name: 'Rotate DATABASE_URL, local' }));
    const dialog = await screen.findByRole('dialog', { name: 'Rotate DATABASE_URL' });
    await user.type(within(dialog).getByLabelText(/^Value/), 'made-up');
    await user.click(within(dialog).getByRole('button', { name: 'Keep it' }));
    expect(await within(dialog).findByText(/DATABASE_URL is kept, version 3/)).toBeVisible();
    expect(backend.asked).toContain('setSecret shop local DATABASE_URL (7 characters)');
    expect(within(dialog).queryByRole('textbox')).toBeNull();
    await user.click(await within(dialog).findByRole('button', { name: 'Restart local' }));
    expect(await screen.findByRole('dialog', { name: 'Restart local?' })).toBeVisible();
  });

  test('that are new lead to a restart of who runs without them', async () => {
    const { backend, user } = show(scene('story'), shop('secrets'));
    backend.old = ok([{ environment: 'staging', unknown: null }]);
    await user.click(await screen.findByRole('button', { name: 'Set a secret' }));
    const dialog = await screen.findByRole('dialog', { name: 'Set a secret' });
    await user.type(within(dialog).getByLabelText(/^Name/), 'SMTP_HOST');
    await user.type(within(dialog).getByLabelText(/^Value/), 'made-up');
    const before = backend.asked.filter((question) => question === 'secrets shop').length;
    await user.click(within(dialog).getByRole('button', { name: 'Keep it' }));
    await user.click(await within(dialog).findByRole('button', { name: 'Restart staging' }));
    expect(await screen.findByRole('dialog', { name: 'Restart staging?' })).toBeVisible();
    expect(backend.asked.filter((question) => question === 'secrets shop')).toHaveLength(before + 1);
  });

  test('are shown after a press, and hidden again', async () => {
    const { user } = show(scene('story'), shop('secrets'));
    await user.click(await screen.findByRole('button', { name: 'Show DATABASE_URL of local' }));
    expect(await screen.findByText('made-up-value')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Hide' }));
    expect(screen.queryByText('made-up-value')).toBeNull();
  });

  test('are forgotten only when the name was typed', async () => {
    const { backend, user } = show(scene('story'), shop('secrets'));
    await user.click(await screen.findByRole('button', { name: 'Forget DATABASE_URL, local' }));
    const dialog = await screen.findByRole('dialog', { name: 'Forget DATABASE_URL?' });
    await user.type(within(dialog).getByRole('textbox'), 'DATABASE');
    expect(within(dialog).getByRole('button', { name: 'Forget' })).toBeDisabled();
    await user.type(within(dialog).getByRole('textbox'), '_URL');
    await user.click(within(dialog).getByRole('button', { name: 'Forget' }));
    expect(backend.asked).toContain('unsetSecret shop local DATABASE_URL as DATABASE_URL');
  });

  test('of a closed file are opened with its passphrase', async () => {
    const { backend, user } = show(scene('sealed'), '#/credentials');
    await user.type(await screen.findByLabelText('Passphrase'), 'made-up');
    await user.click(screen.getByRole('button', { name: 'Open the vault' }));
    expect(backend.asked).toContain('openVault (7 characters)');
    await waitFor(() => {
      expect(screen.queryByText('The vault does not open')).toBeNull();
    });
  });
});

test('where secrets are kept is told, and the other place is offered', async () => {
  show(scene('healthy'), '#/credentials');
  expect(await screen.findByText('the keychain of this computer')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Keep them in the keychain' })).toBeNull();
  expect(screen.getByRole('button', { name: 'Keep them in an encrypted file' })).toBeVisible();
});

describe('a key file', () => {
  const ask = async (backend: FakeBackend, seal: string) => {
    const { user } = show(backend, '#/credentials');
    await user.click(await screen.findByRole('button', { name: 'Keep them in an encrypted file' }));
    const dialog = await screen.findByRole('dialog', { name: 'Keep secrets in an encrypted file?' });
    await user.click(within(dialog).getByRole('radio', { name: seal }));
    expect(within(dialog).queryByLabelText('Passphrase')).toBeNull();
    return { user, dialog };
  };

  test('is made, and closes the file from then on', async () => {
    const backend = scene('healthy');
    const place = '/home/ada/.local/share/nonevent/vault.age, closed with the key in /media/ada/keychain.key';
    backend.keyed = ok(aVault({ opens_with: 'key_file', place, chosen: true }));
    const { user, dialog } = await ask(backend, 'a new key file');
    await user.click(within(dialog).getByRole('button', { name: 'Make the key file…' }));
    expect(backend.asked).toContain('chooseKeyFile new');
    expect(await screen.findByText(place)).toBeVisible();
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(screen.getByRole('button', { name: 'Close the file anew' })).toBeVisible();
  });

  test('that a person thinks better of leaves the question open', async () => {
    const backend = scene('healthy');
    const { user, dialog } = await ask(backend, 'a key file that is there');
    await user.click(within(dialog).getByRole('button', { name: 'Choose the key file…' }));
    expect(backend.asked).toContain('chooseKeyFile kept');
    expect(within(dialog).getByRole('button', { name: 'Choose the key file…' })).toBeEnabled();
    expect(within(dialog).queryByRole('alert')).toBeNull();
    await user.click(within(dialog).getByRole('radio', { name: 'a passphrase' }));
    expect(within(dialog).getByLabelText('Passphrase')).toBeVisible();
  });

  test('that is none is told', async () => {
    const backend = scene('healthy');
    backend.keyed = failed({ message: 'the key file `/home/ada/notes.txt` holds no key' });
    const { user, dialog } = await ask(backend, 'a key file that is there');
    await user.click(within(dialog).getByRole('button', { name: 'Choose the key file…' }));
    expect(await within(dialog).findByRole('alert')).toHaveTextContent('holds no key');
  });

  test('is no passphrase: none is asked for where the key does not open', async () => {
    show(scene('keyed'), '#/credentials');
    expect(await screen.findByText('The vault does not open')).toBeVisible();
    expect(screen.queryByLabelText('Passphrase')).toBeNull();
    expect(screen.getByRole('button', { name: 'Try again' })).toBeVisible();
  });
});

describe('health', () => {
  test('is told for each probe, with incidents and what changed before', async () => {
    const { user } = show(scene('story'), shop('health'));
    expect(await screen.findByText('97.3 % up')).toBeVisible();
    expect(screen.getByRole('img', { name: /^http: 97.3 % up/ })).toBeInTheDocument();
    await user.click(screen.getByText('the database refuses connections'));
    expect(screen.getByText(`ship ${hex(1)} 30 s before`)).toBeInTheDocument();
  });

  test('is asked for as far back as is chosen', async () => {
    const { backend, user } = show(scene('story'), shop('health/staging'));
    await user.click(await screen.findByRole('radio', { name: '7 d, the last 7 days' }));
    expect(backend.asked).toContain('health shop staging 604800');
  });

  test('goes back to a year once for an incident that an address names', async () => {
    const { backend, user } = show(scene('story'), shop('health/local/long-ago'));
    await waitFor(() => expect(screen.getByRole('radio', { name: /^1 y/ })).toBeChecked());
    await user.click(screen.getByRole('radio', { name: /^1 h/ }));
    expect(backend.asked).toContain('health shop local 3600');
    await new Promise((resolve) => setTimeout(resolve));
    expect(screen.getByRole('radio', { name: /^1 h/ })).toBeChecked();
  });

  test('teaches to watch where nothing was measured', async () => {
    show(scene('fresh'), shop('health'));
    expect(await screen.findByText('Nothing was measured in this time')).toBeVisible();
    expect(screen.getByText('Watched from here')).toBeVisible();
  });
});

test('a job is run by a press, shows what it prints, and is stopped', async () => {
  const { backend, user } = show(scene('story'), shop('environments/local'));
  await user.click(await screen.findByRole('button', { name: 'Run now: cleanup' }));
  expect(backend.asked).toContain('runJob shop local cleanup');
  expect(await screen.findByText(/100 of 212 carts/)).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Stop' }));
  expect(backend.asked).toContain('stopJob shop local cleanup');
});

describe('a job that goes on', () => {
  const printed = (first: number, text: string, ended = false) => ({
    first,
    lines: [{ source: 'cleanup', stream: 'stdout' as const, at: null, text }],
    progress: null,
    ended,
  });

  test('since before the page was there is found again, from its first line to its end', async () => {
    const backend = scene('story');
    backend.jobsGoing.set('cleanup', printed(0, '1 of 212 carts'));
    const { user } = show(backend, shop('environments/local'));
    expect(await screen.findByRole('button', { name: 'Stop' })).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Log of cleanup' }));
    expect(await screen.findByText(/1 of 212 carts/)).toBeVisible();
    backend.printJob(printed(1, '2 of 212 carts'));
    expect(await screen.findByText(/1 of 212 carts\s2 of 212 carts/)).toBeVisible();
    const asked = () => backend.asked.filter((question) => question === 'jobs shop local').length;
    const runs = () => backend.asked.filter((question) => question === 'jobRuns shop local').length;
    const [before, runsBefore] = [asked(), runs()];
    backend.printJob(printed(2, 'done', true));
    expect(await screen.findByRole('button', { name: 'Run now: cleanup' })).toBeVisible();
    expect(asked()).toBe(before + 1);
    await waitFor(() => expect(runs()).toBe(runsBefore + 1));
  });

  test('and was begun before the page is stopped as any other', async () => {
    const backend = scene('story');
    backend.jobsGoing.set('cleanup', printed(0, '1 of 212 carts'));
    const { user } = show(backend, shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'Stop' }));
    expect(backend.asked).toContain('stopJob shop local cleanup');
    expect(screen.getByRole('button', { name: 'Stopping…' })).toBeDisabled();
  });

  test('can be stopped once more where that did not work', async () => {
    const backend = scene('story');
    backend.jobsGoing.set('cleanup', printed(0, '1 of 212 carts'));
    backend.stoppingJob = failed({ message: 'the engine does not answer' });
    const { user } = show(backend, shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'Stop' }));
    expect(await screen.findByText('the engine does not answer')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Stop' })).toBeEnabled();
  });

  test('and is run once more is found where that is refused', async () => {
    const backend = scene('story');
    backend.jobRunning = failed({ message: 'another run of `cleanup` goes on in local' });
    const { user } = show(backend, shop('environments/local'));
    const run = await screen.findByRole('button', { name: 'Run now: cleanup' });
    backend.jobsGoing.set('cleanup', printed(0, '7 of 212 carts'));
    await user.click(run);
    expect(await screen.findByText('The job was not run')).toBeVisible();
    expect(await screen.findByText(/7 of 212 carts/)).toBeVisible();
    expect(screen.getByRole('button', { name: 'Stop' })).toBeVisible();
  });
});

test('earlier runs of a job tell how they ended, and what they printed', async () => {
  const { user } = show(scene('story'), shop('environments/local'));
  await user.click(await screen.findByRole('button', { name: 'Log of cleanup' }));
  const list = await screen.findByRole('list', { name: 'Its last runs' });
  const rows = within(list).getAllByRole('button');
  expect(rows[0]).toHaveAttribute('aria-pressed', 'true');
  expect(screen.getByText(/212 carts removed/)).toBeVisible();
  expect(rows[1]).toHaveTextContent('succeeded 1 h ago 12 s');
  expect(rows[2]).toHaveTextContent('ran out of memory');
  expect(rows[3]).toHaveTextContent('it was stopped after 15 min');
  const [, byHand, killed] = rows;
  if (!byHand || !killed) throw new Error('the scene has earlier runs');
  await user.click(byHand);
  expect(screen.getByText('180 carts removed')).toBeVisible();
  expect(screen.getByText('grace@hopper')).toBeVisible();
  expect(screen.getByText('by hand')).toBeVisible();
  await user.click(killed);
  expect(screen.getByText('It printed nothing.')).toBeVisible();
});

test('jobs are asked for again when something happened, and when one was due', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { backend } = show(scene('story'), shop('environments/local'));
  await screen.findByRole('button', { name: 'Run now: cleanup' });
  const asked = () => backend.asked.filter((question) => question === 'jobs shop local').length;
  const first = asked();
  backend.tell('shop');
  await waitFor(() => expect(asked()).toBe(first + 1));
  // Its next time is in 18 minutes.
  vi.advanceTimersByTime(17 * 60_000);
  expect(asked()).toBe(first + 1);
  vi.advanceTimersByTime(2 * 60_000);
  expect(asked()).toBe(first + 2);
  vi.useRealTimers();
});

test('trust is given after the commands were shown', async () => {
  const { backend, user } = show(scene('story'), shop('environments/local'));
  await user.click(await screen.findByRole('button', { name: 'Trust it…' }));
  const dialog = await screen.findByRole('dialog', { name: 'Trust the HTTPS of local apps?' });
  expect(within(dialog).getByText('sudo update-ca-certificates')).toBeVisible();
  backend.trusted = failed({
    message: 'a password is wanted',
    hints: ['run `nonevent trust` on a terminal'],
  });
  await user.click(within(dialog).getByRole('button', { name: 'Run them' }));
  expect(await within(dialog).findByRole('alert')).toHaveTextContent('a password is wanted');
});

describe('trust that was given', () => {
  test('is taken back after the commands were shown', async () => {
    const { backend, user } = show(scene('trusted'), shop('environments/local'));
    expect(await screen.findByText('This computer trusts it.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Take it back…' }));
    const dialog = await screen.findByRole('dialog', {
      name: 'Take the trust in the HTTPS of local apps back?',
    });
    expect(await within(dialog).findByText('sudo update-ca-certificates --fresh')).toBeVisible();
    expect(backend.asked).not.toContain('untrust');
    await user.click(within(dialog).getByRole('button', { name: 'Take it back' }));
    expect(backend.asked).toContain('untrust');
    expect(backend.asked).not.toContain('trust');
    expect(await screen.findByText(/does not trust it yet/)).toBeVisible();
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  test('and cannot be taken back here says what can', async () => {
    const backend = scene('trusted');
    backend.untrusted = failed({
      message: 'this computer still trusts the HTTPS of local apps',
      hints: ['run `nonevent trust --remove` on a terminal, where a password can be typed'],
    });
    const { user } = show(backend, shop('environments/local'));
    await user.click(await screen.findByRole('button', { name: 'Take it back…' }));
    const dialog = await screen.findByRole('dialog');
    await user.click(await within(dialog).findByRole('button', { name: 'Take it back' }));
    expect(await within(dialog).findByRole('alert')).toHaveTextContent('nonevent trust --remove');
  });

  test('is not asked for once more, and can be taken back from there', async () => {
    const { user } = show(scene('trusted'), shop('overview'));
    await user.keyboard('{Control>}k{/Control}');
    await user.type(await screen.findByRole('combobox'), 'Trust the HTTPS{Enter}');
    const dialog = await screen.findByRole('dialog', { name: 'Trust the HTTPS of local apps?' });
    await user.click(await within(dialog).findByRole('button', { name: 'Take it back…' }));
    expect(await screen.findByRole('dialog', { name: /^Take the trust/ })).toBeVisible();
    expect(await screen.findByText('sudo update-ca-certificates --fresh')).toBeVisible();
  });
});
