// Text that was written for a terminal: with its colours, and nothing else of what it asks for.
import { pieces } from "../model/ansi.ts";

export function Text({ text }: { text: string }) {
  return (
    <>
      {pieces(text).map((piece, at) => (
        <span
          key={at}
          class={piece.look || undefined}
          title={piece.odd}
          style={piece.colour ? { color: piece.colour } : undefined}
        >
          {piece.text}
        </span>
      ))}
    </>
  );
}
