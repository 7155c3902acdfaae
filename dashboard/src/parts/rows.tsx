// A list as a table, with its forms below it.
import type { ComponentChildren } from "preact";
import type { Loaded } from "./data.ts";
import { Failure, Loading, Nothing } from "./notes.tsx";

interface Row {
  key: string;
  cells: ComponentChildren[];
  action?: ComponentChildren;
}

interface Props<T> {
  title: string;
  loaded: Loaded<unknown>;
  items: readonly T[] | undefined;
  none: string;
  columns: readonly string[];
  row: (item: T) => Row;
  children?: ComponentChildren;
}

export function Rows<T>({ title, loaded, items, none, columns, row, children }: Props<T>) {
  return (
    <section class="card" aria-label={title}>
      <div class="section-head">
        <h2>{title}</h2>
        {items && <span class="quiet-text">{items.length}</span>}
      </div>
      {loaded.error && <Failure error={loaded.error} />}
      {!items && !loaded.error && <Loading what={title.toLowerCase()} />}
      {items?.length === 0 && none && <Nothing>{none}</Nothing>}
      {items && items.length > 0 && (
        <table class="plain rows">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
              <th scope="col">
                <span class="hidden">Change</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map(row).map(({ key, cells, action }) => (
              <tr key={key}>
                {cells.map((cell, at) =>
                  at === 0 ? (
                    <th key={at} scope="row">
                      {cell}
                    </th>
                  ) : (
                    <td key={at} data-label={columns[at]}>
                      {cell}
                    </td>
                  ),
                )}
                <td class="row-action">{action}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {children}
    </section>
  );
}
