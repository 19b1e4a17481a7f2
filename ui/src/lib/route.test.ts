import type { Route } from './route';
import { href, parse } from './route';

test.each<[string, Route]>([
  ['', { screen: 'projects' }],
  ['#/projects', { screen: 'projects' }],
  ['#/settings', { screen: 'settings' }],
  ['#/projects/shop', { screen: 'project', project: 'shop', tab: 'overview', item: null }],
  ['#/projects/shop/runs', { screen: 'project', project: 'shop', tab: 'runs', item: null }],
  ['#/projects/shop/releases/3f2a', { screen: 'project', project: 'shop', tab: 'releases', item: '3f2a' }],
  ['#/projects/a%2Fb/logs/local', { screen: 'project', project: 'a/b', tab: 'logs', item: 'local' }],
  ['#/projects/shop/nonsense/x', { screen: 'project', project: 'shop', tab: 'overview', item: null }],
  ['#/projects/%E0%A4%A', { screen: 'project', project: '%E0%A4%A', tab: 'overview', item: null }],
  [
    '#/projects/shop/health/local/7',
    { screen: 'project', project: 'shop', tab: 'health', item: 'local', mark: '7' },
  ],
  [
    '#/projects/shop/logs/local?q=status%3D500+%22a+b%22&since=3600',
    {
      screen: 'project',
      project: 'shop',
      tab: 'logs',
      item: 'local',
      query: { q: 'status=500 "a b"', since: '3600' },
    },
  ],
  ['#/projects/shop/logs?', { screen: 'project', project: 'shop', tab: 'logs', item: null }],
  ['#/elsewhere', { screen: 'projects' }],
])('%s leads to a screen', (hash, route) => {
  expect(parse(hash)).toEqual(route);
});

test('an address leads back to where it came from', () => {
  const route: Route = { screen: 'project', project: 'متجر', tab: 'environments', item: 'a b/c' };
  expect(parse(href(route))).toEqual(route);
  const marked: Route = { ...route, tab: 'health', mark: '7' };
  expect(parse(href(marked))).toEqual(marked);
  const query = { q: 'path="/a?b" متجر', columns: 'a,b' };
  expect(parse(href({ ...route, query }))).toEqual({ ...route, query });
  expect(parse(href({ ...route, query: { q: '' } }))).toEqual(route);
});
