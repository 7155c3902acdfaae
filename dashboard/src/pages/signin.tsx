import { useState } from "preact/hooks";
import { directoriesOf, refusal, signIn, signInWithDirectory } from "../api/session.ts";
import { useTitle } from "../parts/head.tsx";

export function SignIn() {
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  useTitle("Sign in");
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await signIn({ token: token.trim() });
    } catch {
      refusal.value = "Cadence does not answer. Try again.";
    } finally {
      setBusy(false);
    }
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
      <details>
        <summary>With the company's directory</summary>
        <DirectoryForm />
      </details>
      {refusal.value && (
        <p class="note note-bad" role="alert">
          {refusal.value}
        </p>
      )}
    </section>
  );
}

/** Name and password of LDAP or Active Directory. The organization's directories are looked up before the first try. */
function DirectoryForm() {
  const [organization, setOrganization] = useState("default");
  const [directories, setDirectories] = useState<string[]>([]);
  const [directory, setDirectory] = useState("");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    refusal.value = null;
    setBusy(true);
    try {
      const found = directories.length ? directories : await directoriesOf(organization.trim());
      setDirectories(found);
      const chosen = found.includes(directory) ? directory : found.length === 1 ? found[0] : undefined;
      if (chosen) await signInWithDirectory({ organization: organization.trim(), directory: chosen, user, password });
      else if (found.length) refusal.value = "The organization has several directories. Choose one.";
      else refusal.value = `The organization ${organization.trim()} has no directory to sign in with. Check its name.`;
    } catch {
      refusal.value = "Cadence does not answer. Try again.";
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <label for="organization">Organization</label>
      <input
        id="organization"
        autoComplete="organization"
        spellcheck={false}
        value={organization}
        onInput={(event) => {
          setOrganization(event.currentTarget.value);
          setDirectories([]);
        }}
      />
      {directories.length > 1 && (
        <>
          <label for="directory">Directory</label>
          <select id="directory" value={directory} onChange={(event) => setDirectory(event.currentTarget.value)}>
            <option value="">Choose one</option>
            {directories.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </>
      )}
      <label for="user">Name</label>
      <input
        id="user"
        autoComplete="username"
        spellcheck={false}
        value={user}
        onInput={(event) => setUser(event.currentTarget.value)}
      />
      <label for="password">Password</label>
      <input
        id="password"
        type="password"
        autoComplete="current-password"
        value={password}
        onInput={(event) => setPassword(event.currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={busy || !organization.trim() || !user || !password}>
        Sign in with the directory
      </button>
    </form>
  );
}
