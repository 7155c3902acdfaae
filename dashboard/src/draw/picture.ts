// A picture of the graph, which is moved in its place: one copy for a frame, however large the graph is.
import type { View } from "./graph.ts";

export interface Picture {
  copy: HTMLCanvasElement;
  view: View;
}

export function pictureOf(canvas: HTMLCanvasElement, view: View): Picture {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  copy.getContext("2d")?.drawImage(canvas, 0, 0);
  return { copy, view: { ...view } };
}

/** Draws the picture as the graph would be seen from `view`; what was out of sight stays empty. */
export function drawPicture(context: CanvasRenderingContext2D, { copy, view: from }: Picture, view: View): void {
  const { width, height } = context.canvas;
  const factor = view.scale / from.scale;
  const ratio = devicePixelRatio || 1;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.clearRect(0, 0, width, height);
  const [x, y] = [(view.x - from.x * factor) * ratio, (view.y - from.y * factor) * ratio];
  context.drawImage(copy, x, y, width * factor, height * factor);
}
