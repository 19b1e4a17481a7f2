/** What the window may show, by name: for development in a browser (`npm run dev`, then `?scene=many`) and for the tests. */
import { FakeBackend, SILENT, anEngine, aVault, anEnvironment, failed, ok, someRecords } from './fake';
import { ahead, asking, askingElsewhere, locked, previewing } from './scenes/asking';
import { failing, withLongNames } from './scenes/health';
import { TRUSTED, aJobRun, jobRunsOf, jobsOf, secretsOf } from './scenes/keeping';
import { lived, shopFacts } from './scenes/lives';
import { testPastOf, testsOf } from './scenes/results';
import { NO_ENGINE, degraded, down, gone, healthy, long, many, rolling, unreachable } from './scenes/states';
import { story } from './scenes/story';
import { aRelease, aRollout, aRun, ago, going, red, refused } from './stories';

const HUGE = 20_000;
const LONG_NAME = `${'a-project-whose-name-goes-on-and-on-'.repeat(9)}`.slice(0, 300);
const RTL_NAME = 'متجر-الكتب-العربية';

const SCENES = {
  empty: (backend: FakeBackend) => backend,
  loading: (backend: FakeBackend) => {
    backend.listing = SILENT;
    backend.engine = SILENT;
    return backend;
  },
  looking: (backend: FakeBackend) => {
    backend.engine = SILENT;
    return backend.with('shop', SILENT).with('notes', SILENT);
  },
  broken: (backend: FakeBackend) => {
    backend.listing = failed({
      code: 'store',
      message: 'the database cannot be read or written: database disk image is malformed',
      causes: ['/home/ada/.local/share/nonevent/state.db, page 7'],
      hints: ['what serves is safe on the target: move the file aside and run `nonevent recover`'],
      details: ['SQLITE_CORRUPT (11)', 'opened with journal_mode = WAL'],
    });
    return backend;
  },
  healthy,
  degraded,
  down,
  unreachable,
  long,
  rolling,
  gone,
  many: (backend: FakeBackend) => many(backend),
  fifty: (backend: FakeBackend) => many(backend, 50),
  fresh: (backend: FakeBackend) => {
    backend.facts.set('shop', ok(shopFacts('shop')));
    const empty = (environment: string) => anEnvironment({ environment, health: 'empty', url: null });
    return backend.with('shop', ok(['local', 'staging', 'production'].map(empty)));
  },
  story: (backend: FakeBackend) => story(backend),
  trusted: (backend: FakeBackend) => {
    story(backend).trusting = ok({ ...TRUSTED, steps: [] });
    backend.untrusting = ok(TRUSTED);
    return backend;
  },
  working: (backend: FakeBackend) => {
    story(backend).jobsGoing.set('cleanup', {
      first: 0,
      lines: backend.jobPrints,
      progress: null,
      ended: false,
    });
    const now = aJobRun({
      id: 'job-now',
      due_at: null,
      started_at: ago(1),
      finished_at: null,
      exit_code: null,
      lines: [],
    });
    backend.jobsRan = ok([now, ...jobRunsOf()]);
    return backend;
  },
  refusing: (backend: FakeBackend) => {
    story(backend).beginning = failed({
      code: 'manifest_unreadable',
      message: '`pyproject.toml` cannot be read: expected `=` at line 12, column 9',
      hints: ['mend the line, then ship again: nothing was started'],
    });
    return backend;
  },
  asking,
  askingelsewhere: askingElsewhere,
  previewing,
  locked,
  ahead,
  keyless: (backend: FakeBackend) => {
    const closed = aVault({
      closed: 'the keychain is locked, or opening it was denied: the collection is locked',
      code: 'keychain_locked',
      hints: [
        'unlock the keychain and run this again; nothing was changed',
        'or give each value as a variable of this process, such as `NONEVENT_SECRET_NAME`',
      ],
    });
    story(backend).kept = ok({ ...secretsOf(), vault: closed });
    backend.vaulted = ok(closed);
    return backend;
  },
  sealed: (backend: FakeBackend) => {
    const file = '/home/ada/.local/share/nonevent/vault.age';
    const sealed = aVault({
      opens_with: 'passphrase',
      place: `${file}, closed with a passphrase`,
      chosen: true,
      closed: `the vault file \`${file}\` needs its passphrase`,
      code: 'vault_closed',
      hints: ['set `NONEVENT_VAULT_PASSPHRASE`, or type it here'],
    });
    story(backend).kept = ok({ ...secretsOf(), vault: sealed });
    backend.vaulted = ok(sealed);
    backend.opened = ok(
      aVault({ opens_with: 'passphrase', place: `${file}, closed with a passphrase`, chosen: true }),
    );
    const scope = { of: 'every' } as const;
    backend.logins = ['ghcr.io', 'registry.example.com'].map((name, index) => ({
      name,
      scope,
      source: 'value' as const,
      version: 1,
      changed_at: ago(60 * 24 * (3 + index * 40)),
      by: 'ada@lovelace',
    }));
    return backend;
  },
  keyed: (backend: FakeBackend) => {
    const file = '/home/ada/.local/share/nonevent/vault.age';
    const key = '/media/ada/keychain-stick/nonevent.key';
    const closed = aVault({
      opens_with: 'key_file',
      place: `${file}, closed with the key in ${key}`,
      chosen: true,
      closed: `the vault file \`${file}\` does not open with this key file`,
      code: 'vault_closed',
      hints: ['look at `NONEVENT_VAULT_KEY_FILE`; nothing was changed'],
    });
    story(backend).vaulted = ok(closed);
    return backend;
  },
  secretless: (backend: FakeBackend) => {
    story(backend).kept = SILENT;
    backend.vaulted = SILENT;
    return backend;
  },
  unkept: (backend: FakeBackend) => {
    const problem = failed({
      code: 'store',
      message: 'the database cannot be read or written: disk I/O error',
    });
    story(backend).kept = problem;
    backend.vaulted = problem;
    return backend;
  },
  failing: (backend: FakeBackend) => {
    story(backend).fared = (project, environment, seconds) => ok(failing(project, environment, seconds));
    return backend;
  },
  fareless: (backend: FakeBackend) => {
    story(backend).fared = () => SILENT;
    return backend;
  },
  unfared: (backend: FakeBackend) => {
    const problem = failed({
      code: 'store',
      message: 'the timelines cannot be read: database disk image is malformed',
      hints: ['move health.db aside: what serves and the history of releases are not in it'],
    });
    story(backend).fared = () => problem;
    return backend;
  },
  running: (backend: FakeBackend) =>
    story(backend, (run) => going(run), { state: 'running', finished_at: null }),
  red: (backend: FakeBackend) => {
    story(backend, (run) => red(run)).testsOf = (gate) => ok(gate === 'unit' ? testsOf('shop', 2, 210) : []);
    backend.testPast = (test) =>
      ok(
        testPastOf(
          test,
          backend.runs.map(({ id }) => id),
          [0, 3],
        ),
      );
    return backend;
  },
  refused: (backend: FakeBackend) =>
    story(backend, (run) =>
      refused(run, {
        code: 'lock_refused',
        message: 'the lock `uv.lock` is stale: `pyproject.toml` asks for `httpx`, which it does not pin',
        causes: [],
        hints: ['run `uv lock`, or `nonevent lock`'],
        details: [],
      }),
    ),
  unhealthy: (backend: FakeBackend) =>
    story(backend, (run) =>
      refused(run, {
        code: 'never_healthy',
        message: 'web was not healthy within 60 s',
        causes: ['it listens on port 5000, requests go to 8000'],
        hints: ['set `[app] port = 5000`, or let it listen on `$PORT`'],
        details: [],
        diagnosis: {
          instance: 'shop-local-web-3f2a91',
          summary: 'it listens on port 5000, requests go to 8000',
          suspects: [
            {
              code: 'wrong_port',
              expected: 8000,
              listening: [5000],
              certainty: 'certain',
              sentence: 'it listens on port 5000, requests go to 8000',
              evidence: ['listening: 0.0.0.0:5000', 'GET http://10.66.0.10:8000/healthz: connection refused'],
              fix: 'set `[app] port = 5000`, or let it listen on `$PORT`',
            },
          ],
          evidence: [],
        },
      }),
    ),
  huge: (backend: FakeBackend) => {
    many(story(backend, (run) => red(run, HUGE)));
    backend.testsOf = () => ok(testsOf('shop', HUGE, 210));
    for (let number = 14; number < 2_000; number += 1) backend.releases.push(aRelease('shop', number));
    for (let number = 14; number < 1_000; number += 1) {
      backend.runs.push(aRun('shop', number));
      backend.rollouts.push(aRollout('shop', number));
    }
    return backend;
  },
  names: (backend: FakeBackend) => {
    for (const project of [LONG_NAME, RTL_NAME]) {
      backend.with(
        project,
        ok([
          anEnvironment({ project, environment: project === RTL_NAME ? 'اختبار' : 'local', since: ago(90) }),
        ]),
      );
      lived(backend, project, 3);
    }
    const scope = { of: 'environment', name: 'اختبار' } as const;
    const report = secretsOf();
    backend.kept = ok({
      ...report,
      needed: [
        { name: LONG_NAME.toUpperCase().replaceAll('-', '_'), scope, source: 'missing' },
        ...report.needed,
      ],
    });
    const jobs = jobsOf().map((job) => ({ ...job, name: LONG_NAME, command: `run ${LONG_NAME}` }));
    backend.jobsOf = ok(jobs.slice(0, 1));
    backend.fared = (project, environment, seconds) =>
      ok(withLongNames(project, environment, seconds, LONG_NAME));
    const run = aRun(RTL_NAME, 99, { id: 'run-now', state: 'failed' });
    backend.runs.unshift(run);
    backend.facedBy.set(run.id, red(run));
    return backend;
  },
  flood: (backend: FakeBackend) => {
    story(backend).records = ok(someRecords(100_000));
    return backend;
  },
  kept: (backend: FakeBackend) => {
    story(backend).following = NO_ENGINE;
    backend.reach = { first: null, last: null, behind: NO_ENGINE.error.message };
    return backend;
  },
  newer: (backend: FakeBackend) => {
    backend.listing = failed({
      code: 'store',
      message:
        '/home/ada/.local/share/nonevent/state.db was written by a newer version of Nonevent (schema 7, this one knows 1)',
      hints: ['install the newer version, or point NONEVENT_HOME at another folder'],
    });
    return backend;
  },
  readonly: (backend: FakeBackend) => {
    backend.listing = failed({
      code: 'store',
      message:
        'the data folder /home/ada/.local/share/nonevent cannot be used: Read-only file system (os error 30)',
      hints: ['make it writable, or point NONEVENT_HOME at another folder'],
    });
    backend.keeping = failed({
      code: 'not_kept',
      message:
        'the setting holds until the window is closed: /home/ada/.local/share/nonevent/window.json cannot be written',
      causes: ['Read-only file system (os error 30)'],
      hints: ['make the folder writable, or point NONEVENT_HOME at another one'],
    });
    return backend;
  },
  closing: (backend: FakeBackend) => {
    backend.firstNews = { news: 'closing' };
    return healthy(backend);
  },
  hindered: (backend: FakeBackend) => {
    backend.watcher = {
      who: 'here',
      hindered: [
        'the project bakery: `/home/ada/bakery/pyproject.toml`, line 3: this key is there twice',
        'what is measured is not kept, people are told all the same: database or disk is full; free some disk space',
      ],
    };
    return story(backend);
  },
  elsewhere: (backend: FakeBackend) => {
    backend.watcher = { who: 'elsewhere', holder: 'ada@laptop (process 4711)', since: ago(180) };
    backend.behind = ok({ tray: false, start: 'at_login' });
    return story(backend);
  },
  saving: (backend: FakeBackend) => {
    backend.onSave.add('shop');
    return story(backend);
  },
  unwatched: (backend: FakeBackend) => {
    const problem = {
      message:
        '`/home/ada/.local/share/nonevent/watch.lock` cannot be locked: Read-only file system (os error 30)',
      hints: ['make the folder writable, or point NONEVENT_HOME at another one'],
    };
    backend.watcher = { who: 'nobody', problem: failed(problem).error };
    return story(backend);
  },
  astray: (backend: FakeBackend) => {
    const problem = {
      message: '`nonevent://project/shop/ship/local` is the address of no screen: there is no such screen',
      hints: [
        'addresses are `nonevent://project/NAME`, and below it `/environment/NAME`, `/run/ID`, `/logs/ENVIRONMENT`',
      ],
    };
    backend.firstNews = { news: 'mishap', problem: failed(problem).error };
    return healthy(backend);
  },
  mixed: (backend: FakeBackend) => {
    backend.engine = ok(anEngine({ origin: { rule: 'current_context', name: 'desktop-linux' } }));
    return gone(rolling(down(degraded(healthy(backend))))).with('wiki', SILENT);
  },
};

export type SceneName = keyof typeof SCENES;

/** Returns a backend with the scene of that name; an unknown name is the empty one. */
export function scene(name: string): FakeBackend {
  const make = Object.hasOwn(SCENES, name) ? SCENES[name as SceneName] : SCENES.empty;
  return make(new FakeBackend());
}
