// Why one treatment broke: the error, the own frame, the last lines, the inputs.
import type { components } from "../api/types.ts";
import { lineAt } from "../model/why.ts";
import { href, valueRoute } from "../routes.ts";
import { later } from "./later.tsx";
import { Preview } from "./preview.tsx";
import { Text } from "./text.tsx";

type Schemas = components["schemas"];

const SameError = later(() => import("./since.tsx").then((part) => part.SameError), true);

/** Characters of a line that are shown. */
const LONGEST = 2_000;

interface ReasonProps {
  run: string;
  treatment: Schemas["TreatmentView"];
  diagnosis: Schemas["DiagnosisView"] | null;
  withInputs: boolean;
}

export function Reason({ run, treatment, diagnosis, withInputs }: ReasonProps) {
  const trace = diagnosis?.stack_traces.at(-1);
  const own = trace?.place;
  const line = trace ? `${trace.error}${trace.message ? `: ${trace.message}` : ""}` : diagnosis?.errors.at(-1)?.text;
  // The line of the error where there is one, else everything that the treatment was given.
  const cursor = own?.cursor ?? diagnosis?.errors.at(-1)?.cursor;
  const from = cursor ? { line: lineAt(cursor) } : { treatment: treatment.name };
  const inputs = withInputs ? treatment.inputs.filter((input) => input.value ?? input.literal) : [];
  return (
    <>
      {line && (
        <p class="error-line">
          <Text text={line.slice(0, LONGEST)} />
        </p>
      )}
      {line && <SameError line={line} />}
      {own && (
        <p class="own-frame">
          at <code>{own.function}</code>
          {own.file && (
            <>
              {" "}
              in{" "}
              <a
                data-key="o"
                href={href({ page: "treatment", run, treatment: treatment.name }, { line: lineAt(own.cursor) })}
                title={own.file}
              >
                {ownPath(own.file)}
                {own.line === null ? "" : `:${own.line}`}
              </a>
            </>
          )}
        </p>
      )}
      <p>
        {diagnosis?.cause ?? treatment.cause}{" "}
        <a class="trace-link" data-key="w" href={href({ page: "trace", run }, from)}>
          Trace it back
        </a>
      </p>
      {treatment.started_run && (
        <p>
          Its run: <a href={href({ page: "run", run: treatment.started_run })}>{treatment.started_run}</a>
        </p>
      )}
      {diagnosis?.explanations.map((explanation) => (
        <p key={explanation} class="quiet-text">
          {explanation}
        </p>
      ))}
      {diagnosis && diagnosis.last_lines.length > 0 && (
        <details open={!trace}>
          <summary>Last lines</summary>
          <pre class="last-lines">
            {diagnosis.last_lines.map((one) => (
              <span key={one.cursor} class={`level-${one.level}`}>
                <Text text={one.text.slice(0, LONGEST)} />
                {"\n"}
              </span>
            ))}
          </pre>
        </details>
      )}
      {inputs.length > 0 && (
        <details open={inputs.length <= 2}>
          <summary>{inputs.length === 1 ? "Its input" : `Its ${inputs.length} inputs`}</summary>
          <div class="inputs">
            {inputs.slice(0, 6).map((input) => (
              <div key={input.port} class="input">
                <p>
                  <code>{input.port}</code>
                  {input.source && (
                    <span class="quiet-text">
                      {" "}
                      from <code>{input.source}</code>
                    </span>
                  )}{" "}
                  {input.source && (
                    <>
                      <a href={href(valueRoute(run, input.source))}>open</a>{" "}
                      <a
                        aria-label={`Trace ${input.source}`}
                        href={href({ page: "trace", run }, { port: input.source })}
                      >
                        trace
                      </a>
                    </>
                  )}
                </p>
                {input.value?.shown && <Preview shown={input.value.shown} size={input.value.size} port={input.port} />}
                {input.value?.not_kept && <p class="quiet-text">{input.value.not_kept}</p>}
              </div>
            ))}
          </div>
        </details>
      )}
    </>
  );
}

/** The path without the folder that the runner gave the treatment. */
function ownPath(file: string): string {
  return file.replace(/^.*\/cadence-[^/]+\/work\//, "");
}
