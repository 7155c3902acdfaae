// What could not be processed, and why? It is redriven, or dropped for good.
import { get, post, remove } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { contentText, KINDS, redrivenText } from "../model/dead_letters.ts";
import { counted } from "../model/format.ts";
import { location_, navigate, setQuery } from "../navigation.ts";
import { Confirm, Press } from "../parts/acting.tsx";
import { Ago } from "../parts/ago.tsx";
import { useKept, useLoaded } from "../parts/data.ts";
import { Field } from "../parts/field.tsx";
import { Fact } from "../parts/head.tsx";
import { Failure, Loading } from "../parts/notes.tsx";
import { Rows } from "../parts/rows.tsx";
import { href } from "../routes.ts";
import type { PartProps } from "./admin.tsx";

type Schemas = components["schemas"];
type Letter = Schemas["DeadLetterView"];

const ALL = href({ page: "admin", part: "dead-letters", name: null });

export function DeadLetters({ again, changed, name }: PartProps) {
  return name ? <One key={name} id={name} changed={changed} /> : <All again={again} changed={changed} />;
}

function All({ again, changed }: Omit<PartProps, "name">) {
  const query = new URLSearchParams(location_.value.search);
  const [kind, project] = [query.get("kind"), query.get("project")];
  const loaded = useKept(
    `dead-letters/${kind}/${project}`,
    useLoaded(
      `dead-letters/${kind}/${project}/${again}`,
      (signal) => get<Schemas["DeadLetterList"]>(["dead-letters"], { kind, project }, signal),
      () => 15_000,
    ),
  );
  const items = loaded.value?.items;
  const writes = may("dead-letters:write");
  return (
    <>
      <form class="filters audit-filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Kind</span>
          <select value={kind ?? ""} onChange={(event) => setQuery({ kind: event.currentTarget.value || null })}>
            {["", ...KINDS].map((one) => (
              <option key={one} value={one}>
                {one || "any"}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Project</span>
          <Field
            type="search"
            size={12}
            placeholder="default"
            value={project ?? ""}
            commit={(text) => setQuery({ project: text.trim() || null })}
          />
        </label>
      </form>
      <Rows
        title="Dead letters"
        loaded={loaded}
        items={items}
        none="Everything was processed."
        columns={["Since", "What", "Project", "Cause"]}
        row={(one) => ({
          key: one.id,
          cells: [
            <Ago key="at" time={one.at} />,
            <span key="what">
              <span class="chip">{one.kind}</span>{" "}
              <a href={href({ page: "admin", part: "dead-letters", name: one.id })}>{visible(one.what)}</a>
            </span>,
            <span key="project" class="whole">
              {one.project === "*" ? "all" : one.project}
            </span>,
            visible(one.cause),
          ],
          action: writes && <Actions one={one} changed={changed} />,
        })}
      >
        {writes && items && items.length > 1 && (
          <p class="buttons above">
            <Press
              verb="Redrive all"
              what={counted(items.length, "dead letter")}
              act={async () => {
                const text = await redriveAll(items);
                changed();
                return text;
              }}
            />
          </p>
        )}
      </Rows>
    </>
  );
}

/** Redrives them one after the other, the oldest first, so that what depends on order keeps it. */
async function redriveAll(items: readonly Letter[]): Promise<string> {
  let done = 0;
  const failures: string[] = [];
  for (const one of items) {
    try {
      await post(["dead-letters", one.id, "redrive"]);
      done += 1;
    } catch (problem) {
      failures.push((problem as Error).message);
    }
  }
  return redrivenText(done, failures);
}

function Actions({ one, changed }: { one: Letter; changed: () => void }) {
  return (
    <>
      <Press
        verb="Redrive"
        what={one.what}
        act={async () => {
          await post(["dead-letters", one.id, "redrive"]);
          changed();
          return "redriven";
        }}
      />
      <Confirm verb="Drop" what={one.what} act={() => remove(["dead-letters", one.id]).then(changed)} />
    </>
  );
}

function One({ id, changed }: { id: string; changed: () => void }) {
  const loaded = useLoaded(`dead-letter/${id}`, (signal) =>
    get<Schemas["DeadLetterContentView"]>(["dead-letters", id], {}, signal),
  );
  const one = loaded.value;
  const leave = () => {
    changed();
    navigate(ALL);
  };
  return (
    <section class="card" aria-label="Dead letter">
      <div class="section-head">
        <h2>{one ? visible(one.what) : "Dead letter"}</h2>
        {one && <span class="chip">{one.kind}</span>}
        <span class="fill" />
        {one && may("dead-letters:write") && <Actions one={one} changed={leave} />}
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!one && !loaded.error && <Loading what="the dead letter" />}
      {one && (
        <>
          <dl class="facts">
            <Fact name="Cause">{visible(one.cause)}</Fact>
            <Fact name="Since">{new Date(one.at).toLocaleString()}</Fact>
            <Fact name="Project">{one.project === "*" ? "all" : one.project}</Fact>
          </dl>
          <h3 class="above">Content{one.encoding === "base64" ? ", as hex" : ""}</h3>
          <pre class="last-lines">{visible(contentText(one.content, one.encoding))}</pre>
        </>
      )}
      <p class="above">
        <a href={ALL}>All dead letters</a>
      </p>
    </section>
  );
}
