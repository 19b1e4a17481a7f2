/** Which screen is shown, as the part of the address after `#`: it survives a reload, and back and forth go through it. */

export const TABS = [
  'overview',
  'runs',
  'releases',
  'environments',
  'health',
  'logs',
  'secrets',
  'settings',
] as const;
export type Tab = (typeof TABS)[number];

export type Route =
  | { screen: 'projects' }
  | { screen: 'settings' }
  | { screen: 'credentials' }
  /**
   * A project's tab; `item` is the run, release or environment that is looked at, `mark` an incident on it, `query` how it is looked at.
   */
  | { screen: 'project'; project: string; tab: Tab; item: string | null; mark?: string; query?: Query };

/** How something is looked at: what stands after `?`. */
export type Query = Record<string, string>;

const HOME: Route = { screen: 'projects' };

/** Reads the part after `#`. What is not understood is the list of projects. */
export function parse(hash: string): Route {
  const [path = '', after = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const parts = path.split('/').filter(Boolean).map(decoded);
  const [first, project, tab = 'overview', item, mark] = parts;
  if (first === 'credentials') return { screen: 'credentials' };
  if (first === 'settings') return { screen: 'settings' };
  if (first !== 'projects' || project === undefined) return HOME;
  const known = TABS.find((one) => one === tab);
  const query = Object.fromEntries(new URLSearchParams(after));
  return {
    screen: 'project',
    project,
    tab: known ?? 'overview',
    item: known ? (item ?? null) : null,
    ...(known && mark !== undefined && { mark }),
    ...(Object.keys(query).length > 0 && { query }),
  };
}

/** Writes a route as the address of a link. */
export function href(route: Route): string {
  if (route.screen !== 'project') return `#/${route.screen}`;
  const parts = ['projects', route.project, route.tab, route.item, route.item && route.mark].filter(
    (part) => part != null,
  );
  const said = Object.entries(route.query ?? {}).filter(([, value]) => value !== '');
  const query = said.length > 0 ? `?${new URLSearchParams(said).toString()}` : '';
  return `#/${parts.map(encodeURIComponent).join('/')}${query}`;
}

/** The address of a part of a project. */
export function inProject(
  project: string,
  tab: Tab = 'overview',
  item: string | null = null,
  query: Query = {},
): string {
  return href({ screen: 'project', project, tab, item, query });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
