// The browser of the measurements.
import { chromium } from "playwright-core";

export function launch(program) {
  return chromium.launch({
    executablePath: program,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}
