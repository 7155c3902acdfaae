// The address shown now, and ways to another one.
import { signal } from "@preact/signals";

/** The address shown now; pages read their state from its query. */
export const location_ = signal({ pathname: location.pathname, search: location.search });

function read(): void {
  location_.value = { pathname: location.pathname, search: location.search };
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  read();
  if (!options.replace) scrollTo(0, 0);
}

/** Sets parameters of the address without a new entry in the history. */
export function setQuery(changes: Record<string, string | null>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  navigate(location.pathname + (text ? `?${text}` : ""), { replace: true });
}

export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.origin !== location.origin || !/^\/ui(\/|$)/.test(link.pathname)) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}

export function listen(): void {
  addEventListener("popstate", read);
  document.addEventListener("click", follow);
}
