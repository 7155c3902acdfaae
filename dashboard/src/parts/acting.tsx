// Changes: a form whose answer is shown, and a button that asks before it acts.
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Failure } from "./notes.tsx";

export interface Field {
  name: string;
  label: string;
  /** Choices of a list; without it, a line of text. */
  choices?: readonly string[];
  hint?: string;
  optional?: boolean;
  secret?: boolean;
  /** Several lines of text, which may be none. */
  lines?: boolean;
  /** What is there at first. */
  value?: string | undefined;
}

interface FormProps {
  title: string;
  fields: readonly Field[];
  button: string;
  /** Whether it is opened without a click on its title. */
  open?: boolean;
  act: (values: Record<string, string>) => Promise<ComponentChildren>;
}

/** A form behind its title. What `act` returns is shown below it, such as a secret that cannot be read again. */
export function ActionForm({ title, fields, button, open = false, act }: FormProps) {
  const [error, setError] = useState<Error | null>(null);
  const [answer, setAnswer] = useState<ComponentChildren>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
    setBusy(true);
    setError(null);
    setAnswer(null);
    try {
      setAnswer(await act(values));
      form.reset();
    } catch (problem) {
      setError(problem as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <details class="action" open={open}>
      <summary>{title}</summary>
      <form class="action-form" onSubmit={(event) => void submit(event)}>
        {fields.map((field) => (
          <Line key={field.name} field={field} />
        ))}
        <button type="submit" class="primary" disabled={busy}>
          {button}
        </button>
      </form>
      {error && <Failure error={error} />}
      {answer && (
        <p class="answer" role="status">
          {answer}
        </p>
      )}
    </details>
  );
}

function Line({ field }: { field: Field }) {
  const id = useId();
  const shared = { id, name: field.name, required: !field.optional && !field.lines };
  return (
    <div class="field">
      <label for={id}>
        {field.label}
        {field.optional && " (optional)"}
      </label>
      {field.choices ? (
        <select {...shared}>
          {field.optional && <option value="">none</option>}
          {field.choices.map((choice) => (
            <option key={choice} value={choice} selected={choice === field.value}>
              {choice}
            </option>
          ))}
        </select>
      ) : field.lines ? (
        <textarea {...shared} rows={3} placeholder={field.hint} defaultValue={field.value} />
      ) : field.secret ? (
        <input {...shared} type="password" autocomplete="off" />
      ) : (
        <input {...shared} autocomplete="off" placeholder={field.hint} defaultValue={field.value} />
      )}
    </div>
  );
}

interface ConfirmProps {
  /** What is done, such as "Remove". */
  verb: string;
  /** What it is done to, for those who do not see the row. */
  what: string;
  act: () => Promise<void>;
}

/** Acts with the second press. */
export function Confirm({ verb, what, act }: ConfirmProps) {
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const press = async () => {
    if (!asked) return setAsked(true);
    setAsked(false);
    setError(null);
    await act().catch((problem: Error) => setError(problem));
  };
  return (
    <span class="confirm">
      <button
        type="button"
        class={asked ? "danger" : "quiet"}
        onClick={() => void press()}
        onBlur={() => setAsked(false)}
        aria-label={asked ? `Press again to ${verb.toLowerCase()} ${what}` : `${verb} ${what}`}
      >
        {asked ? `Really ${verb.toLowerCase()}?` : verb}
      </button>
      {error && <Failure error={error} />}
    </span>
  );
}
