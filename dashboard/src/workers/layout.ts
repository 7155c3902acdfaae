// Lays graphs out beside the page, which stays responsive.
import { type Edge, layered } from "../model/layout.ts";

addEventListener("message", (event: MessageEvent<{ id: number; count: number; edges: Edge[] }>) => {
  const { id, count, edges } = event.data;
  postMessage({ id, layout: layered(count, edges) });
});
