/*
 * To be noticed when a call comes in and the page is not looked at: a notification of the system, and a title that blinks.
 */
import { note } from "../../ui/notes.js";

const EVERY = 1000; // ms

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
  const shown = note(text, "pbxnb-call");
  return () => {
    clearInterval(timer);
    restore();
    shown?.close();
  };
}
