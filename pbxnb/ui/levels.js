/*
 * How far from well a number is: the levels of alerts, as they look.
 */

/** Shape, word and tone of each level. @type {Record<string, [string, string, string]>} */
export const LEVELS = { ok: ["✓", "ok", "idle"], orange: ["▲", "warning", "ringing"], red: ["■", "alarm", "dnd"], error: ["?", "cannot be facts", "offline"] };
