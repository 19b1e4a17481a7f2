/** What a project needs of secrets and what is kept, joined by name: pure. */
import type { ProjectFacts, SecretEntry, SecretReport, SecretScope, SecretSource } from './backend';

export interface SecretRow {
  scope: SecretScope;
  /** Where its value comes from; null for one that nothing needs. */
  source: SecretSource | null;
  /** What is kept for exactly this scope. */
  entry: SecretEntry | null;
  /** What is kept for all, where its own is missing. */
  shared: SecretEntry | null;
}

export interface SecretGroup {
  name: string;
  rows: SecretRow[];
}

export function groups({ kept, needed }: SecretReport): SecretGroup[] {
  const names = [...new Set([...needed, ...kept].map(({ name }) => name))].sort((one, other) =>
    one.localeCompare(other),
  );
  return names.map((name) => {
    const own = kept.filter((entry) => entry.name === name);
    const every = own.find(({ scope }) => scope.of === 'every') ?? null;
    const wanted = needed.filter((need) => need.name === name);
    const rows = wanted.map(({ scope, source }): SecretRow => {
      const entry = own.find((one) => same(one.scope, scope)) ?? null;
      const shared = entry === null && (source === 'value' || source === 'command') ? every : null;
      return { scope, source, entry, shared };
    });
    const rest = own
      .filter((entry) => !rows.some(({ scope }) => same(scope, entry.scope)))
      .map((entry): SecretRow => ({
        scope: entry.scope,
        source: entry.scope.of === 'every' && wanted.length > 0 ? entry.source : null,
        entry,
        shared: null,
      }));
    return {
      name,
      rows: [...rest.filter(isEvery), ...rows, ...rest.filter((row) => !isEvery(row))],
    };
  });
}

/** The names that have no value, by who needs them. */
export function lacking({ needed }: SecretReport): { scope: SecretScope; names: string[] }[] {
  const found: { scope: SecretScope; names: string[] }[] = [];
  for (const { name, scope, source } of needed) {
    if (source !== 'missing') continue;
    const known = found.find((one) => same(one.scope, scope));
    if (known) known.names.push(name);
    else found.push({ scope, names: [name] });
  }
  return found;
}

export function same(one: SecretScope, other: SecretScope): boolean {
  return key(one) === key(other);
}

/** A scope as one text. */
export function key(scope: SecretScope): string {
  return scope.of === 'environment' ? `environment ${scope.name}` : scope.of;
}

function isEvery({ scope }: SecretRow): boolean {
  return scope.of === 'every';
}

/** Returns whom a secret of a project can be for. */
export function scopesOf(facts: ProjectFacts | null): SecretScope[] {
  return [
    ...(facts?.environments ?? []).map(({ name }) => ({ of: 'environment', name }) as const),
    { of: 'every' },
    { of: 'gauntlet' },
  ];
}
