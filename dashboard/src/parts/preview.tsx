// A value's beginning, by what it is. SVG and HTML are text here; only raster images become pictures.
import type { components } from "../api/types.ts";
import { visible } from "../model/ansi.ts";
import { bytes, unpreviewed } from "../model/format.ts";

type PreviewView = components["schemas"]["PreviewView"];

export function Preview({ shown, size, port }: { shown: PreviewView; size?: number; port?: string }) {
  if (shown.kind === "empty" && shown.cut) return <p class="quiet-text">{unpreviewed(port, size)}</p>;
  return (
    <div class="preview">
      <Content shown={shown} />
      {shown.cut && <p class="quiet-text">It goes on{size === undefined ? "" : `: ${bytes(size)} in all`}.</p>}
    </div>
  );
}

function Content({ shown }: { shown: PreviewView }) {
  switch (shown.kind) {
    case "empty":
      return <p class="quiet-text">It is empty.</p>;
    case "table":
      return (
        <div class="scroll-x">
          <table class="plain">
            <thead>
              <tr>
                {shown.columns?.map((column, at) => (
                  <th key={at} scope="col">
                    {visible(column)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.rows?.map((row, at) => (
                <tr key={at}>
                  {row.map((cell, column) => (
                    <td key={column}>{visible(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case "image":
      return (
        <p>
          {shown.media_type}, {shown.width} × {shown.height} pixels
        </p>
      );
    case "archive":
      return <pre>{shown.names?.map((name) => visible(name)).join("\n")}</pre>;
    case "hex":
      return <pre>{shown.lines?.join("\n")}</pre>;
    default:
      return <pre>{lines(shown.text ?? "")}</pre>;
  }
}

function lines(text: string): string {
  return text
    .split("\n")
    .map((line) => visible(line))
    .join("\n");
}
