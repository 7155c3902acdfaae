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
  /** It is not shown, not kept by the browser, and sent as it is, with the spaces at its ends. */
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
  /** What has to be confirmed by a second press of the button, if anything. */
  asks?: (values: Record<string, string>) => string | null;
  act: (values: Record<string, string>) => Promise<ComponentChildren>;
}

/** A form behind its title. What `act` returns is shown below it, such as a secret that cannot be read again. */
export function ActionForm({ title, fields, button, open = false, asks, act }: FormProps) {
  const [error, setError] = useState<Error | null>(null);
  const [answer, setAnswer] = useState<ComponentChildren>(null);
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const whole = new Set(fields.filter((field) => field.secret).map((field) => field.name));
    const values = Object.fromEntries(
      [...new FormData(form)].map(([name, value]) => [name, whole.has(name) ? String(value) : String(value).trim()]),
    );
    const question = asked === null ? (asks?.(values) ?? null) : null;
    setAsked(question);
    if (question !== null) return;
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
      <form class="action-form" onSubmit={(event) => void submit(event)} onInput={() => setAsked(null)}>
        {fields.map((field) => (
          <Line key={field.name} field={field} />
        ))}
        <button type="submit" class={asked === null ? "primary" : "danger"} disabled={busy}>
          {asked === null ? button : `Really ${button.toLowerCase()}?`}
        </button>
      </form>
      {asked !== null && (
        <p class="note note-bad" role="alert">
          {asked}
        </p>
      )}
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
      ) : field.lines && field.secret ? (
        <textarea {...shared} class="masked" rows={3} required autocomplete="off" spellcheck={false} />
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

interface PressProps {
  verb: string;
  /** What it is done to, for those who do not see the row. */
  what: string;
  /** Acts, and returns what came of it. */
  act: () => Promise<string>;
}

/** Acts with the first press, and shows the answer beside the button. */
export function Press({ verb, what, act }: PressProps) {
  const [error, setError] = useState<Error | null>(null);
  const [answer, setAnswer] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    setError(null);
    setAnswer(null);
    try {
      setAnswer(await act());
    } catch (problem) {
      setError(problem as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" class="quiet" disabled={busy} aria-label={`${verb} ${what}`} onClick={() => void press()}>
        {verb}
      </button>
      {answer && <span role="status">{answer}</span>}
      {error && <Failure error={error} />}
    </>
  );
}
