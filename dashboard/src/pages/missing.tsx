import { href } from "../routes.ts";

export function Missing() {
  return (
    <section class="card">
      <h1>There is nothing at this address</h1>
      <p>
        Go to the <a href={href({ page: "runs" })}>list of runs</a>.
      </p>
    </section>
  );
}
