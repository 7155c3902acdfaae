// A time by how long ago it is; the time itself is its title.
import { ago } from "../model/format.ts";

export function Ago({ time, now = Date.now() }: { time: string; now?: number }) {
  return (
    <time dateTime={time} title={time}>
      {ago(time, now)}
    </time>
  );
}
