/** Times and counts in words. */
import { texts } from '../texts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30.44 * DAY;

/** Returns how long ago a time was: `now`, `45 s`, `5 min`, `3 h`, `2 d`, `4 mo`, `2 y`. */
export function age(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return at;
  const seconds = Math.floor((now - then) / 1000);
  if (seconds < 5) return texts.times.now;
  if (seconds < MINUTE) return of(seconds, 's');
  if (seconds < HOUR) return of(seconds / MINUTE, 'min');
  if (seconds < DAY) return of(seconds / HOUR, 'h');
  if (seconds < 2 * MONTH) return of(seconds / DAY, 'd');
  if (seconds < 24 * MONTH) return of(seconds / MONTH, 'mo');
  return of(seconds / (12 * MONTH), 'y');
}

/** Returns the same as a part of a sentence: `now`, `5 min ago`. */
export function ago(at: string, now: number): string {
  const passed = age(at, now);
  return passed === texts.times.now || passed === at ? passed : texts.times.ago(passed);
}

/** Returns so many whole ones of a unit. */
function of(count: number, unit: keyof typeof texts.times.units): string {
  return `${String(Math.floor(count))} ${texts.times.units[unit]}`;
}

// One form of clock everywhere: 24 hours with a leading zero, as log records have it.
const absolute = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'full',
  timeStyle: 'medium',
  hourCycle: 'h23',
});

/** Returns a time as the person's own calendar writes it. */
export function date(at: string): string {
  const then = Date.parse(at);
  return Number.isNaN(then) ? at : absolute.format(then);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short',
  hourCycle: 'h23',
});

/** Returns the time of day to the minute: `09:25`. */
export function clockTime(at: number): string {
  return clock.format(at);
}

/** Returns a day with its time to the minute. */
export function dayTime(at: number): string {
  return dayAndClock.format(at);
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
  if (ms < 1000) return of(ms, 'ms');
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} ${texts.times.units.s}`;
  const seconds = Math.round(ms / 1000);
  if (seconds < MINUTE) return of(seconds, 's');
  if (seconds < HOUR) return `${of(seconds / MINUTE, 'min')} ${of(seconds % MINUTE, 's')}`;
  return `${of(seconds / HOUR, 'h')} ${of((seconds % HOUR) / MINUTE, 'min')}`;
}

/** Returns how long it is until something, to the minute: `18 min`, `9 h 5 min`, `3 d`. */
export function ahead(milliseconds: number): string {
  const minutes = Math.max(1, Math.ceil(milliseconds / 60_000));
  if (minutes < 60) return of(minutes, 'min');
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours < 48) return rest === 0 ? of(hours, 'h') : `${of(hours, 'h')} ${of(rest, 'min')}`;
  return of(hours / 24, 'd');
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
