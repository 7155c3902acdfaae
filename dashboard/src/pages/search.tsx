// Where else? Lines of all runs.

import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { counted } from "../model/format.ts";
import { lineMark } from "../model/line_range.ts";
import { location_, setQuery } from "../navigation.ts";
import { Ago } from "../parts/ago.tsx";
import { useLoaded } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Histogram } from "../parts/histogram.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";
import { href } from "../routes.ts";

type Found = components["schemas"]["FoundPage"];

export function Search() {
  useTitle("Search");
  const q = new URLSearchParams(location_.value.search).get("q") ?? "";
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const loaded = useLoaded<Found | null>(`search/${q}`, (signal) =>
    q ? get<Found>(["logs"], { q, limit: 100 }, signal) : Promise.resolve(null),
  );
  const lines = loaded.value?.lines ?? [];
  return (
    <>
      <div class="title-row">
        <h1>Search</h1>
      </div>
      <form
        class="search-form"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery({ q: text });
        }}
      >
        <label class="hidden" for="query">
          Query
        </label>
        <input
          id="query"
          type="search"
          value={text}
          placeholder='level:error treatment:build since:2h "connection refused"'
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="primary">
          Search
        </button>
      </form>
      {loaded.error && <Failure error={loaded.error} />}
      {q && !loaded.value && !loaded.error && <Loading what="lines" />}
      {!q && (
        <Nothing>
          Words, "phrases", and filters such as <code>level:error</code>, <code>pipeline:NAME</code>,{" "}
          <code>treatment:NAME</code>, <code>since:2h</code> are searched in the lines of all runs that you may see.
        </Nothing>
      )}
      {loaded.value && lines.length === 0 && <Nothing>No line matches.</Nothing>}
      {q && <Histogram q={q} />}
      {lines.length > 0 && (
        <section class="card" aria-label="Lines found">
          <p class="quiet-text">
            {counted(lines.length, "line")}
            {loaded.value?.next ? ", the newest ones" : ""}
          </p>
          <ol class="found">
            {lines.map((line) => (
              <li key={`${line.run}/${lineMark(line)}`} class={`level-${line.level}`}>
                <p class="quiet-text">
                  <a
                    href={href(
                      { page: "treatment", run: line.run, treatment: line.treatment },
                      { line: lineMark(line) },
                    )}
                  >
                    {line.pipeline} / {line.treatment}
                  </a>{" "}
                  <Ago time={line.time} />
                </p>
                <code class="log-text">{visible(line.text.slice(0, 1_000))}</code>
              </li>
            ))}
          </ol>
        </section>
      )}
    </>
  );
}
