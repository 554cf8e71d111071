/** Follows the address bar and changes it. The one place that touches `location` and `history`. */
import { formatPlace, parsePlace, type Place, type Route } from './route.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';

export class Router {
  #place = $state.raw<Place>(parsePlace(window.location.hash));

  constructor() {
    window.addEventListener('popstate', () => this.#follow());
    window.addEventListener('hashchange', () => this.#follow());
  }

  get place(): Place {
    return this.#place;
  }

  get route(): Route {
    return this.#place.route;
  }

  /** Shows a screen of the open project and adds a step to the history. */
  go(route: Route): void {
    this.goTo({ projectId: this.#place.projectId, route });
  }

  /** Like `go`, for small steps that "back" should skip: the next image, a filter. */
  replace(route: Route): void {
    const place = { projectId: this.#place.projectId, route };
    window.history.replaceState(null, '', formatPlace(place));
    this.#place = place;
  }

  goTo(place: Place): void {
    const hash = formatPlace(place);
    if (hash === formatPlace(this.#place)) return;
    window.history.pushState(null, '', hash);
    this.#place = place;
  }

  /** The address of a screen of the open project, for links. */
  href(route: Route): string {
    return formatPlace({ projectId: this.#place.projectId, route });
  }

  enterProject(projectId: ProjectId, route: Route): void {
    this.goTo({ projectId, route });
  }

  #follow(): void {
    this.#place = parsePlace(window.location.hash);
  }
}
