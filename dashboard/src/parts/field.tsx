// A field whose text counts once it is committed, by Enter or by leaving it. What is typed until then stays, however
// often the page around it is drawn again.
import { h } from "preact";
import { useState } from "preact/hooks";

interface FieldProps {
  type: "search" | "number" | "range" | "datetime-local";
  value: string | number;
  commit: (text: string) => void;
  min?: number;
  max?: number | undefined;
  step?: number;
  size?: number;
  placeholder?: string;
  class?: string;
  "aria-label"?: string;
  "data-key"?: string;
}

export function Field({ value, commit, ...attributes }: FieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  return h("input", {
    ...attributes,
    value: typed ?? value,
    onInput: (event) => setTyped(event.currentTarget.value),
    onChange: (event) => {
      setTyped(null);
      commit(event.currentTarget.value);
    },
    onBlur: () => setTyped(null),
  });
}
