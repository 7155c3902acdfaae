// Lays graphs out beside the page, which stays responsive.
import { inIslands } from "../model/islands.ts";
import { type Edge, layered } from "../model/layout.ts";

interface Asked {
  id: number;
  count: number;
  edges: Edge[];
  islands: number[] | null;
}

addEventListener("message", (event: MessageEvent<Asked>) => {
  const { id, count, edges, islands } = event.data;
  postMessage({ id, layout: islands ? inIslands(count, edges, islands) : layered(count, edges) });
});
