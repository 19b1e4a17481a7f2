/** How environments fared: timelines of any length, always the same for the same environment. */
import type { HealthReport, Incident, Series, TimelinePoint, Unit } from '../bindings';
import { ago, hex } from '../stories';

const HOUR = 3_600_000;

/** A number from 0 to 1 that is always the same for a number. */
function noise(seed: number): number {
  return parseInt(hex(seed, 6), 16) / 0xffffff;
}

/** A time in which a probe failed, from and to, as parts of the whole time. */
type Bad = readonly [from: number, to: number, kind: 'failed' | 'degraded'];

const BAD: readonly Bad[] = [
  [0.31, 0.335, 'failed'],
  [0.335, 0.36, 'degraded'],
  [0.82, 0.845, 'degraded'],
];
const GAP = [0.55, 0.61] as const;
const POINTS = 720;

function series(name: string, unit: Unit, value: (part: number, seed: number) => number): Made {
  return { series: { name, unit }, value };
}

interface Made {
  series: Series;
  value: (part: number, seed: number) => number;
}

const wave = (part: number, times: number) => (1 + Math.sin(part * Math.PI * 2 * times)) / 2;

const MADE: readonly Made[] = [
  series('probe:http', 'microseconds', (part, seed) => 9_000 + wave(part, 3) * 14_000 + noise(seed) * 5_000),
  series(
    'probe:login',
    'microseconds',
    (part, seed) => 42_000 + wave(part, 2) * 30_000 + noise(seed) * 18_000,
  ),
  series('cpu', 'millicores', (part, seed) => 120 + wave(part, 3) * 420 + noise(seed) * 60),
  series('memory', 'bytes', (part, seed) => 236e6 + part * 90e6 + noise(seed) * 4e6),
  series('memory_share', 'permille', (part, seed) => 440 + part * 168 + noise(seed) * 8),
  series('disk_free', 'bytes', (part) => 48e9 - part * 6e9),
  series(
    'requests',
    'milli_per_second',
    (part, seed) => 14_000 + wave(part, 3) * 52_000 + noise(seed) * 6_000,
  ),
  series('errors', 'milli_per_second', (part, seed) =>
    inside(part, 'failed') ? 9_000 : noise(seed) > 0.97 ? 60 : 0,
  ),
  series('p95', 'microseconds', (part, seed) => 28_000 + wave(part, 3) * 36_000 + noise(seed) * 16_000),
  series('restarts', 'count', (part) => (part > 0.32 ? 1 : 0)),
];

function inside(part: number, kind: Bad[2]): boolean {
  return BAD.some(([from, to, its]) => its === kind && part >= from && part < to);
}

function point({ series: { name }, value }: Made, part: number, at: number, seed: number): TimelinePoint {
  const count = 6;
  const http = name === 'probe:http';
  const failed = http && inside(part, 'failed') ? count : 0;
  const degraded = (http || name === 'probe:login') && inside(part, 'degraded') ? count : 0;
  const slow = degraded > 0 ? 9 : 1;
  const middle = Math.round(value(part, seed) * slow);
  const gone = failed > 0 ? 0 : 1;
  return {
    at: Math.round(at),
    count,
    failed,
    degraded,
    unseen: 0,
    p50: middle * gone,
    p95: Math.round(middle * 1.7) * gone,
    p99: Math.round(middle * 2.6) * gone,
    max: Math.round(middle * 3.1) * gone,
  };
}

/** Makes a report of the last seconds with two incidents, a gap and two releases. */
export function aHealthReport(
  project: string,
  environment: string,
  seconds: number,
  differs: Partial<HealthReport> = {},
): HealthReport {
  const to = Date.now();
  const from = to - seconds * 1000;
  const span = to - from;
  const when = (part: number) => Math.round(from + part * span);
  const points = (made: Made) =>
    Array.from({ length: POINTS }, (_, index) => index / POINTS)
      .filter((part) => part < GAP[0] || part >= GAP[1])
      .map((part) => point(made, part, when(part), Math.round(part * POINTS) + made.series.name.length));
  return {
    project,
    environment,
    from,
    to,
    state: 'healthy',
    series: MADE.map((made) => [made.series, points(made)]),
    markers: [
      { at: when(0.12), release: hex(2), text: `ship ${hex(2)}` },
      { at: when(0.3), release: hex(1), text: `ship ${hex(1)}` },
      { at: when(0.36), release: hex(2), text: `rollback ${hex(2)}` },
      { at: when(0.78), release: hex(0), text: `ship ${hex(0)}` },
    ],
    gaps: [{ from: when(GAP[0]), to: when(GAP[1]), reason: 'nothing watched: no process of this home ran' }],
    incidents: [
      anIncident({
        id: 'incident-2',
        project,
        environment,
        worst: 'degraded',
        opened_at: new Date(when(0.82)).toISOString(),
        closed_at: new Date(when(0.845)).toISOString(),
        probe: 'login',
        finding: 'it took 1.2 s, 500 ms are allowed',
        release: hex(0),
        changes: [`ship ${hex(0)} 2 min before`],
      }),
      anIncident({
        project,
        environment,
        opened_at: new Date(when(0.31)).toISOString(),
        closed_at: new Date(when(0.36)).toISOString(),
        release: hex(1),
        changes: [`ship ${hex(1)} 30 s before`, 'DATABASE_URL was set anew 12 min before'],
        diagnosis: {
          instance: 'shop-local-web-3f2a91',
          summary: 'the database refuses connections',
          suspects: [
            {
              code: 'database_refused',
              address: 'db:5432',
              certainty: 'likely',
              sentence: 'the database refuses connections at `db:5432`',
              evidence: ['psycopg.OperationalError: connection refused', 'GET /healthz: 503'],
              fix: 'start the service `db`, or look at `DATABASE_URL`',
            } as never,
          ],
          evidence: [],
        },
      }),
    ],
    ...differs,
  };
}

/** Makes an incident that is over. */
function anIncident(differs: Partial<Incident> = {}): Incident {
  return {
    id: 'incident-1',
    project: 'shop',
    environment: 'local',
    worst: 'down',
    opened_at: ago(90),
    closed_at: ago(80),
    probe: 'http',
    finding: 'GET /healthz: 503, 200 is expected',
    release: hex(1),
    diagnosis: null,
    changes: [],
    ...differs,
  };
}

/** The same with an incident that goes on. */
export function failing(project: string, environment: string, seconds: number): HealthReport {
  const report = aHealthReport(project, environment, seconds);
  const since = report.to - Math.min(HOUR / 4, seconds * 120);
  return {
    ...report,
    state: 'down',
    series: report.series.map(([one, points]) => [
      one,
      one.name === 'probe:http'
        ? points.map((each) =>
            each.at < since ? each : { ...each, failed: each.count, p50: 0, p95: 0, p99: 0, max: 0 },
          )
        : points,
    ]),
    incidents: [
      anIncident({
        id: 'incident-3',
        project,
        environment,
        opened_at: new Date(since).toISOString(),
        closed_at: null,
        release: hex(0),
        changes: [`ship ${hex(0)} 1 min before`],
      }),
      ...report.incidents,
    ],
  };
}

/** The same with probes, findings and changes whose names go on and on. */
export function withLongNames(
  project: string,
  environment: string,
  seconds: number,
  name: string,
): HealthReport {
  const report = failing(project, environment, seconds);
  return {
    ...report,
    series: report.series.map(([one, points]) => [
      one.name === 'probe:http' ? { ...one, name: `probe:${name}` } : one,
      points,
    ]),
    incidents: report.incidents.map((one) => ({
      ...one,
      probe: name,
      finding: `GET /${name}: 503`,
      changes: [name],
    })),
  };
}
