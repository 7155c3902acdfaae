// Watches a run, or the list of runs, by WebSocket, as long as it can; who follows it polls meanwhile.
import { post } from "../api/client.ts";
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

export function watchRun(run: string, signal: AbortSignal): Channel<Treatment> {
  const channel = new Channel<Treatment>(run);
  keepWatching({ run, channel, announces: ["states", "lines", "flows"].map((what) => `${what}/${run}`) }, signal);
  return channel;
}

/** Announces `runs` whenever the list of runs has changed. */
export function watchList(signal: AbortSignal): void {
  keepWatching({ announces: ["runs"] }, signal);
}

interface Watched {
  run?: string;
  channel?: Channel<Treatment>;
  /** What is announced while the connection lasts. */
  announces: string[];
}

function keepWatching(watched: Watched, signal: AbortSignal): void {
  let failures = 0;
  const connect = async () => {
    if (signal.aborted) return;
    try {
      const ticket = await post<Schemas["LiveTicketView"]>(["live", "tickets"]);
      if (signal.aborted) return;
      const url = new URL(ticket.url, location.href);
      url.protocol = url.protocol.replace("http", "ws");
      if (await watch(new WebSocket(url), watched, ticket.ticket, signal)) failures = 0;
    } catch {
      // No ticket, or no WebSocket at this address: polling tells the user what is wrong.
    }
    failures += 1;
    setTimeout(() => void connect(), Math.min(LONGEST_PAUSE, 500 * 2 ** failures));
  };
  void connect();
}

/** Resolves when the connection is gone; with whether it had begun. */
function watch(
  socket: WebSocket,
  { run, channel, announces }: Watched,
  ticket: string,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    let begun = false;
    let heard = Date.now();
    let checked = heard;
    const end = () => {
      clearInterval(timer);
      signal.removeEventListener("abort", end);
      // Once only: by the time it is closed another one may announce the same.
      socket.onclose = null;
      socket.close();
      channel?.lost();
      announces.forEach(silence);
      resolve(begun);
    };
    const timer = setInterval(() => {
      if (Date.now() - heard > SILENCE) return end();
      if (!begun) return;
      socket.send(JSON.stringify({ action: "ping" }));
      if (Date.now() - checked < CHECK_EVERY) return;
      checked = Date.now();
      channel?.check();
    }, PING_EVERY);
    signal.addEventListener("abort", end);
    socket.onopen = () => socket.send(JSON.stringify({ action: "watch", run, ticket }));
    socket.onmessage = ({ data }) => {
      heard = Date.now();
      const message = JSON.parse(data as string) as Message<Treatment>;
      if (message.kind === "watching") begun = true;
      if (message.kind === "new") announce(message.run ? `${message.of}/${message.run}` : message.of);
      // With the answer to each ping all of it is read, in case an announcement was lost; lines may end with a state.
      else if (begun) announces.forEach(announce);
      if (channel ? !channel.accept(message) : message.kind === "problem") end();
    };
    socket.onclose = end;
  });
}
