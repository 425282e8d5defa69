// Dark or light: as the system has it, until a person chooses.

const KEPT = "oma-theme";
const NEXT = { system: "dark", dark: "light", light: "system" };

/** Let a button choose; what was chosen stays. */
export function themed(button) {
  const show = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  let theme = localStorage.getItem(KEPT) ?? "system";
  if (!(theme in NEXT)) theme = "system";
  show(theme);
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    localStorage.setItem(KEPT, theme);
    show(theme);
  });
}
