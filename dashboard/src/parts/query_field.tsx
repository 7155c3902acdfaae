// The field of a search's query: names of fields and values are completed while it is written.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { counted } from "../model/format.ts";
import { type Completing, completed, completing, known, queryOfValues } from "../model/search_query.ts";

type Counts = components["schemas"]["CountsView"];

const MOST = 8;
/** Values are asked for once nothing is written for so long. */
const PAUSE = 200;

interface Offer {
  text: string;
  what: string;
}

interface Props {
  value: string;
  changed: (text: string) => void;
}

export function QueryField({ value, changed }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState<Completing | null>(null);
  const [values, setValues] = useState<{ query: string; offers: readonly Offer[] }>({ query: "", offers: [] });
  const [chosen, setChosen] = useState(-1);
  const [cursor, setCursor] = useState<number | null>(null);

  const query = at ? queryOfValues(at) : null;
  useEffect(() => {
    if (!query || !at?.field) return;
    const controller = new AbortController();
    const by = at.field;
    const ask = async () => {
      const { counts } = await get<Counts>(["logs", "counts"], { q: query, by }, controller.signal);
      const offers = counts.flatMap((one) =>
        one.value ? [{ text: one.value, what: counted(one.lines, "line") }] : [],
      );
      setValues({ query, offers });
    };
    // What cannot be asked for is not offered: the search itself says what is wrong.
    const timer = setTimeout(() => void ask().catch(() => setValues({ query, offers: [] })), PAUSE);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [query]);

  // Before the next key arrives: what is written then belongs behind what was completed.
  useLayoutEffect(() => {
    if (cursor === null) return;
    field.current?.setSelectionRange(cursor, cursor);
    setCursor(null);
  }, [cursor]);

  const asked = query && values.query === query ? values.offers.filter((one) => one.text !== at?.typed) : [];
  const offers = at ? [...known(at), ...asked].slice(0, MOST) : [];
  const isOpen = offers.length > 0;

  const look = (always: boolean) => {
    const element = field.current;
    const next = element && completing(element.value, element.selectionStart ?? element.value.length);
    setAt(next && (always || next.typed || next.field !== null) ? next : null);
    setChosen(-1);
  };
  const choose = (offer: Offer) => {
    if (!at) return;
    const next = completed(value, at, offer.text);
    changed(next.text);
    setCursor(next.cursor);
    const after = completing(next.text, next.cursor);
    setAt(after?.field ? after : null);
    setChosen(-1);
    field.current?.focus();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" && !isOpen) look(true);
    else if (isOpen && event.key === "Escape") {
      event.stopPropagation();
      setAt(null);
    } else if (isOpen && event.key === "ArrowDown") setChosen((chosen + 1) % offers.length);
    else if (isOpen && event.key === "ArrowUp") setChosen((chosen <= 0 ? offers.length : chosen) - 1);
    else if (isOpen && chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) choose(offers[chosen] as Offer);
    else return;
    event.preventDefault();
  };
  return (
    <span class="query-field">
      <input
        ref={field}
        id="query"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        data-key="f"
        aria-label="Query"
        aria-expanded={isOpen}
        aria-controls="query-offers"
        aria-autocomplete="list"
        aria-activedescendant={isOpen && chosen >= 0 ? `query-offer-${chosen}` : undefined}
        value={value}
        placeholder='level:error treatment:build since:2h "connection refused"'
        onInput={(event) => {
          changed(event.currentTarget.value);
          look(false);
        }}
        onKeyDown={press}
        onBlur={() => setAt(null)}
      />
      <span id="query-offers" role="listbox" aria-label="Completions" class="offers" hidden={!isOpen}>
        {offers.map((offer, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are those of the field, which keeps the focus
          <span
            key={offer.text}
            id={`query-offer-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === chosen}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(offer)}
          >
            <code>{offer.text}</code> <span class="quiet-text">{offer.what}</span>
          </span>
        ))}
      </span>
    </span>
  );
}
