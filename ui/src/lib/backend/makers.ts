/** Makes single things as the engine tells of them, whole and plausible; a test says what is different. */
import type {
  EngineInfo,
  EnvironmentStatus,
  ProjectFacts,
  Release,
  ReleaseDiff,
  ReleaseHeader,
  VaultStatus,
} from './bindings';

/** Makes an engine as the lab has it. */
export function anEngine(differs: Partial<EngineInfo> = {}): EngineInfo {
  return {
    host: 'unix:///var/run/docker.sock',
    origin: { rule: 'default_socket' },
    version: '28.5.2',
    api: '1.51',
    platform: 'linux/amd64',
    store: 'containerd',
    mirrors: [],
    memory: 16_724_000_000,
    cpus: 8,
    podman: false,
    ...differs,
  };
}

/** Makes an environment in which one instance serves. */
export function anEnvironment(differs: Partial<EnvironmentStatus> = {}): EnvironmentStatus {
  const project = differs.project ?? 'shop';
  const environment = differs.environment ?? 'local';
  const release = differs.serving === undefined ? '3f2a91c04be7' : differs.serving;
  const empty = differs.health === 'empty' || release === null;
  const host = environment === 'local' ? `${project}.localhost` : `${environment}.${project}.localhost`;
  return {
    project,
    environment,
    health: 'healthy',
    serving: empty ? null : release,
    since: empty ? null : '2026-11-23T08:00:00.000Z',
    url: `http://${host}:8080`,
    https_url: `https://${host}:8443`,
    instances: empty || release === null ? [] : [anInstance({ release })],
    services: [],
    rollout: null,
    unreachable: null,
    ...differs,
  };
}

type Instance = EnvironmentStatus['instances'][number];

/** Makes an instance that runs and serves. */
export function anInstance(differs: Partial<Instance> = {}): Instance {
  return {
    id: 'c0ffee',
    name: 'shop-local-web-3f2a91',
    process: 'web',
    release: '3f2a91c04be7',
    rollout: '019ab0',
    address: '10.66.0.10',
    state: { state: 'running' },
    restarts: 0,
    started_at: '2026-11-23T08:00:00.000Z',
    serving: true,
    ...differs,
  };
}

/** Makes what is known of a FastAPI project with one environment. */
export function someFacts(project: string, differs: Partial<ProjectFacts> = {}): ProjectFacts {
  return {
    folder: `/home/ada/projects/${project}`,
    framework: 'FastAPI',
    python: '3.13',
    source: { commit: '8c1f0d2e4b6a79885c3d', branch: 'main', dirty: false },
    built_from: 'python:3.13-slim',
    processes: [{ name: 'web', port: 8000, command: `uvicorn ${project}.main:app` }],
    gates: ['lint', 'format', 'types', 'unit'],
    services: {},
    environments: [
      {
        name: 'local',
        target: 'docker',
        protected: false,
        after: null,
        replicas: { web: 1 },
        secrets: [],
        services: [],
      },
    ],
    settings: [
      { key: 'app.name', value: `"${project}"`, origin: { from: 'file', file: 'pyproject.toml', line: 2 } },
      {
        key: 'app.framework',
        value: '"fastapi"',
        origin: { from: 'inferred', because: `${project}/main.py:7 \`app = FastAPI()\`` },
      },
      { key: 'environments.local.replicas', value: '1', origin: { from: 'default' } },
    ],
    configuration: 'pyproject.toml',
    warnings: [],
    ...differs,
  };
}

/** Makes what differs between two releases. */
export function aDiff(from: string, to: string): ReleaseDiff {
  const commit = (id: string, subject: string) => ({
    id: id.repeat(20),
    subject,
    author: 'Ada Lovelace',
    at: '2026-11-23T08:00:00.000Z',
  });
  return {
    from,
    to,
    commits: {
      added: [commit('3f', 'orders: refuse a second payment'), commit('91', 'a slug is short')],
      taken_back: [],
      unknown: null,
    },
    packages: [
      { name: 'fastapi', before: '0.121.0', after: '0.122.1' },
      { name: 'httpx', before: null, after: '0.28.1' },
      { name: 'requests', before: '2.32.5', after: null },
    ],
    settings: [{ name: 'app.env.LOG_LEVEL', before: '"info"', after: '"debug"' }],
    secrets: [{ name: 'STRIPE_KEY', before: 'kept', after: 'kept' }],
    migrations: [{ name: 'orders.0007_total', before: null, after: 'known' }],
    image_size: [41_900_000, 42_300_000],
    base: [null, null],
    python: ['3.13', '3.13'],
  };
}

/** Makes a vault that opens. */
export function aVault(differs: Partial<VaultStatus> = {}): VaultStatus {
  return {
    opens_with: 'keychain',
    place: 'the keychain of this computer',
    chosen: false,
    closed: null,
    code: null,
    hints: [],
    ...differs,
  };
}

/** Tells of a release what a list tells. */
export function header(release: Release): ReleaseHeader {
  const { id, created_at, evidence } = release;
  const passed = evidence.gates.filter(({ state }) => state === 'green' || state === 'cached');
  return {
    id,
    created_at,
    source: evidence.source,
    builder: evidence.builder,
    image_size: evidence.image_size,
    gates_passed: passed.length,
    tests_passed: evidence.gates.reduce((sum, gate) => sum + (gate.tests_passed ?? 0), 0),
    untested: evidence.untested,
  };
}
