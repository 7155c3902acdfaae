// Keys, and the sheet that lists them. Elements with `data-key` are used by that key; it is pressed alone, so it can be
// turned off.
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { EVERYWHERE, type Key, meaning } from "../model/keys.ts";
import { navigate } from "../navigation.ts";

const STORED = "cadence.keys";

/** Whether single keys are listened to. */
const on = signal(localStorage.getItem(STORED) !== "off");
const offered = signal<readonly Key[] | null>(null);

export function openHelp(): void {
  const found = [...document.querySelectorAll<HTMLElement>("[data-key]")];
  const named = found.map((element) => ({
    key: element.dataset.key ?? "",
    what: element.getAttribute("aria-label") ?? element.getAttribute("placeholder") ?? element.textContent ?? "",
  }));
  offered.value = [...new Map(named.map((one) => [one.key, one])).values()];
}

export function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let before: string | null = null;
    let timer = 0;
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const writes = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (writes && event.key === "Escape") target.blur();
      if (writes || !on.value || offered.value || event.defaultPrevented) return;
      const action = meaning(event, before);
      clearTimeout(timer);
      before = event.key;
      timer = setTimeout(() => {
        before = null;
      }, 1_500) as unknown as number;
      if (!action) return;
      if (action.kind === "help") openHelp();
      else if (action.kind === "go") navigate(action.to === "home" ? "/ui" : `/ui/${action.to}`);
      else {
        const found = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(action.key)}"]`);
        if (!found) return;
        if (found.tagName === "INPUT") found.focus();
        else found.click();
      }
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  // With what is drawn, so that an Escape right after its key closes it.
  useLayoutEffect(() => {
    if (offered.value && !dialog.current?.open) dialog.current?.showModal();
  }, [offered.value]);
  return (
    <dialog ref={dialog} class="card keys" aria-labelledby="keys-title" onClose={() => (offered.value = null)}>
      <div class="section-head">
        <h2 id="keys-title">Keys</h2>
        <span class="fill" />
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      {offered.value && offered.value.length > 0 && (
        <>
          <h3>On this page</h3>
          <List keys={offered.value} />
        </>
      )}
      <h3>Everywhere</h3>
      <List keys={EVERYWHERE} />
      <label class="inline">
        <input
          type="checkbox"
          checked={on.value}
          onChange={(event) => {
            on.value = event.currentTarget.checked;
            localStorage.setItem(STORED, on.value ? "on" : "off");
          }}
        />{" "}
        Listen to single keys
      </label>
    </dialog>
  );
}

function List({ keys }: { keys: readonly Key[] }) {
  return (
    <dl class="key-list">
      {keys.map(({ key, what }) => (
        <div key={key}>
          <dt>
            {key.split(" ").map((one) => (
              <kbd key={one}>{one.replace(",", "")}</kbd>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
