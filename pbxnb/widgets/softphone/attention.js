/*
 * To be noticed when a call comes in and the page is not looked at: a notification of the system, and a title that blinks.
 */

const EVERY = 1000; // ms

/** Ask once whether the page may notify: to be called from a click. */
export function allowAttention() {
  if (globalThis.Notification?.permission === "default") Notification.requestPermission();
}

/** Call for attention with this text, which is shown as text. Returns what ends it. @param {string} text @returns {() => void} */
export function callAttention(text) {
  const loud = `☎ ${text}`;
  let plain = document.title;
  const blink = () => {
    if (document.title === loud) return restore();
    plain = document.title; // the notebook may have changed it meanwhile
    document.title = loud;
  };
  const restore = () => {
    if (document.title === loud) document.title = plain;
  };
  const timer = setInterval(blink, EVERY);
  blink();
  const note = notify(text);
  return () => {
    clearInterval(timer);
    restore();
    note?.close();
  };
}

/** @param {string} text */
function notify(text) {
  if (globalThis.Notification?.permission !== "granted" || document.hasFocus()) return null;
  try {
    const note = new Notification(text, { tag: "pbxnb-call" });
    note.onclick = () => window.focus();
    return note;
  } catch {
    return null; // on a phone only service workers may
  }
}
