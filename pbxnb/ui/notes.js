/*
 * Notes of the system: what a page shows beside itself when it is not looked at. The browser asks whether it may.
 */

/** Ask once whether the page may, from a click; settled when somebody has answered. */
export const allowNotes = async () => globalThis.Notification?.permission === "default" && Notification.requestPermission();

/** Show a note, as text, unless the page is looked at. A newer one of the same tag takes its place. @param {string} text @param {string} tag */
export function note(text, tag) {
  if (globalThis.Notification?.permission !== "granted" || document.hasFocus()) return null;
  try {
    const made = new Notification(text, { tag });
    made.onclick = () => window.focus();
    return made;
  } catch {
    return null; // on a phone only service workers may
  }
}
