/** Where the person is: the address after `#`, and nothing beside it. */
import type { Query, Route } from '../route';
import { href, parse } from '../route';

export class Router {
  route = $state.raw<Route>(parse(location.hash));

  /** Follows the address until it is told to stop. */
  start(): () => void {
    const follow = () => {
      this.route = parse(location.hash);
    };
    follow();
    window.addEventListener('hashchange', follow);
    return () => {
      window.removeEventListener('hashchange', follow);
    };
  }

  /** Says how the screen is looked at; going back does not go through it. */
  adjust(query: Query): void {
    if (this.route.screen !== 'project') return;
    const route = { ...this.route, query: { ...this.route.query, ...query } };
    history.replaceState(null, '', href(route));
    this.route = parse(location.hash);
  }

  go(route: Route): void {
    // The address tells `hashchange` only in its own time; a press is to be answered at once.
    location.hash = href(route);
    this.route = route;
  }
}
