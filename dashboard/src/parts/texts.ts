// Every text of every page goes through here on its way to the screen: characters that hide or turn text are shown as
// what they are, wherever it came from, so that no page can forget it.
import { type ComponentChildren, Fragment, options, type VNode } from "preact";
import { visible } from "../model/ansi.ts";

function shown(children: ComponentChildren): ComponentChildren {
  if (typeof children === "string") return visible(children);
  if (!Array.isArray(children)) return children;
  // Most have nothing to change, and are left as they are.
  return children.some((child) => typeof child === "string" || Array.isArray(child)) ? children.map(shown) : children;
}

const before = options.vnode;
options.vnode = (node: VNode) => {
  if (typeof node.type === "string" || node.type === Fragment) {
    const props = node.props as { children?: ComponentChildren; title?: unknown };
    if (props.children !== undefined) props.children = shown(props.children);
    if (typeof props.title === "string") props.title = visible(props.title);
  }
  before?.(node);
};
