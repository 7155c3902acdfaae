// Watches a run by WebSocket, as long as it can; whoever follows the run polls meanwhile.
import { post } from "../api/client.ts";
import type { components } from "../api/types.ts";
import { Channel, type Message } from "../model/channel.ts";

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
  let failures = 0;
  const connect = async () => {
    if (signal.aborted) return;
    try {
      const ticket = await post<Schemas["LiveTicketView"]>(["live", "tickets"]);
      if (signal.aborted) return;
      const url = new URL(ticket.url, location.href);
      url.protocol = url.protocol.replace("http", "ws");
      if (await watch(new WebSocket(url), run, ticket.ticket, channel, signal)) failures = 0;
    } catch {
      // No ticket, or no WebSocket at this address: polling tells the user what is wrong.
    }
    failures += 1;
    setTimeout(() => void connect(), Math.min(LONGEST_PAUSE, 500 * 2 ** failures));
  };
  void connect();
  return channel;
}

/** Resolves when the connection is gone; with whether it had begun. */
function watch(
  socket: WebSocket,
  run: string,
  ticket: string,
  channel: Channel<Treatment>,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    let begun = false;
    let heard = Date.now();
    let checked = heard;
    const end = () => {
      clearInterval(timer);
      signal.removeEventListener("abort", end);
      socket.close();
      channel.lost();
      resolve(begun);
    };
    const timer = setInterval(() => {
      if (Date.now() - heard > SILENCE) return end();
      if (!begun) return;
      socket.send(JSON.stringify({ action: "ping" }));
      if (Date.now() - checked < CHECK_EVERY) return;
      checked = Date.now();
      channel.check();
    }, PING_EVERY);
    signal.addEventListener("abort", end);
    socket.onopen = () => socket.send(JSON.stringify({ action: "watch", run, ticket }));
    socket.onmessage = ({ data }) => {
      heard = Date.now();
      const message = JSON.parse(data as string) as Message<Treatment>;
      if (message.kind === "watching") begun = true;
      if (!channel.accept(message)) end();
    };
    socket.onclose = end;
  });
}
