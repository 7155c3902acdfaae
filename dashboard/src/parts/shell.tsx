// What surrounds every page: the way to the others, the theme, and who is signed in.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { may, session, signOut } from "../api/session.ts";
import { location_ } from "../navigation.ts";
import { ADMIN_PARTS, ADMIN_PERMISSIONS, href, parse, type Route } from "../routes.ts";
import { Keys, openHelp } from "./keys.tsx";
import { choose, theme } from "./theme.ts";

const PLACES: readonly (readonly [Route, string, () => boolean])[] = [
  [{ page: "home" }, "Home", () => true],
  [{ page: "runs" }, "Runs", () => may("runs:read")],
  [{ page: "pipelines" }, "Pipelines", () => may("pipelines:read")],
  [{ page: "search" }, "Search", () => may("logs:read")],
  [{ page: "fleet" }, "Fleet", () => may("pools:read")],
  [{ page: "approvals" }, "Approvals", () => may("runs:read")],
  [{ page: "alerts" }, "Alerts", () => may("alerts:read")],
];

export function Shell({ children }: { children: ComponentChildren }) {
  const route = parse(location_.value.pathname);
  const here = "run" in route ? "runs" : route.page === "pipeline" ? "pipelines" : route.page;
  const admin = ADMIN_PARTS.find((part) => may(ADMIN_PERMISSIONS[part]));
  useEffect(() => {
    // Where the way to the pages is wider than the screen, this page's is in view.
    for (const link of document.querySelectorAll("nav [aria-current]"))
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [location_.value.pathname, session.value]);
  const open = session.value;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href={href({ page: "home" })}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M9 16 23 9M9 16l14 7" />
            <circle cx="9" cy="16" r="4" />
            <circle cx="23" cy="9" r="4" />
            <circle cx="23" cy="23" r="4" />
          </svg>
          Cadence
        </a>
        <nav aria-label="Pages">
          {open &&
            PLACES.filter(([, , offered]) => offered()).map(([place, title]) => (
              <a key={title} href={href(place)} aria-current={here === place.page ? "page" : undefined}>
                {title}
              </a>
            ))}
          {open && admin && (
            <a
              href={href({ page: "admin", part: admin, name: null })}
              aria-current={here === "admin" ? "page" : undefined}
            >
              Admin
            </a>
          )}
        </nav>
        <span class="fill" />
        {open && (
          <button type="button" class="quiet narrow-hidden" onClick={openHelp} aria-label="Keys" title="Keys (?)">
            ?
          </button>
        )}
        <button type="button" class="quiet" onClick={choose} title="Light, dark, or as the system">
          <span class="narrow-hidden">Theme: </span>
          {theme.value}
        </button>
        {open && (
          <button
            type="button"
            class="quiet"
            onClick={() => void signOut()}
            title={`Signed in with the token ${open.name}`}
          >
            Sign out
          </button>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Keys />
    </>
  );
}
