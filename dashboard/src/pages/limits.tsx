// How much at once, and for how long? The organization's quotas, and how long its tokens may live.
import { get, put } from "../api/client.ts";
import { may } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { counted } from "../model/format.ts";
import { ActionForm } from "../parts/acting.tsx";
import { useKept, useLoaded } from "../parts/data.ts";
import { Fact } from "../parts/head.tsx";
import { Failure, Loading } from "../parts/notes.tsx";
import type { PartProps } from "./admin.tsx";

type Schemas = components["schemas"];

/** As many running runs are counted; more are told as "200 or more". */
const MOST_COUNTED = 200;

export function Limits({ again, changed }: PartProps) {
  const loaded = useKept(
    "limits",
    useLoaded(
      `limits/${again}`,
      async (signal) => {
        const [quotas, policy, runs, runners] = await Promise.all([
          get<Schemas["QuotasView"]>(["organizations", "quotas"], {}, signal),
          get<Schemas["TokenPolicyView"]>(["organizations", "token-policy"], {}, signal),
          may("runs:read")
            ? get<Schemas["RunList"]>(["runs"], { state: "running", limit: MOST_COUNTED }, signal)
            : null,
          may("runners:read") ? get<Schemas["RunnerList"]>(["runners"], {}, signal) : null,
        ]);
        return { quotas, policy, runs, runners };
      },
      () => 10_000,
    ),
  );
  const found = loaded.value;
  const writes = may("organizations:write");
  if (!found) return loaded.error ? <Failure error={loaded.error} /> : <Loading what="limits" />;
  return (
    <>
      {loaded.error && <Failure error={loaded.error} />}
      <section class="card" aria-label="Quotas">
        <div class="section-head">
          <h2>Quotas</h2>
          <span class="quiet-text">what is beyond them waits for its turn</span>
        </div>
        <dl class="facts">
          <Fact name="Runs at once">{usedText(found.runs, found.quotas.max_running_runs)}</Fact>
          <Fact name="Runners at once">{usedText(found.runners, found.quotas.max_runners)}</Fact>
        </dl>
        {writes && (
          <ActionForm
            title="Change the quotas"
            button="Set"
            fields={[
              { name: "runs", label: "Runs at once", value: String(found.quotas.max_running_runs) },
              {
                name: "runners",
                label: "Runners at once, none for no limit",
                value: found.quotas.max_runners === null ? "" : String(found.quotas.max_runners),
                optional: true,
              },
            ]}
            act={async ({ runs, runners }) => {
              const body = { max_running_runs: Number(runs), max_runners: runners ? Number(runners) : null };
              await put(["organizations", "quotas"], body);
              changed();
              return "The quotas are set. Waiting runs continue at once if there is more room now.";
            }}
          />
        )}
      </section>
      <section class="card" aria-label="Tokens">
        <div class="section-head">
          <h2>Tokens</h2>
          <span class="quiet-text">that are created from now on</span>
        </div>
        <dl class="facts">
          <Fact name="Longest life">
            {found.policy.longest_days === null ? "without an end" : counted(found.policy.longest_days, "day")}
          </Fact>
        </dl>
        {writes && (
          <ActionForm
            title="Change how long tokens may live"
            button="Set"
            fields={[
              {
                name: "days",
                label: "Days, none for tokens without an end",
                value: found.policy.longest_days === null ? "" : String(found.policy.longest_days),
                optional: true,
              },
            ]}
            act={async ({ days }) => {
              await put(["organizations", "token-policy"], { longest_days: days ? Number(days) : null });
              changed();
              return "It is set. Tokens that exist stay as they are.";
            }}
          />
        )}
      </section>
    </>
  );
}

/** How many of those that are allowed there are; nothing of how many where that may not be read. */
function usedText(used: { items: readonly unknown[]; next?: string | null } | null, limit: number | null): string {
  const count = used ? `${used.items.length}${used.next ? " or more" : ""} of ` : "";
  return `${count}${limit === null ? "no limit" : limit.toLocaleString("en")}`;
}
