// What the caller may do: asked once for each session.
import { effect } from "@preact/signals";
import { get } from "./client.ts";
import { held, session } from "./session.ts";
import type { components } from "./types.ts";

let known = "";

effect(() => {
  const id = session.value?.id ?? "";
  if (id === known) return;
  known = id;
  held.value = null;
  if (!id) return;
  get<components["schemas"]["SelfView"]>(["self"])
    .then((self) => {
      if (known === id) held.value = self.held;
    })
    .catch(() => undefined); // what the session was opened with says it roughly; requests are refused in any case
});
