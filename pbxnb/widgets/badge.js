/*
 * The status badge: shape, word, age of the news, and the reason in words. The age ticks here, not over the wire.
 */
import { definePanel, duration, element, setText, zoneText } from "../ui/base.js";

/** Shape and tone of each state of the line. @type {Record<string, [string, string]>} */
const LINE = {
  connecting: ["◌", "dialling"], syncing: ["◔", "dialling"], live: ["●", "idle"], stale: ["◍", "ringing"],
  reconnecting: ["↻", "ringing"], refused: ["✕", "dnd"], closed: ["–", "offline"],
};

/** "0.2 s", "9 s", "3 m". @param {number} seconds */
export function age(seconds) {
  return seconds < 1 ? `${Math.max(0, seconds).toFixed(1)} s` : duration(seconds, false);
}

/** Shape and tone of each word of a recording. @type {Record<string, [string, string]>} */
const RECORDING = { recording: ["⏺", "busy"], behind: ["◍", "ringing"], "with gaps": ["◌", "ringing"] };

/** Shape, tone and words of how a recording stands; null where there is none. @param {[string, string]} told */
export function recordingText(told) {
  const [word, more] = told || ["", ""];
  if (!RECORDING[word]) return null;
  const [shape, tone] = RECORDING[word];
  return { shape, tone, text: word === "recording" ? `recording to ${more}` : `recording ${word}: ${more}` };
}

/** What a gap list says. @param {any} status @param {number} now */
export function gapText(status, now) {
  if (!status.gap_count) return "";
  const [start, end] = status.gaps[status.gaps.length - 1];
  const length = duration((end ?? now) - start, false);
  const last = end === null ? `down for ${length}` : `last ${length}, ${duration(now - end, false)} ago`;
  return `${status.gap_count} ${status.gap_count === 1 ? "gap" : "gaps"} (${last})`;
}

/** @param {any} view */
function createBadge(view) {
  const status = /** @type {any} */ ({});
  const line = element("div", "pbx-badge"), head = element("span", "pbx-badge-state", "", { role: "status" });
  const shape = element("span", "pbx-mark", "", { "aria-hidden": "true" }), word = element("b");
  head.append(shape, word);
  const facts = element("span", "pbx-facts pbx-soft pbx-num"), why = element("p", "pbx-why", "", { dir: "auto", role: "status" });
  const tape = element("span", "pbx-badge-recording", "", { role: "status" }), reel = element("span", "pbx-mark", "", { "aria-hidden": "true" });
  const told = element("bdi");
  tape.append(reel, told);
  tape.hidden = true;
  line.append(head, tape, facts, why);
  view.body.append(line);

  function showFacts() {
    const now = view.now();
    const parts = [
      status.domain, status.user, status.holds, status.version && `PBX ${status.version}`, status.simulated && "simulated",
      status.state === "live" ? status.last !== null && `last message ${age(now - status.last)} ago` : status.state !== "closed" && `for ${age(now - status.since)}`,
      status.latency !== null && status.state === "live" && `round trip ${status.latency} ms`,
      status.reconnects && `${status.reconnects} ${status.reconnects === 1 ? "reconnect" : "reconnects"}`,
      gapText(status, now), status.dropped && `${status.dropped} message events dropped`, 
      status.unreadable && `${status.unreadable} ${status.unreadable === 1 ? "frame" : "frames"} not readable`, status.control ? "control on" : "control off",
      zoneText(status.zone, status.ahead, now),
    ].filter(Boolean);
    // Each fact in its own direction: a domain or user may be in any script.
    while (facts.children.length > parts.length) facts.lastChild?.remove();
    parts.forEach((part, at) => setText(facts.children[at] || facts.appendChild(element("bdi")), String(part)));
  }

  return {
    full: (/** @type {any} */ data) => Object.assign(status, data),
    part: (/** @type {any} */ data) => Object.assign(status, data),
    draw() {
      if (!status.state) return;
      const [mark, tone] = LINE[status.state] || LINE.closed;
      line.dataset.connection = status.state;
      line.toggleAttribute("data-failed", !!status.failed);
      shape.dataset.tone = tone;
      setText(shape, mark);
      setText(word, status.word);
      const recording = recordingText(status.recording);
      tape.hidden = !recording;
      if (recording) {
        line.dataset.recording = status.recording[0];
        reel.dataset.tone = recording.tone;
        setText(reel, recording.shape);
        setText(told, recording.text);
      } else delete line.dataset.recording;
      setText(why, [status.why, status.step].filter(Boolean).join(" "));
      showFacts();
    },
    tick: showFacts,
  };
}

export default definePanel(createBadge);
