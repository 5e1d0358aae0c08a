/*
 * A party in the page: number and name, each in its own direction, or a right-to-left name would turn the number.
 */
import { element, setText } from "./base.js";

/** Show a party: number and name, tab between them, each in its own direction. @param {HTMLElement} node @param {string} text */
export function setParty(node, text) {
  const [number, name = ""] = text.split("\t");
  while (node.childNodes.length < 3) node.append(node.childNodes.length === 1 ? " " : element("bdi"));
  setText(node.childNodes[0], number);
  setText(node.childNodes[2], name);
  node.title = name ? `${number} ${name}` : number;
}
