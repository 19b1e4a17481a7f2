/** What instances print, for the backend in memory: records as the engine reads them, and finding some of them. */
import { fieldWord, words } from '../query';
import type { ExceptionGroup, LogLevel, LogPage, LogQuestion, LogReach, LogRecord } from './bindings';

const LEVELS: LogLevel[] = ['debug', 'info', 'warning', 'error', 'critical'];
const RELEASES = ['f00000000001', 'f00000000000'] as const;
const TRACEBACK = `Traceback (most recent call last):
  File "/usr/local/lib/python3.13/site-packages/starlette/routing.py", line 73, in app
    response = await f(request)
  File "/app/src/shop/orders.py", line 42, in place
    charge(order, card)
  File "/app/src/shop/payments.py", line 118, in charge
    raise PaymentRefused(f"card {card.id} was refused")
shop.payments.PaymentRefused: card card_7 was refused`;

/** Makes a record of an access. */
export function aRecord(differs: Partial<LogRecord> = {}): LogRecord {
  return {
    place: null,
    at: '2026-11-23T10:00:00.000000000Z',
    level: 'info',
    message: 'order placed',
    logger: null,
    fields: [],
    instance: 'shop-local-web-000000',
    process: 'web',
    release: RELEASES[1],
    stream: 'stdout',
    exception: null,
    text: differs.message ?? 'order placed',
    ...differs,
  };
}

/** Makes the record of a number, at a moment in milliseconds: what a shop prints. */
export function aRecordOf(number: number, at: number, release: string = RELEASES[1]): LogRecord {
  const order = String(1000 + number);
  const common = {
    at: `${new Date(at).toISOString().slice(0, -1)}${String(number % 1_000_000).padStart(6, '0')}Z`,
    instance: `shop-local-${number % 11 === 4 ? 'worker-0a1b2c' : `web-00000${String(number % 3)}`}`,
    process: number % 11 === 4 ? 'worker' : 'web',
    release,
  };
  const made = (level: LogLevel | null, message: string, fields: [string, string][], logger: string | null) =>
    aRecord({
      ...common,
      level,
      message,
      logger,
      fields: fields.map(([name, value]) => ({ name, value })),
      text: JSON.stringify({ event: message, level, logger, ...Object.fromEntries(fields) }),
    });
  if (number % 97 === 13) {
    const failed = made(
      'error',
      'payment failed',
      [
        ['order', order],
        ['provider', 'stripe'],
      ],
      'shop.orders',
    );
    const frames = [
      { file: '/app/src/shop/orders.py', line: 42, function: 'place', own: true },
      { file: '/app/src/shop/payments.py', line: 118, function: 'charge', own: true },
    ];
    const exception = {
      kind: 'shop.payments.PaymentRefused',
      message: 'card card_7 was refused',
      frames,
      fingerprint: '8c1f0a52be7714d3',
    };
    return { ...failed, exception, text: `${failed.text}\n${TRACEBACK}` };
  }
  if (number % 17 === 5)
    return made(
      'warning',
      `order ${order} was paid twice, second payment refused`,
      [['order', order]],
      'shop.payments',
    );
  if (number % 11 === 4)
    return made('debug', 'looked for carts to clean', [['carts', String(number % 40)]], 'shop.jobs');
  if (number % 29 === 8)
    return aRecord({
      ...common,
      level: null,
      message: 'Worker is warm',
      text: 'Worker is warm',
      stream: 'stderr',
    });
  const status = number % 41 === 9 ? '503' : number % 2 ? '200' : '201';
  const method = number % 2 ? 'GET' : 'POST';
  const fields: [string, string][] = [
    ['method', method],
    ['path', `/orders/${order}`],
    ['status', status],
    ['took_ms', String(3 + (number % 90))],
  ];
  return made(
    status === '503' ? 'error' : 'info',
    `${method} /orders/${order} ${status}`,
    fields,
    'uvicorn.access',
  );
}

/** Makes as many records as are asked for, the last one now, a second apart at most. */
export function someRecords(count: number, project = 'shop'): LogRecord[] {
  const now = Date.now();
  const apart = Math.min(1_000, 3_600_000 / count);
  return Array.from({ length: count }, (_, number) => {
    const release = number < count * 0.6 ? RELEASES[0] : RELEASES[1];
    const record = aRecordOf(number, now - (count - number) * apart, release);
    const instance = record.instance.replace('shop', project);
    return { ...record, instance, place: `${String(number)}-${String(number)}` };
  });
}

/** Makes what such records have of exceptions. */
export function someExceptions(): ExceptionGroup[] {
  const now = Date.now();
  const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
  const refused = aRecordOf(13, now).exception;
  const frames = refused?.frames ?? [];
  return [
    {
      fingerprint: refused?.fingerprint ?? '',
      kind: 'shop.payments.PaymentRefused',
      message: 'card card_7 was refused',
      count: 41,
      first_at: ago(3),
      last_at: ago(0.2),
      releases: [RELEASES[1]],
      is_new: true,
      frames,
      example: TRACEBACK,
    },
    {
      fingerprint: '51d0a2ee9f13c7aa',
      kind: 'sqlalchemy.exc.OperationalError',
      message:
        'server closed the connection unexpectedly\nThis probably means the server terminated abnormally',
      count: 1_206,
      first_at: ago(60 * 24 * 40),
      last_at: ago(95),
      releases: [...RELEASES],
      is_new: false,
      frames,
      example: TRACEBACK.replace(
        'shop.payments.PaymentRefused: card card_7 was refused',
        'sqlalchemy.exc.OperationalError: server closed the connection unexpectedly',
      ),
    },
    {
      fingerprint: 'aa10bb20cc30dd40',
      kind: 'KeyError',
      message: "'currency'",
      count: 1,
      first_at: ago(60 * 26),
      last_at: ago(60 * 26),
      releases: [RELEASES[0]],
      is_new: false,
      frames: [],
      example: '[{"exc_type": "KeyError", "exc_value": "\'currency\'"}]',
    },
  ];
}

/** Finds records as the engine does, as far as scenes and tests ask. */
export function pageOf(
  all: LogRecord[],
  question: LogQuestion,
  before: string | null,
  limit: number,
  reach: LogReach,
): { status: 'ok'; data: LogPage } | { status: 'error'; error: ReturnType<typeof refusal> } {
  const wrong = words(question.search).find(
    (word) => word.startsWith('level>=') && !LEVELS.includes(word.slice(7) as LogLevel),
  );
  if (wrong !== undefined) return { status: 'error', error: refusal(wrong.slice(7)) };
  const end = before === null ? all.length : Number(before.split('-')[1]);
  const records: LogRecord[] = [];
  let place = end;
  while (place > 0 && records.length <= limit) {
    place -= 1;
    const record = all[place];
    if (record && fits(record, question)) records.push(record);
  }
  const next = records.length > limit ? (records[limit - 1]?.place ?? null) : null;
  const kept = {
    ...reach,
    first: reach.first ?? all[0]?.at ?? null,
    last: reach.last ?? all.at(-1)?.at ?? null,
  };
  return { status: 'ok', data: { records: records.slice(0, limit), next, reach: kept } };
}

function fits(record: LogRecord, { search, since, until }: LogQuestion): boolean {
  if (until !== null && record.at > until) return false;
  if (since !== null && record.at < since) return false;
  return words(search).every((word) => {
    const [, name, value = ''] = /^(release|process|instance|level>?|exception)[:=](.*)$/.exec(word) ?? [];
    switch (name) {
      case 'level>':
        return record.level !== null && LEVELS.indexOf(record.level) >= LEVELS.indexOf(value as LogLevel);
      case 'release':
        return record.release.startsWith(value);
      case 'process':
        return record.process === value;
      case 'instance':
        return record.instance.includes(value);
      case 'exception':
        return record.exception?.fingerprint === value;
    }
    if (record.fields.some((field) => fieldWord(field.name, field.value) === word)) return true;
    return !word.includes('=') && record.text.toLowerCase().includes(word.replaceAll('"', '').toLowerCase());
  });
}

function refusal(word: string) {
  return {
    code: 'filter_unreadable',
    message: `\`${word}\` is no level`,
    causes: [],
    hints: ['levels are debug, info, warning, error and critical'],
    details: [],
  };
}
