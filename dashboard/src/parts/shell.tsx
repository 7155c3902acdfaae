// What surrounds every page: the way to the others, the theme, and who is signed in.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { session, signOut } from "../api/session.ts";
import { location_ } from "../navigation.ts";
import { href, parse } from "../routes.ts";
import { choose, theme } from "./theme.ts";

const PLACES = [
  ["runs", "Runs"],
  ["pipelines", "Pipelines"],
  ["search", "Search"],
  ["fleet", "Fleet"],
  ["alerts", "Alerts"],
] as const;

export function Shell({ children }: { children: ComponentChildren }) {
  const route = parse(location_.value.pathname);
  const here = "run" in route ? "runs" : route.page === "home" ? "runs" : route.page;
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
          {PLACES.map(([page, title]) => (
            <a key={page} href={href({ page })} aria-current={here === page ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <span class="fill" />
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
    </>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Cadence` : "Cadence";
  }, [title]);
}
