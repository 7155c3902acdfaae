// Answers whose free texts want to be more than text.

export const HOSTILE =
  "<img src=x onerror=\"fetch('https://evil.example')\"><script>alert(1)</script>" +
  "\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\ \u202egnp.exe";

/** Names of texts that users, commands or code hosts write as they like. */
const FREE = new Set(
  (
    "text cause waiting_for commit_message branch starter created_by comment note description by message detail email " +
    "obstacle reason preview title summary error value actor columns rows lines names"
  ).split(" "),
);

/** The answer with each of these texts replaced, also in lists; what addresses and names are made of stays. */
export function hostile(answer: unknown, isFree = false): unknown {
  if (typeof answer === "string") return isFree ? HOSTILE : answer;
  if (Array.isArray(answer)) return answer.map((each) => hostile(each, isFree));
  if (typeof answer !== "object" || answer === null) return answer;
  // People and tokens are named as they like, and the audit log has paths that anybody may have called.
  const also = "email" in answer || "token_id" in answer ? "name" : "outcome" in answer ? "target" : "";
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [name, hostile(value, FREE.has(name) || name === also)]),
  );
}
