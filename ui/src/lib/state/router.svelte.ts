/** Where the person is: the address after `#`, and nothing beside it. */
import type { Route } from '../route';
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

  go(route: Route): void {
    // The address tells `hashchange` only in its own time; a press is to be answered at once.
    location.hash = href(route);
    this.route = route;
  }
}
