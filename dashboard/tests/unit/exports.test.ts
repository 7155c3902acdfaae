import { describe, expect, it } from "vitest";
import { bodyWith, deliveryOf, exportBody } from "../../src/model/exports.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const STANDING = {
  failing: false,
  failing_since: null,
  error: null,
  retry_at: null,
  delivered_at: null,
  pending: 0,
  dead: 0,
};
const EXPORT = {
  name: "grafana",
  kind: "loki",
  url: "https://loki.example.com/push",
  signals: ["logs"],
  projects: ["*"],
  labels: { site: "paris" },
  headers: {},
  enabled: true,
  credentials: { scheme: "bearer" },
  created_at: "2026-11-30T11:00:00Z",
  updated_at: "2026-11-30T11:00:00Z",
  standing: STANDING,
};

describe("the delivery of an export", () => {
  const of = (standing: Partial<typeof STANDING> | object, enabled = true) =>
    deliveryOf({ ...EXPORT, enabled, standing: { ...STANDING, ...standing } }, NOW);

  it("is told in a word and its reason", () => {
    expect(of({})).toEqual({ word: "nothing sent yet", detail: "" });
    expect(of({ delivered_at: "2026-11-30T11:50:00Z" })).toEqual({ word: "delivers", detail: "10 min ago" });
    expect(
      of({ failing: true, failing_since: "2026-11-30T11:30:00Z", error: "503", retry_at: "2026-11-30T12:01:00Z" }),
    ).toEqual({
      word: "fails",
      detail: "since 30 min ago: 503",
    });
    expect(of({ failing: true, failing_since: "2026-11-30T11:30:00Z", error: "400", dead: 3 })).toEqual({
      word: "gives up",
      detail: "since 30 min ago: 400",
    });
    // One line was refused, others were taken after it.
    expect(of({ dead: 1, delivered_at: "2026-11-30T11:50:00Z" }).word).toBe("delivers");
    expect(of({ failing: true }, false).word).toBe("paused");
  });
});

describe("the body of an export", () => {
  it("pauses it without another change", () => {
    const { kind, url, signals, projects, labels, headers } = EXPORT;
    expect(bodyWith(EXPORT, false)).toEqual({ kind, url, signals, projects, labels, headers, enabled: false });
  });

  it("has what the form says, and everything by default", () => {
    expect(exportBody({ kind: "loki", url: "https://x", labels: "site=paris", scheme: "" })).toEqual({
      kind: "loki",
      url: "https://x",
      signals: null,
      projects: null,
      labels: { site: "paris" },
      headers: {},
      enabled: true,
      credentials: null,
    });
    const fields = { kind: "otlp", url: "https://x", signals: "logs, traces", projects: "web", scheme: "bearer" };
    expect(exportBody({ ...fields, secret: " s " })).toMatchObject({
      signals: ["logs", "traces"],
      projects: ["web"],
      credentials: { scheme: "bearer", user: "", secret: " s " },
    });
  });
});
