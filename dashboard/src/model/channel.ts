// What comes by WebSocket of a run that is watched: deltas with numbers, of which none may be missing.

export interface Delta<T> {
  number: number;
  /** Fields of the run that changed. */
  state: object;
  /** Treatments that changed, whole. */
  treatments: T[];
}

export type Message<T> =
  | { kind: "watching"; run?: string; number?: number }
  | { kind: "new"; of: "lines" | "flows" | "runs"; run?: string }
  | ({ kind: "states"; run: string } & Delta<T>)
  | { kind: "pong"; runs: Record<string, number> }
  | { kind: "problem"; detail: string; run?: string };

/** What to do next: take changes; read what changed, since something may be missing; or null: nothing comes this way. */
export type Next<T> = { state: object; treatments: T[] } | "read" | null;

const LONGEST_QUEUE = 500;

export class Channel<T extends { name: string }> {
  readonly #run: string;
  /** The number of the last delta; null while the run is not watched. */
  #number: number | null = null;
  #queue: Delta<T>[] = [];
  #read = false;
  #wake: (() => void) | null = null;

  constructor(run: string) {
    this.#run = run;
  }

  /** Takes a message; returns whether the connection can go on. */
  accept(message: Message<T>): boolean {
    if (message.kind === "watching" && message.run === this.#run) this.#gap(message.number ?? 0);
    else if (message.kind === "states" && message.run === this.#run) this.#take(message);
    else if (message.kind === "pong") {
      const number = message.runs[this.#run];
      if (number === undefined) return false;
      if (this.#number !== null && number !== this.#number) this.#gap(number);
    } else if (message.kind === "problem") return false;
    return true;
  }

  /** Something may be missing: what is queued is part of what is read. */
  check(): void {
    if (this.#number !== null) this.#gap(this.#number);
  }

  /** The connection is gone: nothing comes until the run is watched again. */
  lost(): void {
    this.#number = null;
    this.#queue = [];
    this.#read = false;
    this.#wake?.();
  }

  async next(): Promise<Next<T>> {
    if (this.#number !== null && !this.#read && !this.#queue.length)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#wake = null;
    if (this.#number === null) return null;
    if (this.#read) {
      this.#read = false;
      return "read";
    }
    const deltas = this.#queue.splice(0);
    const treatments = new Map(deltas.flatMap((delta) => delta.treatments.map((one) => [one.name, one])));
    return {
      state: Object.assign({}, ...deltas.map((delta) => delta.state)) as object,
      treatments: [...treatments.values()],
    };
  }

  #take(delta: Delta<T>): void {
    if (this.#number === null || delta.number <= this.#number) return;
    if (delta.number !== this.#number + 1 || this.#queue.length >= LONGEST_QUEUE) this.#gap(delta.number);
    else {
      this.#number = delta.number;
      // What is read has it as well.
      if (!this.#read) this.#queue.push(delta);
      this.#wake?.();
    }
  }

  #gap(number: number): void {
    this.#number = number;
    this.#queue = [];
    this.#read = true;
    this.#wake?.();
  }
}
