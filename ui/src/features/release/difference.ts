/** What is different between a release and the one before it, in words. */
import type { Release } from '../../lib/backend';
import { bytes, short } from '../../shared/words';
import { texts } from '../../texts';

export interface Change {
  what: string;
  was: string;
  now: string;
}

export function difference(release: Release, before: Release): Change[] {
  const { release: words } = texts;
  const sides: [string, (one: Release) => string][] = [
    [
      words.commit,
      ({ evidence }) => (evidence.source.commit ? short(evidence.source.commit) : words.noCommit),
    ],
    [words.branch, ({ evidence }) => evidence.source.branch ?? ''],
    [words.lock, ({ evidence }) => (evidence.lock_digest ? short(evidence.lock_digest) : '')],
    [words.base, ({ evidence }) => base(evidence.base)],
    [words.image, ({ image }) => short(image)],
    [words.size, ({ evidence }) => bytes(evidence.image_size)],
    ['Python', ({ app }) => app.python],
  ];
  const gates = new Set([...release.evidence.gates, ...before.evidence.gates].map(({ gate }) => gate));
  for (const gate of gates) sides.push([gate, ({ evidence }) => ofGate(evidence, gate)]);
  const processes = new Set([...release.app.processes, ...before.app.processes].map(({ name }) => name));
  for (const name of processes) sides.push([name, ({ app }) => command(app, name)]);
  const names = new Set([...Object.keys(release.app.env), ...Object.keys(before.app.env)]);
  for (const name of names) sides.push([name, ({ app }) => app.env[name] ?? '–']);
  return sides
    .map(([what, of]) => ({ what, was: of(before), now: of(release) }))
    .filter(({ was, now }) => was !== now);
}

function base(found: Release['evidence']['base']): string {
  return found ? `${found.reference} ${short(found.digest)}` : '–';
}

function ofGate({ gates }: Release['evidence'], name: string): string {
  const gate = gates.find((one) => one.gate === name);
  if (!gate) return '–';
  const tests = gate.tests_passed === null ? '' : `, ${texts.releases.tests(gate.tests_passed)}`;
  // Cached is green as well: it says how it was found out, not what.
  return `${gate.state === 'cached' ? 'green' : gate.state}${tests}${gate.tool ? `, ${gate.tool}` : ''}`;
}

function command({ processes }: Release['app'], name: string): string {
  const process = processes.find((one) => one.name === name);
  if (!process) return '–';
  return typeof process.command === 'string' ? process.command : process.command.join(' ');
}
