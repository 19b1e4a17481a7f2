/** Times and counts in words. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30.44 * DAY;

/** Returns how long ago a time was: `now`, `45 s`, `5 min`, `3 h`, `2 d`, `4 mo`, `2 y`. */
export function age(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return at;
  const seconds = Math.floor((now - then) / 1000);
  if (seconds < 5) return 'now';
  if (seconds < MINUTE) return `${String(seconds)} s`;
  if (seconds < HOUR) return `${String(Math.floor(seconds / MINUTE))} min`;
  if (seconds < DAY) return `${String(Math.floor(seconds / HOUR))} h`;
  if (seconds < 2 * MONTH) return `${String(Math.floor(seconds / DAY))} d`;
  if (seconds < 24 * MONTH) return `${String(Math.floor(seconds / MONTH))} mo`;
  return `${String(Math.floor(seconds / (12 * MONTH)))} y`;
}

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

/** Returns a time as the person's own calendar writes it. */
export function date(at: string): string {
  const then = Date.parse(at);
  return Number.isNaN(then) ? at : absolute.format(then);
}

/** Returns a moment to the millisecond, by this computer's clock; with its day where that is not today: `10:00:00.123`, `11-23 10:00:00.123`. */
export function moment(at: string, now = new Date()): string {
  const then = new Date(at);
  if (Number.isNaN(then.getTime())) return at;
  const two = (number: number) => String(number).padStart(2, '0');
  const time = [then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(':');
  const exact = `${time}.${String(then.getMilliseconds()).padStart(3, '0')}`;
  if (then.toDateString() === now.toDateString()) return exact;
  const day = `${two(then.getMonth() + 1)}-${two(then.getDate())}`;
  return then.getFullYear() === now.getFullYear()
    ? `${day} ${exact}`
    : `${String(then.getFullYear())}-${day} ${exact}`;
}

/** Returns a number with its noun: `1 project`, `3 projects`. */
export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${String(count)} ${noun}s`;
}

/** Returns bytes in decimal units: `512 B`, `18.4 MB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 0;
  // 999.95 would be printed as 1000.0.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Returns how long something took: `80 ms`, `1.2 s`, `45 s`, `3 min 4 s`, `2 h 5 min`. */
export function duration(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${String(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < MINUTE) return `${String(seconds)} s`;
  if (seconds < HOUR) return `${String(Math.floor(seconds / MINUTE))} min ${String(seconds % MINUTE)} s`;
  return `${String(Math.floor(seconds / HOUR))} h ${String(Math.floor((seconds % HOUR) / MINUTE))} min`;
}

/** Returns how long it is until something, to the minute: `18 min`, `9 h 5 min`, `3 d`. */
export function ahead(milliseconds: number): string {
  const minutes = Math.max(1, Math.ceil(milliseconds / 60_000));
  if (minutes < 60) return `${String(minutes)} min`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours < 48) return rest === 0 ? `${String(hours)} h` : `${String(hours)} h ${String(rest)} min`;
  return `${String(Math.floor(hours / 24))} d`;
}

/** Returns a share as people read it, never rounded up to all: `99.98 %`, `100 %`. */
export function percent(share: number): string {
  const value = share * 100;
  const digits = value >= 100 || value === 0 ? 0 : value > 99 ? 2 : 1;
  const rounded = Math.floor(value * 10 ** digits) / 10 ** digits;
  return `${rounded.toFixed(digits)} %`;
}

/** Returns a digest or commit as people compare them: its first twelve digits. */
export function short(digest: string): string {
  return digest.replace(/^[a-z0-9]+:/, '').slice(0, 12);
}
