/*
 * Copying text out of a panel.
 */

/**
 * Copy text; where the clipboard is closed to us, select it instead. Returns the sentence to say.
 * @param {string} text
 * @param {HTMLElement} shown
 * @returns {Promise<string>}
 */
export async function copyText(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    getSelection()?.selectAllChildren(shown);
    return "Selected; press Ctrl+C.";
  }
}
