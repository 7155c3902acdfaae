// The critical path of a run in words, with each of its steps.
import { counted, duration } from "../model/format.ts";
import { endOf, listed, named, type Step, spent, took } from "../model/path.ts";
import { href } from "../routes.ts";
import { State } from "./state.tsx";
import "../style/critical.css";

interface Props {
  run: string;
  steps: readonly Step[];
  now: number;
}

export function CriticalPath({ run, steps, now }: Props) {
  const rows = listed(steps);
  const names = named(steps);
  return (
    <details class="critical">
      <summary>
        Critical path:{" "}
        <span class="critical-names">
          {names.map((name) => name ?? counted(steps.length - names.length + 1, "more treatment")).join(" → ")},{" "}
          {duration(took(steps, now))}
        </span>{" "}
        <span class="critical-spent">{spent(steps)}</span>
      </summary>
      {rows.length < steps.length && (
        <p class="quiet-text">
          The {rows.length} of {steps.length.toLocaleString("en")} steps that took longest.
        </p>
      )}
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Treatment</th>
            <th scope="col">State</th>
            {["Time", "Queued", "Booted", "Ran"].map((title) => (
              <th key={title} scope="col" class="number">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((step) => (
            <tr key={step.treatment}>
              <th scope="row">
                <a href={href({ page: "treatment", run, treatment: step.treatment })}>{step.treatment}</a>
              </th>
              <td data-label="State">
                <State state={step.state} note={step.attempt > 1 ? `(attempt ${step.attempt})` : undefined} />
              </td>
              <td data-label="Time" class="number">
                {duration(endOf(step, now) - Date.parse(step.since))}
              </td>
              {[step.queued, step.booted, step.ran].map((seconds, at) => (
                <td key={at} data-label={["Queued", "Booted", "Ran"][at]} class="number">
                  {duration(1_000 * seconds)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
