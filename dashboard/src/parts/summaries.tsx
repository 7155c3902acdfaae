// What treatments wrote about what they did, as Markdown of others: it is built of elements, never of HTML.
import { get } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { counted } from "../model/format.ts";
import type { Piece } from "../model/markdown.ts";
import { href } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { Failure } from "./notes.tsx";

type Schemas = components["schemas"];

const MOST = 50;

interface Props {
  run: string;
  finished: string | null;
}

export function Summaries({ run, finished }: Props) {
  const allowed = may("logs:read");
  const loaded = useLoaded(
    `summaries/${run}/${finished !== null}/${allowed}`,
    async (signal) => (allowed ? read(run, signal) : null),
    () => (finished === null ? 5_000 : null),
  );
  if (loaded.error) return <Failure error={loaded.error} />;
  const items = loaded.value?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section class="card" aria-labelledby="summaries-title">
      <div class="section-head">
        <h2 id="summaries-title">Summaries</h2>
        <span>
          {counted(items.length, "treatment")}
          {loaded.value?.next ? " and more" : ""}
        </span>
      </div>
      {items.map((one) => (
        <article key={one.treatment} class="summary">
          <h3>
            <a href={href({ page: "treatment", run, treatment: one.treatment })}>{one.treatment}</a>
            {one.attempt > 1 && <span class="quiet-text"> attempt {one.attempt}</span>}
          </h3>
          <div class="markdown">
            <Pieces of={one.pieces} />
          </div>
        </article>
      ))}
    </section>
  );
}

/** What reads Markdown is fetched only where there is some. */
async function read(run: string, signal: AbortSignal) {
  const found = await get<Schemas["SummaryList"]>(["runs", run, "summaries"], { limit: MOST }, signal);
  if (found.items.length === 0) return null;
  const { markdown } = await import("../model/markdown.ts");
  return { next: found.next, items: found.items.map((one) => ({ ...one, pieces: markdown(one.text) })) };
}

function Pieces({ of }: { of: readonly Piece[] }) {
  return (
    <>
      {of.map((piece, at) => (
        <Shown key={at} piece={piece} />
      ))}
    </>
  );
}

function Shown({ piece }: { piece: Piece }) {
  switch (piece.kind) {
    case "text":
      return <>{piece.text}</>;
    case "line-end":
      return <br />;
    case "rule":
      return <hr />;
    case "code":
      return <code>{piece.text}</code>;
    case "block":
      return <pre>{piece.text}</pre>;
    case "link":
      return (
        <a href={piece.to} target="_blank" rel="noopener noreferrer nofollow">
          <Pieces of={piece.parts} />
        </a>
      );
    case "list": {
      const items = piece.items.map((item, at) => (
        <li key={at}>
          <Pieces of={item} />
        </li>
      ));
      return piece.ordered ? <ol start={piece.start}>{items}</ol> : <ul>{items}</ul>;
    }
    case "table":
      return <Table head={piece.head} rows={piece.rows} />;
    case "heading":
      return (
        <p class={`heading heading-${piece.level}`} role="heading" aria-level={Math.min(6, piece.level + 3)}>
          <Pieces of={piece.parts} />
        </p>
      );
    case "em":
      return (
        <em>
          <Pieces of={piece.parts} />
        </em>
      );
    case "strong":
      return (
        <strong>
          <Pieces of={piece.parts} />
        </strong>
      );
    case "del":
      return (
        <del>
          <Pieces of={piece.parts} />
        </del>
      );
    case "p":
      return (
        <p>
          <Pieces of={piece.parts} />
        </p>
      );
    case "quote":
      return (
        <blockquote>
          <Pieces of={piece.parts} />
        </blockquote>
      );
    case "group":
      return <Pieces of={piece.parts} />;
  }
}

function Table({ head, rows }: { head: Piece[][]; rows: Piece[][][] }) {
  return (
    <table>
      <thead>
        <tr>
          {head.map((cell, at) => (
            <th key={at} scope="col">
              <Pieces of={cell} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, line) => (
          <tr key={line}>
            {row.map((cell, at) => (
              <td key={at}>
                <Pieces of={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
