// Who decides? Treatments that wait for an approval: those of the reader first.

import { useState } from "preact/hooks";
import { get, post } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { ago, counted, duration } from "../model/format.ts";
import { useLoaded, useNow } from "../parts/data.ts";
import { useTitle } from "../parts/head.tsx";
import { Failure, Loading, Nothing } from "../parts/notes.tsx";
import { href } from "../routes.ts";

type Schemas = components["schemas"];
type Pending = Schemas["PendingApprovalView"];

export function Approvals() {
  useTitle("Approvals");
  const [again, setAgain] = useState(0);
  const loaded = useLoaded(
    `approvals/${again}`,
    (signal) => get<Schemas["PendingApprovalList"]>(["approvals"], {}, signal),
    () => 5_000,
  );
  const now = useNow(true, 1_000);
  const items = loaded.value?.items ?? [];
  const mine = items.filter((one) => one.obstacle === null);
  const others = items.filter((one) => one.obstacle !== null);
  const decided = () => setAgain((count) => count + 1);
  return (
    <>
      <div class="title-row">
        <h1>Approvals</h1>
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!loaded.value && !loaded.error && <Loading what="approvals" />}
      {loaded.value && items.length === 0 && <Nothing>Nothing waits for an approval.</Nothing>}
      {mine.length > 0 && (
        <section aria-labelledby="mine-title">
          <h2 id="mine-title" class="above">
            {counted(mine.length, "treatment")} {mine.length === 1 ? "waits" : "wait"} for you
          </h2>
          {mine.map((one) => (
            <Waiting key={`${one.run_id}/${one.treatment}`} one={one} now={now} decided={decided} />
          ))}
        </section>
      )}
      {others.length > 0 && (
        <section aria-labelledby="others-title">
          <h2 id="others-title" class="above">
            For others
          </h2>
          {others.map((one) => (
            <Waiting key={`${one.run_id}/${one.treatment}`} one={one} now={now} decided={decided} />
          ))}
        </section>
      )}
    </>
  );
}

function Waiting({ one, now, decided }: { one: Pending; now: number; decided: () => void }) {
  const [comment, setComment] = useState("");
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const decide = async (decision: "approve" | "refuse") => {
    setBusy(true);
    setError(null);
    try {
      await post(["runs", one.run_id, "treatments", one.treatment, "approval"], { decision, comment });
      decided();
    } catch (problem) {
      setError(problem as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <article class="card approval" aria-label={`${one.treatment} of ${one.pipeline}`}>
      <h3>
        <a href={href({ page: "treatment", run: one.run_id, treatment: one.treatment })}>{one.treatment}</a>
        <span class="quiet-text"> of </span>
        <a href={href({ page: "run", run: one.run_id })}>{one.pipeline}</a>
        <span class="chip">{one.environment}</span>
      </h3>
      <p class="quiet-text">
        Started by {visible(one.starter)}, asked {ago(one.asked_at, now)}, expires in{" "}
        {duration(Math.max(0, Date.parse(one.expires_at) - now))}
        {one.branch ? `, on ${one.branch}` : ""}
      </p>
      {one.commit && (
        <p class="clip">
          <code>{one.commit.slice(0, 12)}</code> {one.commit_message && visible(one.commit_message)}
        </p>
      )}
      <p>
        {one.decisions.length} of {counted(one.required, "approval")}
        {one.approvers ? `, by ${one.approvers.join(", ")}` : ""}
        {one.decisions.map((decision) => (
          <span key={`${decision.by}/${decision.at}`} class="quiet-text">
            {" "}
            · {visible(decision.by_name || decision.by)} {decision.decision === "approve" ? "approved" : "refused"}
            {decision.comment ? `: ${visible(decision.comment)}` : ""}
          </span>
        ))}
      </p>
      {one.obstacle && <p class="quiet-text">{one.obstacle}</p>}
      {!one.obstacle && (
        <form class="decide" onSubmit={(event) => event.preventDefault()}>
          <label>
            <span class="hidden">Reason, stored with the decision on {one.treatment}</span>
            <input
              value={comment}
              maxLength={2_000}
              placeholder="Reason (optional)"
              onInput={(event) => setComment(event.currentTarget.value)}
            />
          </label>
          <span class="buttons">
            <button type="button" class="primary" disabled={busy} onClick={() => void decide("approve")}>
              Approve<span class="hidden"> {one.treatment}</span>
            </button>
            <button type="button" class="danger" disabled={busy} onClick={() => void decide("refuse")}>
              Refuse<span class="hidden"> {one.treatment}</span>
            </button>
          </span>
        </form>
      )}
      {error && <Failure error={error} />}
    </article>
  );
}
