/** Records as rows of a list, purely: numbered so that a row keeps its number whatever comes before and after it. */
import type { LogRecord, RolloutRecord } from './backend';

export interface Row {
  number: number;
  record: LogRecord;
}

/** Rows that are kept in the page at most, and how much text they may have. */
export const MOST_ROWS = 20_000;
const MOST_TEXT = 32_000_000;

/** Adds newer records, the oldest first. */
export function later(rows: readonly Row[], records: readonly LogRecord[]): Row[] {
  const next = (rows.at(-1)?.number ?? -1) + 1;
  return [...rows, ...records.map((record, index) => ({ number: next + index, record }))];
}

/** Adds older records, the oldest first. */
export function earlier(rows: readonly Row[], records: readonly LogRecord[]): Row[] {
  const first = (rows[0]?.number ?? 0) - records.length;
  return [...records.map((record, index) => ({ number: first + index, record })), ...rows];
}

/** Leaves the newest of what may be kept. */
export function newest(rows: Row[], most = MOST_ROWS, text = MOST_TEXT): Row[] {
  let left = text;
  let first = rows.length;
  while (first > 0 && rows.length - first < most) {
    left -= rows[first - 1]?.record.text.length ?? 0;
    // One record is shown however long it is.
    if (left < 0 && first < rows.length) break;
    first -= 1;
  }
  return first === 0 ? rows : rows.slice(first);
}

/** Leaves the oldest of what may be kept. */
export function oldest(rows: Row[], most = MOST_ROWS, text = MOST_TEXT): Row[] {
  let left = text;
  let count = 0;
  while (count < rows.length && count < most) {
    left -= rows[count]?.record.text.length ?? 0;
    if (left < 0 && count > 0) break;
    count += 1;
  }
  return count === rows.length ? rows : rows.slice(0, count);
}

/** Leaves out what the rows begin with already, as records of one moment may be asked for twice. */
export function unmet(records: readonly LogRecord[], rows: readonly Row[]): LogRecord[] {
  const at = rows[0]?.record.at;
  const met = rows.slice(0, rows.findIndex(({ record }) => record.at !== at) + 1 || undefined);
  return records.filter(
    (one) =>
      one.at !== at ||
      !met.some(
        ({ record }) => record.at === one.at && record.text === one.text && record.instance === one.instance,
      ),
  );
}

/** Tells which rows are the first ones of what a rollout brought, by their numbers. */
export function boundaries(
  rows: readonly Row[],
  rollouts: readonly RolloutRecord[],
): Map<number, RolloutRecord> {
  const found = new Map<number, RolloutRecord>();
  const start = rows[0] ? time(rows[0].record) : Infinity;
  for (const rollout of rollouts) {
    const began = Date.parse(rollout.started_at);
    // What began before the first row that is here did not begin in it.
    if (!(began >= start)) continue;
    for (let index = firstSince(rows, began); index < rows.length; index += 1) {
      const row = rows[index];
      if (row?.record.release !== rollout.to) continue;
      // A release that was rolled out twice begins where it did last before the row.
      const other = found.get(row.number);
      if (!other || other.started_at < rollout.started_at) found.set(row.number, rollout);
      break;
    }
  }
  return found;
}

function firstSince(rows: readonly Row[], moment: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && time(row.record) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function time({ at }: LogRecord): number {
  return Date.parse(at);
}

/** What the records that are here were told by, and what they tell: for choices. */
export interface Seen {
  instances: string[];
  processes: string[];
  releases: string[];
  fields: string[];
}

export const NOTHING_SEEN: Seen = { instances: [], processes: [], releases: [], fields: [] };

/** Fields that are offered as columns. */
const MOST_FIELDS = 60;
/** What says when: there is a column for it already. */
const TIMES = new Set(['timestamp', 'time', 'asctime', 'ts']);

/** Adds what some records have; the same object where that is nothing new. */
export function seenIn(seen: Seen, records: readonly LogRecord[]): Seen {
  let more = seen;
  const add = (what: keyof Seen, name: string) => {
    if (name === '' || more[what].includes(name)) return;
    more = { ...more, [what]: [...more[what], name].sort() };
  };
  for (const { instance, process, release, fields } of records) {
    add('instances', instance);
    add('processes', process);
    add('releases', release);
    if (more.fields.length < MOST_FIELDS)
      for (const { name } of fields) if (!TIMES.has(name)) add('fields', name);
  }
  return more;
}

/** Returns a column's value in a record. */
export function valueIn(record: LogRecord, column: string): string {
  if (column === 'release') return record.release;
  if (column === 'process') return record.process;
  if (column === 'logger') return record.logger ?? '';
  return record.fields.find(({ name }) => name === column)?.value ?? '';
}

/** Returns what a row says behind its message: its short fields, those that have a column left out. */
export function beside(record: LogRecord, columns: readonly string[]): string {
  return record.fields
    .filter(
      ({ name, value }) =>
        !TIMES.has(name) && !columns.includes(name) && value.length <= 120 && !value.includes('\n'),
    )
    .map(({ name, value }) => `${name}=${value}`)
    .join(' ');
}

/** A line of what was printed, and the place that it names, when that is the project's own. */
interface Printed {
  /** What stands before the place. */
  lead: string;
  text: string;
  place: { file: string; line: number } | null;
}

/** Parts a traceback into its lines, with the places that can be opened. */
export function printed(text: string, frames: NonNullable<LogRecord['exception']>['frames']): Printed[] {
  const own = new Set(frames.filter((frame) => frame.own).map(({ file, line }) => `${file}:${String(line)}`));
  return text.split('\n').map((line) => {
    const named = /^([\s|+-]*)File "([^"]+)", line (\d+)/.exec(line);
    const [, lead = '', file, number] = named ?? [];
    if (file === undefined || !own.has(`${file}:${String(number)}`))
      return { lead: '', text: line, place: null };
    return { lead, text: line.slice(lead.length), place: { file, line: Number(number) } };
  });
}

/** Returns the moment so many seconds ago, or none. */
export function since(seconds: number | null): string | null {
  return seconds === null ? null : new Date(Date.now() - seconds * 1000).toISOString();
}
