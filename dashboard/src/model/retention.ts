// How long a project's lines and values are kept, and how much they may take, in words.
import type { components } from "../api/types.ts";
import { bytes, counted } from "./format.ts";

type Retention = components["schemas"]["RetentionView"];
type Storage = components["schemas"]["StorageView"];

const MEBIBYTE = 1_048_576;

export function retentionText({ days, own, holds }: Retention): string {
  const held = holds ? `; ${counted(holds, "legal hold")}: what is held is not deleted` : "";
  return `${counted(days, "day")}${own === null ? ", as the installation" : ""}${held}`;
}

export function storageText({ used, limit, own }: Storage): string {
  const share = limit ? Math.round((100 * used) / limit) : 100;
  return `${bytes(used)} of ${bytes(limit)} (${share} %)${own === null ? ", as the installation" : ""}`;
}

/** The limit in MiB as the form has it; empty where the project has none of its own. */
export function mebibytesText({ own }: Storage): string {
  return own === null ? "" : String(Math.round(own / MEBIBYTE));
}

/** What is lost with other days, as a question; null if nothing is. */
export function lossText(before: Retention, days: string): string | null {
  const after = days ? Number(days) : before.longest;
  if (!(after < before.days)) return null;
  return `Lines and values older than ${counted(after, "day")} are removed, and cannot be restored.`;
}
