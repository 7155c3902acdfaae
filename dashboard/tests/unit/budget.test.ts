import { expect, it } from "vitest";
import { money, shares } from "../../src/model/budget.ts";

it("tells the shares of a budget", () => {
  expect(shares({ per_month: 200, spent: 50, set_aside: 20 })).toEqual({ full: 25, held: 10, tone: "ok" });
  expect(shares({ per_month: 200, spent: 100, set_aside: 80 }).tone).toBe("wait");
  expect(shares({ per_month: 200, spent: 200, set_aside: 0 })).toEqual({ full: 100, held: 0, tone: "bad" });
  // A budget that was lowered afterwards.
  expect(shares({ per_month: 100, spent: 150, set_aside: 20 })).toEqual({ full: 100, held: 0, tone: "bad" });
});

it("writes amounts with their currency", () => {
  expect(money(1250, "EUR")).toBe("1,250 EUR");
  expect(money(3.5)).toBe("3.50");
  expect(money(0.004, "USD")).toBe("0.00 USD");
});
