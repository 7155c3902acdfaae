// What is shown in place of content: errors, and that there is nothing.
import type { ComponentChildren } from "preact";

export function Failure({ error }: { error: Error }) {
  return (
    <p class="note note-bad" role="alert">
      {error.message}
    </p>
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
