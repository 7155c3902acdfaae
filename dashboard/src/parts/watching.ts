// Watches runs and the list of runs, as long as it can; who follows them polls meanwhile. All of the page share one
// WebSocket, which is kept from page to page.
import { post } from "../api/client.ts";
import { session } from "../api/session.ts";
import type { components } from "../api/types.ts";
import { Channel, type Message } from "../model/channel.ts";
import { announce, silence } from "./announced.ts";

type Schemas = components["schemas"];
type Treatment = Schemas["TreatmentSummary"];

const PING_EVERY = 15_000;
/** Without an answer for so long a connection is dead, as after a sleep of the computer. */
const SILENCE = 40_000;
/** What was lost without a trace is read then. */
const CHECK_EVERY = 60_000;
const LONGEST_PAUSE = 60_000;
/** For so long something is watched on: the next page may show it, too. */
const LINGER = 2_000;

/** A run, or ("") the list of runs, with those of the page who watch it. */
class Subject {
  readonly run: string;
  readonly channels = new Set<Channel<Treatment>>();
  watchers = 0;
  /** Whether it is watched on the connection of now. */
  begun = false;
  /** Whether it was refused: a connection begins with another one then. */
  refused = false;

  constructor(run: string) {
    this.run = run;
  }

  announce(): void {
    this.announces.forEach(announce);
  }

  lost(): void {
    if (!this.begun) return;
    this.begun = false;
    for (const channel of this.channels) channel.lost();
    this.announces.forEach(silence);
  }

  private get announces(): string[] {
    return this.run ? ["states", "lines", "flows"].map((what) => `${what}/${this.run}`) : ["runs"];
  }
}

/** The connection of now; before something is watched there, it takes nothing. */
interface Connection {
  /** The session that it acts for. */
  session: string | undefined;
  begun: boolean;
  send(action: "watch" | "unwatch" | "ping", run?: string, ticket?: string): void;
  end(): void;
}

const subjects = new Map<string, Subject>();
let connection: Connection | null = null;
let isKept = false;
/** Whether something else is to be watched since the last try to connect, which needs no pause then. */
let isUrgent = false;
let wake = () => {};

export function watchRun(run: string, signal: AbortSignal): Channel<Treatment> {
  const channel = new Channel<Treatment>(run);
  watch(run, channel, signal);
  return channel;
}

/** Announces `runs` whenever the list of runs has changed. */
export function watchList(signal: AbortSignal): void {
  watch("", null, signal);
}

function watch(run: string, channel: Channel<Treatment> | null, signal: AbortSignal): void {
  if (signal.aborted) return;
  // Who has signed in anew does not see with the rights of before.
  if (connection && connection.session !== session.peek()?.secret) connection.end();
  const subject = subjects.get(run) ?? new Subject(run);
  subjects.set(run, subject);
  subject.watchers += 1;
  if (channel) subject.channels.add(channel);
  signal.addEventListener("abort", () => {
    subject.watchers -= 1;
    if (channel) subject.channels.delete(channel);
    if (!subject.watchers) setTimeout(() => leave(subject), LINGER);
  });
  // One that is watched already is asked for again: a channel begins with the number in the answer.
  if (connection?.begun) connection.send("watch", run);
  if (!connection) {
    isUrgent = true;
    wake();
  }
  void keep();
}

function leave(subject: Subject): void {
  if (subject.watchers || subjects.get(subject.run) !== subject) return;
  subjects.delete(subject.run);
  if (subject.begun) connection?.send("unwatch", subject.run);
  subject.lost();
  if (!subjects.size) connection?.end();
}

/** Connects, and connects again, as long as anything is watched. */
async function keep(): Promise<void> {
  if (isKept) return;
  isKept = true;
  let failures = 0;
  while (subjects.size) {
    isUrgent = false;
    try {
      const by = session.peek()?.secret;
      const { ticket, url } = await post<Schemas["LiveTicketView"]>(["live", "tickets"]);
      if (!subjects.size) break;
      const address = new URL(url, location.href);
      address.protocol = address.protocol.replace("http", "ws");
      if (await connected(new WebSocket(address), ticket, by)) failures = 0;
    } catch {
      // No ticket, or no WebSocket at this address: polling tells the user what is wrong.
    }
    failures += 1;
    if (subjects.size) await pause(Math.min(LONGEST_PAUSE, 500 * 2 ** failures));
  }
  isKept = false;
}

/** Resolves after so many milliseconds, or as soon as something else is to be watched. */
function pause(ms: number): Promise<void> {
  if (isUrgent) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Resolves when the connection is gone; with whether anything was watched. */
function connected(socket: WebSocket, ticket: string, by: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    let heard = Date.now();
    let checked = heard;
    let first: Subject | undefined;
    const mine: Connection = {
      session: by,
      begun: false,
      send: (action, run, ticket) => socket.send(JSON.stringify({ action, run: run || undefined, ticket })),
      end: () => {
        clearInterval(timer);
        // Once only: by the time it is closed another one may announce the same.
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
        connection = null;
        for (const subject of subjects.values()) subject.lost();
        resolve(mine.begun);
      },
    };
    connection = mine;
    const timer = setInterval(() => {
      if (Date.now() - heard > SILENCE) return mine.end();
      if (!mine.begun) return;
      mine.send("ping");
      if (Date.now() - checked < CHECK_EVERY) return;
      checked = Date.now();
      for (const { channels } of subjects.values()) for (const channel of channels) channel.check();
    }, PING_EVERY);
    socket.onopen = () => {
      // The first message shows who it is; further ones can be sent once it was accepted.
      const all = [...subjects.values()];
      first = all.find((subject) => !subject.refused) ?? all[0];
      if (first) mine.send("watch", first.run, ticket);
      else mine.end();
    };
    socket.onmessage = ({ data }) => {
      heard = Date.now();
      const message = JSON.parse(data as string) as Message<Treatment>;
      if (message.kind === "problem") refuse(mine, message.run, first);
      else if (message.kind === "pong") {
        for (const subject of subjects.values()) if (subject.begun && !take(subject, message)) return mine.end();
      } else {
        const run = message.kind === "new" && message.of === "runs" ? "" : (message.run ?? "");
        if (message.kind === "watching") begin(mine, run);
        const subject = subjects.get(run);
        if (subject?.begun && !take(subject, message)) mine.end();
      }
    };
    socket.onclose = mine.end;
  });
}

/** The subject is watched; after the first one the others can be. */
function begin(mine: Connection, run: string): void {
  const isFirst = !mine.begun;
  mine.begun = true;
  const subject = subjects.get(run);
  if (subject) Object.assign(subject, { begun: true, refused: false });
  else mine.send("unwatch", run);
  if (isFirst) for (const other of subjects.values()) if (other !== subject) mine.send("watch", other.run);
}

/** One that may not be watched ends by itself, unless the connection began with it. */
function refuse(mine: Connection, run: string | undefined, first: Subject | undefined): void {
  const refused = run === undefined ? undefined : subjects.get(run);
  if (refused) {
    refused.refused = true;
    refused.lost();
  } else if (first && !mine.begun) first.refused = true;
  if (!mine.begun || run === undefined) mine.end();
}

/** Takes a message; returns whether the connection can go on. */
function take(subject: Subject, message: Message<Treatment>): boolean {
  if (message.kind === "new") announce(message.run ? `${message.of}/${message.run}` : message.of);
  // With the answer to each ping all of it is read, in case an announcement was lost; lines may end with a state.
  else subject.announce();
  return [...subject.channels].every((channel) => channel.accept(message));
}
