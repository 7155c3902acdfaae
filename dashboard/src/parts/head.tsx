// What a page tells of itself: its title, the way to it, and facts about its subject.
import { type ComponentChildren, Fragment, toChildArray } from "preact";
import { useEffect } from "preact/hooks";
import { href } from "../routes.ts";

/** The title of the tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Cadence` : "Cadence";
  }, [title]);
}

/** The links that lead to the page, from the widest on. */
export function Crumbs({ children }: { children: ComponentChildren }) {
  return (
    <nav class="crumbs" aria-label="Where this is">
      {toChildArray(children).map((link, at) => (
        <Fragment key={at}>
          {at > 0 && <span aria-hidden="true">/</span>}
          {link}
        </Fragment>
      ))}
    </nav>
  );
}

interface RunCrumbsProps {
  run: string;
  /** The treatment that is chosen on the run's page. */
  treatment: string | null;
  children?: ComponentChildren;
}

/** The way to something of a run. */
export function RunCrumbs({ run, treatment, children }: RunCrumbsProps) {
  return (
    <Crumbs>
      <a href={href({ page: "runs" })}>Runs</a>
      <a href={href({ page: "run", run }, { t: treatment })}>
        <code>{run}</code>
      </a>
      {children}
    </Crumbs>
  );
}

/** An entry of a list of facts. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
