// What the tests of the pages run in: a server with the recorded answers, and a browser, both for all tests of a file.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { BUILT, launch, PATIENCE } from "./browser.ts";
import { type Served, serve } from "./server.ts";

export interface Setting {
  browser: Browser;
  served: Served;
}

/** Within `describe`: starts both before the first test. Each test begins with the answers as they were recorded. */
export function setting(): Setting {
  const made = {} as Setting;

  beforeAll(async () => {
    made.served = await serve(BUILT);
    made.browser = await launch();
  }, PATIENCE);

  afterAll(async () => {
    await made.browser?.close();
    await made.served?.close();
  }, PATIENCE);

  beforeEach(() => {
    made.served.instead.clear();
    made.served.always = undefined;
  });

  return made;
}
