// What the tests of the pages run in: a server with the recorded answers for all tests of a file, and a browser for all
// files that run in the same process (`vitest --no-isolate`); it ends with that process.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { BUILT, launch, PATIENCE } from "./browser.ts";
import { type Served, serve } from "./server.ts";

export interface Setting {
  browser: Browser;
  served: Served;
}

let launched: Promise<Browser> | undefined;

/** Within `describe`: starts both before the first test. Each test begins with the answers as they were recorded. */
export function setting(): Setting {
  const made = {} as Setting;

  beforeAll(async () => {
    made.served = await serve(BUILT);
    launched ??= launch();
    made.browser = await launched;
  }, PATIENCE);

  afterAll(async () => {
    // What a test that failed has left open.
    for (const context of made.browser?.contexts() ?? []) await context.close();
    await made.served?.close();
  }, PATIENCE);

  beforeEach(() => {
    made.served.instead.clear();
    made.served.always = undefined;
  });

  return made;
}
