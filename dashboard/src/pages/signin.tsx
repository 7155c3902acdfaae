import { useState } from "preact/hooks";
import { refusal, signIn } from "../api/session.ts";
import { useTitle } from "../parts/shell.tsx";

export function SignIn() {
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  useTitle("Sign in");
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    await signIn({ token: token.trim() }).finally(() => setBusy(false));
  };
  return (
    <section class="card signin" aria-labelledby="signin-title">
      <h1 id="signin-title">Sign in</h1>
      <p>
        Run <code>cadence open</code> where the command line is configured: it prints a link that signs you in.
      </p>
      <form onSubmit={(event) => void submit(event)}>
        <label for="token">Or paste a token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellcheck={false}
          placeholder="cad_…"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={busy || !token.trim()}>
          Sign in
        </button>
      </form>
      {refusal.value && (
        <p class="note note-bad" role="alert">
          {refusal.value}
        </p>
      )}
    </section>
  );
}
