/** What a project keeps: secrets, jobs and the runs of them, and how its gates ended before. */
import type {
  DeadLetter,
  GatePast,
  JobRun,
  JobStatus,
  SecretEntry,
  SecretNeed,
  SecretReport,
  SecretScope,
  TrustPlan,
} from '../bindings';
import { aVault } from '../makers';
import { ago, hex } from '../stories';

const inEnvironment = (name: string): SecretScope => ({ of: 'environment', name });

function kept(name: string, scope: SecretScope, version: number, minutes: number): SecretEntry {
  return { name, scope, source: 'value', version, changed_at: ago(minutes), by: 'ada@lovelace' };
}

/** Secrets of three environments, of which production lacks one. */
export function secretsOf(): SecretReport {
  const needed: SecretNeed[] = [
    { name: 'DATABASE_URL', scope: inEnvironment('local'), source: 'value' },
    { name: 'STRIPE_KEY', scope: inEnvironment('local'), source: 'value' },
    { name: 'DATABASE_URL', scope: inEnvironment('production'), source: 'value' },
    { name: 'STRIPE_KEY', scope: inEnvironment('production'), source: 'value' },
    { name: 'SENTRY_DSN', scope: inEnvironment('production'), source: 'missing' },
    { name: 'TEST_ACCOUNT', scope: { of: 'gauntlet' }, source: 'variable' },
    { name: 'SIGNING_KEY', scope: inEnvironment('production'), source: 'configuration' },
  ];
  return {
    vault: aVault(),
    kept: [
      kept('DATABASE_URL', inEnvironment('local'), 2, 60 * 24 * 9),
      kept('DATABASE_URL', inEnvironment('production'), 5, 190),
      kept('STRIPE_KEY', { of: 'every' }, 1, 60 * 24 * 40),
      kept('OLD_TOKEN', inEnvironment('local'), 3, 60 * 24 * 200),
    ],
    needed,
  };
}

export function aJobRun(differs: Partial<JobRun> = {}): JobRun {
  return {
    id: 'job-1',
    project: 'shop',
    environment: 'local',
    job: 'cleanup',
    release: hex(0),
    due_at: ago(42),
    started_at: ago(42),
    finished_at: ago(41.8),
    exit_code: 0,
    oom: false,
    failure: null,
    lines: [
      { source: 'cleanup', stream: 'stdout', at: ago(42), text: 'looking for carts older than 30 days' },
      { source: 'cleanup', stream: 'stdout', at: ago(41.9), text: '212 carts removed' },
    ],
    by: 'ada@lovelace',
    ...differs,
  };
}

export function jobsOf(): JobStatus[] {
  const zone = { timezone: 'Europe/Berlin' };
  return [
    {
      name: 'cleanup',
      schedule: '0 * * * *',
      command: 'python -m shop.cleanup',
      next: ago(-18),
      last: aJobRun(),
      ...zone,
    },
    {
      name: 'invoices',
      schedule: '30 4 * * 1-5',
      command: 'python -m shop.invoices --all',
      next: ago(-60 * 9),
      last: aJobRun({
        id: 'job-2',
        job: 'invoices',
        exit_code: 1,
        started_at: ago(60 * 15),
        finished_at: ago(60 * 15 - 1),
        lines: [
          {
            source: 'invoices',
            stream: 'stderr',
            at: ago(60 * 15),
            text: 'Traceback (most recent call last):',
          },
          { source: 'invoices', stream: 'stderr', at: ago(60 * 15), text: "KeyError: 'SMTP_HOST'" },
        ],
      }),
      ...zone,
    },
    {
      name: 'reindex',
      schedule: '@weekly',
      command: 'python -m shop.search reindex',
      next: ago(-60 * 70),
      last: null,
      ...zone,
    },
  ];
}

/** The last run of each job, and earlier ones: by hand, killed, and one that came to no end of its own. */
export function jobRunsOf(): JobRun[] {
  const last = jobsOf().flatMap((job) => (job.last === null ? [] : [job.last]));
  const earlier = (number: number, differs: Partial<JobRun>): JobRun => {
    const began = 60 * (number + 1) + 42;
    const line = `${String(180 + number)} carts removed`;
    return aJobRun({
      id: `job-before-${String(number)}`,
      due_at: ago(began),
      started_at: ago(began),
      finished_at: ago(began - 0.2),
      lines: [{ source: 'cleanup', stream: 'stdout', at: ago(began), text: line }],
      ...differs,
    });
  };
  return [
    ...last,
    earlier(0, { due_at: null, by: 'grace@hopper' }),
    earlier(1, { exit_code: 137, oom: true, lines: [] }),
    earlier(2, { exit_code: null, failure: 'it was stopped after 15 min' }),
    ...Array.from({ length: 9 }, (_, number) => earlier(number + 3, {})),
  ];
}

/** How the gates of the last runs ended. */
export function gatePastsOf(): GatePast[] {
  const one = (gate: string, run: number, duration: number, red: boolean) => ({
    gate,
    state: red ? ({ state: 'red' } as const) : ({ state: 'green' } as const),
    duration_ms: duration + ((run * 137) % Math.max(60, duration / 3)),
    passed: gate === 'unit' ? 212 - run : null,
    failed: gate === 'unit' ? (red ? 2 : 0) : null,
  });
  return Array.from({ length: 20 }, (_, run) => ({
    run: `run-${String(run)}`,
    started_at: ago(4 + run * 190),
    gates: [
      one('lint', run, 210, run === 3),
      one('format', run, 180, false),
      one('types', run, 4_100, false),
      one('unit', run, 6_900 + (20 - run) * 140, run === 3 || run === 11),
    ],
  }));
}

/** A computer that does not trust the HTTPS of local apps yet. */
export const UNTRUSTED: TrustPlan = {
  trusted: false,
  steps: [
    {
      whose: 'the system: curl, git, Python',
      line: 'sudo install -D -m 644 /home/ada/.local/share/nonevent/authority.pem /usr/local/share/ca-certificates/nonevent-0a1b.crt',
    },
    { whose: 'the system: curl, git, Python', line: 'sudo update-ca-certificates' },
    {
      whose: 'Firefox (/home/ada/.mozilla/firefox/4k2l.default)',
      line: "certutil -d sql:/home/ada/.mozilla/firefox/4k2l.default -A -t C,, -n 'Nonevent on this computer, 0a1b' -i /home/ada/.local/share/nonevent/authority.pem",
    },
  ],
  notes: [],
  certificate: '/home/ada/.local/share/nonevent/authority.pem',
};

/** The same computer when it does, and what takes that back. */
export const TRUSTED: TrustPlan = {
  trusted: true,
  steps: [
    {
      whose: 'the system: curl, git, Python',
      line: 'sudo rm -f /usr/local/share/ca-certificates/nonevent-0a1b.crt',
    },
    { whose: 'the system: curl, git, Python', line: 'sudo update-ca-certificates --fresh' },
    {
      whose: 'Firefox (/home/ada/.mozilla/firefox/4k2l.default)',
      line: "certutil -d sql:/home/ada/.mozilla/firefox/4k2l.default -D -n 'Nonevent on this computer, 0a1b'",
    },
  ],
  notes: [],
  certificate: '/home/ada/.local/share/nonevent/authority.pem',
};

/** A notice that the team's channel did not take. */
export function lettersOf(project: string): DeadLetter[] {
  return [
    {
      id: 1,
      at: ago(60 * 20),
      project,
      webhook: 'team',
      notice: {
        about: 'incident-7',
        project,
        environment: 'staging',
        release: null,
        weight: 'outage',
        title: `${project} staging is down`,
        text: 'health answered 503',
        url: null,
        at: ago(60 * 20 + 5),
      },
      reason: 'it answered 404 three times',
    },
  ];
}
