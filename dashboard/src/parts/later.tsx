// A page, or a part of one, whose code is fetched when it is first shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Loading } from "./notes.tsx";

/**
 * Returns a component in place of the one that `load` fetches; once fetched, it is there at once. Of a part that is not
 * needed first (`quietly`) nothing is shown until then, unless it could not be fetched.
 */
export function later<P extends object>(load: () => Promise<ComponentType<P>>, quietly = false): ComponentType<P> {
  let fetched: ComponentType<P> | null = null;
  return function Later(props: P) {
    const [Content, setContent] = useState<{ of: ComponentType<P> } | null>(fetched && { of: fetched });
    const [failed, setFailed] = useState(false);
    const [tries, setTries] = useState(0);
    useEffect(() => {
      if (fetched) return;
      let current = true;
      load().then(
        (found) => {
          fetched = found;
          if (current) setContent({ of: found });
        },
        () => current && setFailed(true),
      );
      return () => {
        current = false;
      };
    }, [tries]);
    if (Content) return <Content.of {...props} />;
    if (!failed) return quietly ? null : <Loading what="the page" />;
    return (
      <div class="note note-bad" role="alert">
        <p>
          {quietly ? "A part of this page" : "This page's code"} could not be fetched: Cadence does not answer, or it
          was upgraded since this tab was opened.
        </p>
        <p class="buttons">
          <button
            type="button"
            onClick={() => {
              setFailed(false);
              setTries(tries + 1);
            }}
          >
            Try again
          </button>
          <button type="button" onClick={() => location.reload()}>
            Load the page again
          </button>
        </p>
      </div>
    );
  };
}
