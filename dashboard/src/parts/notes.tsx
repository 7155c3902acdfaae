// What is shown in place of content: errors, and that there is nothing.
import type { ComponentChildren } from "preact";

export function Failure({ error }: { error: Error }) {
  return (
    <p class="note note-bad" role="alert">
      {error.message}
    </p>
  );
}

/** In place of a page whose subject could not be read. */
export function Unavailable({ what, error }: { what: string; error: Error }) {
  return (
    <>
      <div class="title-row">
        <h1>{what}</h1>
      </div>
      <Failure error={error} />
    </>
  );
}

export function Nothing({ children }: { children: ComponentChildren }) {
  return <p class="note">{children}</p>;
}

export function Loading({ what }: { what: string }) {
  return (
    <p class="note loading" role="status">
      Loading {what} …
    </p>
  );
}
