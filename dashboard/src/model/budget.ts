// What was spent of a pool's budget, in shares of it and in words.

export interface Amounts {
  per_month: number;
  spent: number;
  /** What active runners could cost at most. */
  set_aside: number;
}

/** From this share on little is left, and (but for errors of sums) nothing. */
const LITTLE = 90;
const NOTHING = 99.999;

/** Percents of the budget that were spent and are set aside, and how serious that is. */
export function shares({ per_month, spent, set_aside }: Amounts) {
  const full = Math.min(100, (100 * spent) / per_month);
  const held = Math.min(100 - full, (100 * set_aside) / per_month);
  const tone = full + held >= NOTHING ? "bad" : full + held >= LITTLE ? "wait" : "ok";
  return { full, held, tone } as const;
}

/** An amount, with cents where it has any, and its currency. */
export function money(amount: number, currency = ""): string {
  const digits = Number.isInteger(amount) ? 0 : 2;
  const text = amount.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: 2 });
  return currency ? `${text} ${currency}` : text;
}
