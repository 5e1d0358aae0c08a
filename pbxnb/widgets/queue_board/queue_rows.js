/*
 * The logic of the queue board without the page: which rows there are, in order, and what a key means.
 * Agents and callers are lists in the order of AGENT and CALLER in rows.py.
 */
import { STATES } from "../../ui/base.js";

/** Where the fields stand. */
export const AGENT = { number: 0, name: 1, state: 2, word: 3, since: 4, calls: 5, talk: 6, loggedIn: 7 };
export const CALLER = { key: 0, who: 1, since: 2 };

/** @typedef {{key: string, kind: "queue" | "agent" | "caller", queue: string, number: string, row: any, position: number}} Line */

/**
 * The rows in the order of the arrow keys: of each queue its head, its agents, who waits.
 * @param {string[]} order @param {Record<string, any>} queues @returns {Line[]}
 */
export function linesOf(order, queues) {
  return order.flatMap((queue) => {
    const { agents, callers } = queues[queue];
    return [
      { key: `q ${queue}`, kind: /** @type {const} */ ("queue"), queue, number: queue, row: queues[queue], position: 0 },
      ...agents.map((/** @type {any[]} */ row) => ({ key: `a ${queue} ${row[AGENT.number]}`, kind: /** @type {const} */ ("agent"), queue, number: row[AGENT.number], row, position: 0 })),
      ...callers.map((/** @type {any[]} */ row, /** @type {number} */ at) => ({ key: `c ${queue} ${row[CALLER.key]}`, kind: /** @type {const} */ ("caller"), queue, number: "", row, position: at + 1 })),
    ];
  });
}

/** Shape of an agent's state. @param {string} state */
export function shapeOf(state) {
  return state === "dnd" ? "⊘" : STATES.find((one) => one.name === state)?.shape || "·";
}

/** What a queue has in one line. @param {any} queue @returns {string} */
export function waitingText(queue) {
  const free = queue.agents.filter((/** @type {any[]} */ agent) => agent[AGENT.state] === "idle" && agent[AGENT.loggedIn]).length;
  return `${queue.callers.length} waiting, ${free} free`;
}
