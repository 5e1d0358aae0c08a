/*
 * The line of a wallboard: its pages, full screen, a screen that stays on, and how old the picture is. Logic in wall_pages.js.
 */
import { definePanel, duration, element, setText } from "../../ui/base.js";
import { Pages } from "./wall_pages.js";

const DARK = "This browser lets the screen go dark: switch power saving off on this machine.";

/** @param {any} view */
function createWall(view) {
  const { model, root, body } = view;
  const told = /** @type {any} */ ({ pages: [], cycle: 0, old: 0, ended: "" });
  const pages = new Pages(), seconds = () => performance.now() / 1000;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {HTMLElement | null} */
  let board = null;
  /** @type {any} */
  let awake = null;
  root.classList.add("pbx-wall");
  const line = element("div", "pbx-bar"), chips = element("span", "pbx-wall-pages", "", { role: "group", "aria-label": "Pages" });
  const full = element("button", "pbx-chip", "Full screen", { type: "button" });
  const old = element("b", "pbx-wall-old"), dark = element("span", "pbx-soft");
  line.append(chips, full, old, dark);
  body.append(line);

  full.addEventListener("click", () => void (document.fullscreenElement ? document.exitFullscreen() : board?.requestFullscreen()));
  const on = () => !!model.get("wallboard");

  /** Keep the screen on while the page is seen. A lock goes whenever the page is hidden. */
  async function stayAwake() {
    if (!on() || document.visibilityState !== "visible" || (awake && !awake.released)) return;
    try {
      awake = await /** @type {any} */ (navigator).wakeLock.request("screen");
      setText(dark, "");
    } catch {
      setText(dark, DARK);
    }
  }

  function show() {
    root.hidden = !on();
    const page = on() ? pages.page : "";
    if (page) board?.setAttribute("data-page", page);
    else board?.removeAttribute("data-page");
    chips.hidden = !page;
    for (const chip of /** @type {NodeListOf<HTMLElement>} */ (chips.querySelectorAll("button"))) chip.setAttribute("aria-pressed", String(chip.dataset.to === page));
  }

  function turn() {
    board ??= root.closest(".pbx-dashboard");
    if (!board) return;
    const now = seconds();
    if (calm.matches || board.matches(":hover, :focus-within")) pages.stay(now);
    pages.tick(now);
    show();
  }
  const turning = setInterval(turn, 500);
  document.addEventListener("visibilitychange", stayAwake);
  model.on("change:wallboard", stayAwake);
  void stayAwake();

  return {
    /** @param {any} data */
    full(data) {
      Object.assign(told, data);
      pages.set(told.pages.map((/** @type {string[]} */ [name]) => name), told.cycle, seconds());
      chips.replaceChildren(...told.pages.map((/** @type {string[]} */ [name, word]) => {
        const chip = element("button", "pbx-chip", word, { type: "button", "data-to": name });
        chip.addEventListener("click", () => {
          pages.show(name, seconds());
          show();
        });
        return chip;
      }));
    },
    part: (/** @type {any} */ data) => Object.assign(told, data),
    draw() {
      turn();
      this.tick(view.now());
    },
    /** @param {number} now */
    tick(now) {
      setText(old, told.ended || (told.old ? `■ This picture is old: nothing has come for ${duration(now - told.old, false)}.` : ""));
    },
    destroy() {
      clearInterval(turning);
      document.removeEventListener("visibilitychange", stayAwake);
      model.off("change:wallboard", stayAwake);
      void awake?.release();
      board?.removeAttribute("data-page");
    },
  };
}

export default definePanel(createWall);
