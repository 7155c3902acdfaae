// The tests of a run that failed: new ones first, each with its place and message.
import { get } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { testsInWords } from "../model/tests.ts";
import { href } from "../routes.ts";
import { useLoaded } from "./data.ts";
import { Failure } from "./notes.tsx";

type Schemas = components["schemas"];
type Case = Schemas["CaseView"];

const MOST = 50;
/** Milliseconds after its end in which a run's last reports may still be read. */
const STILL_READING = 30_000;

interface Props {
  run: string;
  /** The time at which the run ended; null while it goes on. */
  finished: string | null;
}

export function Tests({ run, finished }: Props) {
  const loaded = useLoaded(
    `tests/${run}/${finished !== null}`,
    (signal) => get<Schemas["RunTestsView"]>(["runs", run, "tests"], { outcome: "failing", limit: 200 }, signal),
    () => (finished !== null && Date.now() - Date.parse(finished) > STILL_READING ? null : 5_000),
  );
  if (loaded.error) return <Failure error={loaded.error} />;
  const found = loaded.value;
  if (!found || found.treatments.length === 0) return null;
  const cases = [...found.items].sort((a, b) => rank(a) - rank(b));
  const compared = found.treatments.some((one) => one.base_run !== null);
  const problems = found.treatments.flatMap((one) =>
    one.attempts.filter((attempt) => attempt.problem).map((attempt) => ({ ...attempt, treatment: one.treatment })),
  );
  return (
    <section class="card" aria-labelledby="tests-title">
      <div class="section-head">
        <h2 id="tests-title">Tests</h2>
        <span>{testsInWords(found.counts, compared)}</span>
      </div>
      {problems.map((one) => (
        <p key={`${one.treatment} ${one.attempt}`} class="quiet-text">
          {one.treatment}, attempt {one.attempt}: {one.problem}
        </p>
      ))}
      {cases.slice(0, MOST).map((one) => (
        <FailedTest key={`${one.treatment} ${one.name}`} run={run} test={one} open={cases.length <= 3} />
      ))}
      {cases.length > MOST && (
        <p class="quiet-text">
          {(cases.length - MOST).toLocaleString("en")}
          {found.next ? " or more" : ""} further ones: <code>cadence tests {run} --limit 50000</code>
        </p>
      )}
    </section>
  );
}

function FailedTest({ run, test, open }: { run: string; test: Case; open: boolean }) {
  const place = test.file ? `${test.file}${test.line === null ? "" : `:${test.line}`}` : null;
  return (
    <details class="failed-test" open={open && test.message !== null && test.message !== ""}>
      <summary>
        <code>{test.name}</code> <span class="quiet-text">{kind(test)}</span>
      </summary>
      <p class="quiet-text">
        <a href={href({ page: "treatment", run, treatment: test.treatment })}>{test.treatment}</a>
        {place && (
          <>
            {" "}
            at <code>{place}</code>
          </>
        )}
      </p>
      {test.message && <pre class="last-lines">{test.message}</pre>}
    </details>
  );
}

function kind(test: Case): string {
  if (test.quarantined) return "in quarantine";
  if (test.flaky) return "known as flaky";
  return test.new ? "new failure" : test.new === false ? "failed before" : "";
}

/** New failures come first, then those that are not known to be old, then old ones, flaky ones, those in quarantine. */
function rank(test: Case): number {
  if (test.quarantined) return 4;
  if (test.flaky) return 3;
  return test.new ? 0 : test.new === null ? 1 : 2;
}
