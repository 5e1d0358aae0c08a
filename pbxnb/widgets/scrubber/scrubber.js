/*
 * The scrubber in the page: a track to drag on, buttons, and keys. The kernel writes every time; the page knows seconds.
 */
import { definePanel, element, setText } from "../../ui/base.js";
import { Seeks, moveFor } from "./seeks.js";

/** Buttons before and after "play": message, words, key, name. @type {[object, string, string, string][]} */
const BEFORE = [[{ jump: -1 }, "« Previous", "p", "Previous event of this kind"], [{ step: -1 }, "‹ Back", ",", "One message back"]];
/** @type {[object, string, string, string][]} */
const AFTER = [[{ step: 1 }, "Step ›", ".", "One message on"], [{ jump: 1 }, "Next »", "n", "Next event of this kind"]];
const SPOKEN_EVERY = 5000; // ms between two times said while it plays
const HELD = 400; // ms for which the thumb stays where it was dropped, whatever older batches say

/** "2 gaps, 1 alert"; empty for none. @param {any[][]} marks @param {string} noun */
export function counted(marks, noun) {
  const count = marks.reduce((sum, mark) => sum + mark[4], 0);
  return count ? `${count} ${noun}${count === 1 ? "" : "s"}` : "";
}

/** @param {any} view */
function createScrubber(view) {
  const { root, body, send } = view;
  const facts = /** @type {any} */ ({});
  const seeks = new Seeks(send);
  let dragged = /** @type {number | null} */ (null), heldUntil = 0, spokenAt = 0, told = "";
  root.classList.add("pbx-scrubber");

  const bar = element("div", "pbx-bar", "", { role: "toolbar", "aria-label": "Replay" });
  /** @param {[object, string, string, string]} button */
  const button = ([message, words, key, name]) => {
    const made = element("button", "pbx-button", words, { type: "button", title: `${name} (key ${key})`, "aria-label": name, "aria-keyshortcuts": key });
    made.addEventListener("click", () => send(message));
    return made;
  };
  const play = element("button", "pbx-button pbx-play", "", { type: "button", title: "Play or pause (space)", "data-play": "" });
  play.addEventListener("click", () => send({ play: !facts.playing }));
  /** @param {string} label @param {(value: string) => object} message */
  const menu = (label, message) => {
    const box = element("label", "pbx-soft", `${label} `), select = /** @type {HTMLSelectElement} */ (element("select"));
    select.addEventListener("change", () => send(message(select.value)));
    box.append(select);
    return { box, select };
  };
  const kind = menu("Events", (value) => ({ kind: value })), speed = menu("Speed", (value) => ({ speed: Number(value) }));
  const time = element("b", "pbx-num pbx-scrub-time"), zone = element("span", "pbx-soft");
  const when = element("span", "pbx-scrub-when");
  when.append(time, " ", zone);
  bar.append(...BEFORE.map(button), play, ...AFTER.map(button), kind.box, speed.box, element("span", "pbx-grow"), when);

  const track = element("div", "pbx-track", "", { role: "slider", tabindex: "0", "aria-label": "Time", "aria-valuemin": "0", "aria-describedby": `${view.uid}-marks`, "aria-keyshortcuts": "Space , . n p Home End" });
  const rail = element("div", "pbx-rail"), marks = element("div", "pbx-marks"), thumb = element("div", "pbx-thumb");
  rail.append(marks, thumb);
  track.append(rail);
  const foot = element("div", "pbx-scrub-foot pbx-soft pbx-num"), first = element("span"), last = element("span");
  const legend = element("span", "pbx-scrub-legend", "", { id: `${view.uid}-marks` });
  foot.append(first, legend, last);
  const said = element("p", "pbx-scrub-said pbx-soft");
  body.append(bar, track, foot, said);

  // By pointer: the thumb is where the pointer is; the kernel hears of it twenty times a second.
  /** @param {PointerEvent} event */
  const follow = (event) => {
    const { left, width } = rail.getBoundingClientRect();
    dragged = Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width))) * facts.span;
    heldUntil = performance.now() + HELD;
    seeks.to(dragged);
    showThumb();
  };
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    track.setPointerCapture(event.pointerId);
    track.dataset.dragging = "";
    follow(event);
  });
  track.addEventListener("pointermove", (event) => void ("dragging" in track.dataset && follow(event)));
  for (const end of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) track.addEventListener(end, () => void delete track.dataset.dragging);

  // By key, anywhere in the panel but in a menu; a button keeps the space bar, which presses it.
  body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const at = /** @type {HTMLElement} */ (event.target), move = /** @type {any} */ (moveFor(event));
    if (!move || at instanceof HTMLSelectElement || (event.key === " " && at instanceof HTMLButtonElement)) return;
    event.preventDefault();
    event.stopPropagation();
    if (move.by) seeks.by(move.by);
    else if (move.to !== undefined) seeks.to(move.to * facts.span);
    else if (!event.repeat || move.step) send(move.play ? { play: !facts.playing } : move);
  });

  function showThumb() {
    const at = dragged ?? facts.at;
    thumb.style.insetInlineStart = `${facts.span > 0 ? Math.min(100, (100 * at) / facts.span) : 0}%`;
    track.setAttribute("aria-valuemax", String(Math.round(facts.span)));
    track.setAttribute("aria-valuenow", String(Math.round(Math.min(facts.span, at))));
  }

  /** @param {any[]} mark @param {string} what */
  function markOf([from, to, level, words], what) {
    const made = element("span", `pbx-mark-${what}`, what === "alert" ? "▲" : "", { title: words, "data-mark": what });
    if (level) made.dataset.tone = level === "red" ? "dnd" : "ringing";
    made.style.insetInlineStart = `${100 * from}%`;
    if (what === "gap") made.style.inlineSize = `${100 * (to - from)}%`;
    return made;
  }

  function showMarks() {
    marks.replaceChildren(...facts.gaps.map((/** @type {any} */ mark) => markOf(mark, "gap")), ...facts.alerts.map((/** @type {any} */ mark) => markOf(mark, "alert")));
    const gaps = counted(facts.gaps, "gap"), alerts = counted(facts.alerts, "alert");
    setText(legend, [gaps && `▨ ${gaps}`, alerts && `▲ ${alerts}`].filter(Boolean).join("  "));
  }

  /** @param {HTMLSelectElement} select @param {[string, string][]} options @param {string} value */
  function choose(select, options, value) {
    if (select.options.length !== options.length || [...select.options].some((one, at) => one.value !== options[at][0]))
      select.replaceChildren(...options.map(([key, words]) => element("option", "", words, { value: key })));
    if (select.value !== value) select.value = value;
  }

  function draw() {
    if (facts.at === undefined) return;
    const now = performance.now();
    if (dragged !== null && !("dragging" in track.dataset) && now > heldUntil) dragged = null;
    else if (dragged !== null) setTimeout(view.ask, HELD);
    showThumb();
    setText(play, facts.playing ? "❚❚ Pause" : "▶ Play");
    play.dataset.play = String(facts.playing);
    setText(time, facts.text);
    setText(zone, facts.zone);
    setText(first, facts.first);
    setText(last, facts.last);
    if (!facts.playing || now - spokenAt > SPOKEN_EVERY) {
      spokenAt = now;
      track.setAttribute("aria-valuetext", facts.words);
    }
    choose(kind.select, Object.entries(facts.kinds), facts.kind);
    choose(speed.select, facts.speeds.map((/** @type {number} */ one) => [String(one), `${one}×`]), String(facts.speed));
    setText(said, facts.says);
    if (facts.says && facts.says !== told) view.announce(facts.says);
    told = facts.says;
  }

  /** @param {any} data */
  function take(data) {
    Object.assign(facts, data);
    if (data.gaps || data.alerts) showMarks();
  }
  return { full: take, part: take, draw, tick() {} };
}

export default definePanel(createScrubber);
