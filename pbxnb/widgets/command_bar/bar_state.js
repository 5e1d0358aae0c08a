/*
 * What the command bar knows, and what follows from it in words: merging what came, tips, reasons, the next button.
 */

/** @typedef {Record<string, any>} State */

/** Facts by name that come as differences; null takes an entry away. */
const MERGED = ["why", "calls"];

/** Put what came into what is known. @param {State} state @param {State} part */
export function mergeFacts(state, part) {
  for (const [name, value] of Object.entries(part)) {
    if (!MERGED.includes(name) || !state[name]) {
      state[name] = value;
      continue;
    }
    for (const [key, entry] of Object.entries(value)) {
      if (entry === null) delete state[name][key];
      else state[name][key] = entry;
    }
  }
}

/** The word on a button now. @param {State} state @param {string} name */
export function wordOf(state, name) {
  return (state.words?.[name] || state.labels[name]) + (state.busy?.includes(name) ? " …" : "");
}

/** What a button says beside its word: why it cannot be pressed, else whom it means. @param {State} state @param {string} name */
export function tipOf(state, name) {
  if (state.why?.[name]) return state.why[name];
  const about = state.about?.[name];
  if (about === "account") return state.account ? `For ${state.account}` : "";
  return about === "target" && state.target ? `To ${state.target}` : "";
}

/** The buttons that are shown only during an attended transfer. @param {State} state @param {string} name */
export function hiddenNow(state, name) {
  return (name === "complete" || name === "cancel") && (!state.attended || !!state.attended.over);
}

/**
 * Why which buttons cannot be pressed: a headline, and lines of word and reason; one line where all have the same reason.
 * @param {State} state
 * @returns {{head: string, lines: string[][]}}
 */
export function reasonsOf(state) {
  const found = Object.entries(state.why || {}).filter(([name, why]) => why && !hiddenNow(state, name));
  const reasons = new Set(found.map(([, why]) => why));
  if (reasons.size === 1 && found.length > 1) return { head: `Why not? ${[...reasons][0]}`, lines: [["", [...reasons][0]]] };
  return { head: "Why some cannot be pressed", lines: found.map(([name, why]) => [state.labels[name], why]) };
}

/**
 * The entries of the menus: pairs of value and text. @param {State} state @param {string} field
 * @returns {string[][]}
 */
export function entriesOf(state, field) {
  if (field === "picked") return [["", "No call"], ...Object.entries(state.calls || {})];
  if (field === "orbit") return state.orbits || [];
  if (field === "queue") return state.queues || [];
  return state.choices?.[field] || [];
}

/** What a menu shows: what was chosen while it is there, else the first. @param {string[][]} entries @param {string} chosen */
export function chosenOf(entries, chosen) {
  return entries.some(([value]) => value === chosen) ? chosen : entries[0]?.[0] ?? "";
}

/** The place to go to from one of `count` by a key, or -1. @param {string} key @param {number} at @param {number} count @param {boolean} rtl */
export function moveTo(key, at, count, rtl) {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const ahead = key === (rtl ? "ArrowLeft" : "ArrowRight"), back = key === (rtl ? "ArrowRight" : "ArrowLeft");
  return ahead || back ? (at + (ahead ? 1 : count - 1)) % count : -1;
}
