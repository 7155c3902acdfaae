// Where else? Lines of all runs.

import { useEffect, useState } from "preact/hooks";
import { visible } from "../model/ansi.ts";
import { counted } from "../model/format.ts";
import { lineMark } from "../model/line_range.ts";
import { location_, setQuery } from "../navigation.ts";
import { Ago } from "../parts/ago.tsx";
import { Facets } from "../parts/facets.tsx";
import { type FoundLine, lineKey, MOST, useFound } from "../parts/found.ts";
import { useTitle } from "../parts/head.tsx";
import { Histogram } from "../parts/histogram.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";
import { QueryField } from "../parts/query_field.tsx";
import { Text } from "../parts/text.tsx";
import { href } from "../routes.ts";
import "../style/search.css";

const LONGEST = 1_000;
/** While lines are followed they are counted again after so many milliseconds. */
const COUNT_EVERY = 15_000;

export function Search() {
  useTitle("Search");
  const query = new URLSearchParams(location_.value.search);
  const q = query.get("q") ?? "";
  const isFollowed = query.get("follow") !== null;
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const found = useFound(q, isFollowed);
  const every = isFollowed ? COUNT_EVERY : null;
  const count = found.lines?.length ?? 0;
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
        <QueryField value={text} changed={setText} />
        <button type="submit" class="primary">
          Search
        </button>
        <button
          type="button"
          aria-pressed={isFollowed}
          disabled={!q}
          onClick={() => setQuery({ follow: isFollowed ? null : "1" })}
        >
          Follow
        </button>
      </form>
      {found.error && <Failure error={found.error} />}
      {q && !found.lines && !found.error && <Loading what="lines" />}
      {!q && (
        <Nothing>
          Words, "phrases", and filters such as <code>level:error</code>, <code>pipeline:NAME</code>,{" "}
          <code>treatment:NAME</code>, <code>since:2h</code> are searched in the lines of all runs that you may see. The
          field completes their names and values.
        </Nothing>
      )}
      {found.lines && count === 0 && (
        <Nothing>
          {found.reached ? "No line matches so far; older ones can be searched." : "No line matches."}
          {isFollowed && " Lines that come are shown here."}
        </Nothing>
      )}
      {q && <Histogram q={q} every={every} />}
      {q && <Facets q={q} every={every} />}
      {(count > 0 || found.older) && (
        <section class="card" aria-labelledby="found-title">
          <div class="section-head">
            <h2 id="found-title">Lines found</h2>
            <span class="quiet-text">
              {counted(count, "line")}
              {found.older || count >= MOST ? ", the newest ones" : ""}
            </span>
            <span class="quiet-text" role="status">
              {isFollowed && (found.fresh ? `${counted(found.fresh, "new line")} since then` : "followed")}
            </span>
          </div>
          <ol class="found">
            {found.lines?.map((line, at) => (
              <FoundRow key={lineKey(line)} line={line} isNew={at < found.fresh} />
            ))}
          </ol>
          {found.older && (
            <button type="button" onClick={found.older}>
              Older lines
            </button>
          )}
        </section>
      )}
    </>
  );
}

function FoundRow({ line, isNew }: { line: FoundLine; isNew: boolean }) {
  const to = href({ page: "treatment", run: line.run, treatment: line.treatment }, { line: lineMark(line) });
  return (
    <li class={`level-${line.level}${isNew ? " new" : ""}`}>
      <p class="quiet-text">
        <a href={to}>
          {visible(line.pipeline)} / {visible(line.treatment)}
        </a>{" "}
        <Ago time={line.time} />
      </p>
      <code class="log-text">
        {line.gap ? "— lines are missing here: " : ""}
        <Text text={line.text.slice(0, LONGEST)} />
      </code>
    </li>
  );
}
