// The theme: as the system has it, or chosen in this browser.
import { computed, effect, signal } from "@preact/signals";

const KEY = "cadence.theme";
const CHOICES = ["auto", "light", "dark"] as const;
type Theme = (typeof CHOICES)[number];

function stored(): Theme {
  const found = localStorage.getItem(KEY);
  return CHOICES.find((choice) => choice === found) ?? "auto";
}

export const theme = signal<Theme>(stored());

const system = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(system.matches);
system.addEventListener("change", () => {
  isSystemDark.value = system.matches;
});

/** Names the colours that are shown: a canvas is drawn again when they change. */
export const colouring = computed(() => (theme.value === "auto" ? String(isSystemDark.value) : theme.value));

export function choose(): void {
  theme.value = CHOICES[(CHOICES.indexOf(theme.value) + 1) % CHOICES.length] as Theme;
  localStorage.setItem(KEY, theme.value);
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
