/*
 * A button that opens a menu of choices. Knows words and what to do, no panel.
 */
import { element } from "./base.js";

/** `checked`: one of several that exclude each other; without it a thing to do. @typedef {{word: string, checked?: boolean, act: () => void}} MenuItem */
/** @typedef {{label: string, items: MenuItem[]}} MenuSection */

/**
 * @param {string} word on the button
 * @param {string} name for who cannot see it
 * @param {() => MenuSection[]} sections what can be chosen, asked for at each opening
 * @returns {HTMLElement} the button, with the place of its menu
 */
export function menuButton(word, name, sections) {
  const holder = element("span", "pbx-menu-holder pbx-tools");
  const button = element("button", "pbx-button", word, { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": name });
  /** @type {HTMLElement | null} */
  let menu = null;
  holder.append(button);

  /** @param {boolean} back the focus returns to the button */
  function close(back) {
    if (back) button.focus();
    const closed = menu;
    menu = null; // before its end takes a focus away
    closed?.remove();
    button.setAttribute("aria-expanded", "false");
  }

  function open() {
    menu = element("div", "pbx-menu", "", { role: "menu", "aria-label": name, tabindex: "-1" });
    for (const { label, items } of sections()) {
      const group = element("div", "", "", { role: "group", "aria-label": label });
      if (label) group.append(element("div", "pbx-menu-label", label, { "aria-hidden": "true" }));
      for (const item of items) group.append(makeItem(item));
      menu.append(group);
    }
    holder.append(menu);
    button.setAttribute("aria-expanded", "true");
    /** @type {HTMLElement | null} */ (menu.querySelector("button"))?.focus();
  }

  /** @param {MenuItem} item */
  function makeItem({ word, checked, act }) {
    /** @type {Record<string, string>} */
    const radio = checked === undefined ? { role: "menuitem" } : { role: "menuitemradio", "aria-checked": String(checked) };
    const made = element("button", "", word, { type: "button", tabindex: "-1", ...radio });
    made.addEventListener("click", () => {
      close(true);
      act();
    });
    return made;
  }

  button.addEventListener("click", () => (menu ? close(true) : open()));
  holder.addEventListener("focusout", (event) => menu && !holder.contains(/** @type {Node | null} */ (event.relatedTarget)) && close(false));
  holder.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (!menu) {
      if (event.key !== "ArrowDown") return;
      open();
    } else if (event.key === "Escape" || event.key === "Tab") {
      close(true);
      if (event.key === "Tab") return; // goes on from the button
    } else {
      const items = [...menu.querySelectorAll("button")], at = items.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
      const to = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 })[event.key];
      if (to === undefined) return;
      items[(to + items.length) % items.length].focus();
    }
    event.preventDefault();
  });
  return holder;
}

/** A trait, its label, and its values with their words. @typedef {[string, string, [any, string][]]} Choice */

/**
 * Sections whose choices are values of traits. What a cell gave beside the usual ones is a choice, too.
 * @param {any} model @param {Choice[]} choices @param {Record<string, [any, string]>} given by trait
 * @returns {MenuSection[]}
 */
export function traitSections(model, choices, given) {
  return choices.map(([trait, label, usual]) => {
    const now = String(model.get(trait)), own = given[trait], known = !own?.[1] || usual.some(([value]) => String(value) === String(own[0]));
    const put = (/** @type {any} */ value) => {
      model.set(trait, value);
      model.save_changes();
    };
    return { label, items: [...usual, ...(known ? [] : [own])].map(([value, word]) => ({ word, checked: String(value) === now, act: () => put(value) })) };
  });
}
