// Which lines of a log are shown: those of some levels, those of some treatments.
import { useState } from "preact/hooks";
import { setQuery } from "../navigation.ts";

export const LEVELS = ["error", "warning", "info", "debug"] as const;
/** So many names are offered at once; the field above them finds others. */
const MOST_NAMES = 50;

/** What a list in the address names. */
export function listed(text: string | null): string[] {
  return [...new Set((text ?? "").split(",").filter(Boolean))];
}

function toggled(all: readonly string[], one: string): string | null {
  return (all.includes(one) ? all.filter((other) => other !== one) : [...all, one]).join(",") || null;
}

export function Levels({ chosen }: { chosen: readonly string[] }) {
  return (
    <span class="levels" role="group" aria-label="Levels; none chosen: all">
      {LEVELS.map((level) => (
        <button
          key={level}
          type="button"
          class={`level-${level}`}
          aria-pressed={chosen.includes(level)}
          onClick={() => setQuery({ level: toggled(chosen, level) })}
        >
          {level}
        </button>
      ))}
    </span>
  );
}

interface AmongProps {
  names: readonly string[];
  chosen: readonly string[];
}

/** The treatments of a run, of which some can be chosen. */
export function Among({ names, chosen }: AmongProps) {
  const [text, setText] = useState("");
  const wanted = text.toLowerCase();
  const matching = names.filter((name) => !chosen.includes(name) && name.toLowerCase().includes(wanted));
  const offered = [...chosen, ...matching.slice(0, MOST_NAMES)];
  return (
    <details class="among">
      <summary>
        Treatments: {chosen.length === 0 && "all"}
        {chosen.length === 1 && chosen[0]}
        {chosen.length > 1 && `${chosen.length} of ${names.length.toLocaleString("en")}`}
      </summary>
      <div class="among-list">
        {names.length > 8 && (
          <input
            type="search"
            aria-label="Find a treatment"
            placeholder="Find a treatment"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        )}
        <fieldset>
          <legend class="hidden">Lines of these treatments only</legend>
          {offered.map((name) => (
            <label key={name}>
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                onChange={() => setQuery({ of: toggled(chosen, name) })}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        {matching.length > MOST_NAMES && (
          <p class="quiet-text">
            {(matching.length - MOST_NAMES).toLocaleString("en")} more; write a part of the name.
          </p>
        )}
        {chosen.length > 0 && (
          <button type="button" class="quiet" onClick={() => setQuery({ of: null })}>
            All treatments
          </button>
        )}
      </div>
    </details>
  );
}
