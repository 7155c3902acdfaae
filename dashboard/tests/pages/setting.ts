// What the tests of the pages run in: a server with the recorded answers for all tests of a file, and a browser for all
// files that run in the same process (`vitest --no-isolate`); it ends with that process.
import type { BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { BUILT, clear, launch, PATIENCE } from "./browser.ts";
import { type Served, serve } from "./server.ts";

export interface Setting {
  profile: BrowserContext;
  served: Served;
}

let launched: Promise<BrowserContext> | undefined;

/** Within `describe`: starts both before the first test. Each test begins with the answers as they were recorded,
 *  and with nothing open or stored. */
export function setting(): Setting {
  const made = {} as Setting;

  beforeAll(async () => {
    made.served = await serve(BUILT);
    launched ??= launch();
    made.profile = await launched;
  }, PATIENCE);

  afterAll(async () => {
    await made.served?.close();
  }, PATIENCE);

  beforeEach(() => {
    made.served.instead.clear();
    made.served.always = undefined;
  });

  afterEach(() => clear(made.profile, made.served.url), PATIENCE);

  return made;
}
