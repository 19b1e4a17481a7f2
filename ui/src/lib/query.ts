/** The filter of the logs as a text that people and buttons write: the words of `nonevent logs --search`. What a word means, the engine decides. */
import type { LogLevel } from './backend';

/** What the engine takes as the name of a field. */
const FIELD = /^[A-Za-z0-9_.@-]+$/;
/** Values longer than that make no filter. */
const LONGEST = 200;

/** Parts that have one value at most. */
export type Place = 'release' | 'process' | 'instance';

/** Returns the words as they were written, quotations kept together. */
export function words(query: string): string[] {
  return query.match(/(?:"[^"]*(?:"|$)|[^\s"])+/g) ?? [];
}

/** Tells whether a word is in the filter. */
export function has(query: string, word: string): boolean {
  return words(query).includes(word);
}

/** Adds a word, or takes it away when it is there. */
export function toggled(query: string, word: string): string {
  const all = words(query);
  return (all.includes(word) ? all.filter((one) => one !== word) : [...all, word]).join(' ');
}

/** Returns the gravest level that is left out below, when there is one: `level>=warning`. */
export function levelOf(query: string): LogLevel | null {
  const found = words(query).findLast((word) => word.startsWith('level>='));
  return (found?.slice('level>='.length) as LogLevel | undefined) ?? null;
}

/** Asks for a level or graver, or for any. */
export function withLevel(query: string, level: LogLevel | null): string {
  const rest = words(query).filter((word) => !/^level(>=|=|:)/.test(word));
  return (level === null ? rest : [`level>=${level}`, ...rest]).join(' ');
}

/** Returns what a place must be, or nothing. */
export function valueOf(query: string, place: Place): string {
  const found = words(query).findLast((word) => word.startsWith(`${place}:`));
  return found?.slice(place.length + 1).replaceAll('"', '') ?? '';
}

/** Asks for a place, or for any. */
export function withValue(query: string, place: Place, value: string): string {
  const rest = words(query).filter((word) => !word.startsWith(`${place}:`));
  return (value === '' ? rest : [...rest, `${place}:${quoted(value)}`]).join(' ');
}

/** Returns the word that asks for a field's value; null where no filter can say it. */
export function fieldWord(name: string, value: string): string | null {
  const sayable = FIELD.test(name) && value !== '' && value.length <= LONGEST && !value.includes('"');
  return sayable ? `${name}=${quoted(value)}` : null;
}

function quoted(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value;
}
