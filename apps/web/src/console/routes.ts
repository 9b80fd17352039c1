/** The addresses of the views, as fragments: the gateway sees none of them, and the back button works. */

import type { ViewName } from './texts.ts';

export type Role = 'operator' | 'tenant';

export type Route = { readonly view: ViewName } | { readonly view: 'session'; readonly id: string };

const VIEWS: Readonly<Record<Role, readonly ViewName[]>> = {
  operator: ['sessions', 'logins', 'weather', 'tenants', 'audit'],
  tenant: ['sessions', 'logins', 'callbacks', 'audit'],
};
const SESSION = /^#\/sessions\/(ses_[\w-]{1,100})$/;

export const viewsOf = (role: Role): readonly ViewName[] => VIEWS[role];

/** An address that names nothing, or nothing that this key may see, leads to the sessions. */
export function parseRoute(hash: string, role: Role): Route {
  const id = SESSION.exec(hash)?.[1];
  if (id !== undefined) return { view: 'session', id };
  const view = VIEWS[role].find((name) => hash === hashOf({ view: name }));
  return { view: view ?? 'sessions' };
}

export function hashOf(route: Route): string {
  return route.view === 'session' ? `#/sessions/${route.id}` : `#/${route.view}`;
}
