/*
 * The page's microphone: whether there is one, and why not. Each call opens a track of its own, so that muting one call
 * changes no other, and stops it at its end: then the browser's sign of recording goes.
 */

/** @typedef {{input?: string, processed?: boolean}} Choice the microphone, "" for the browser's own, NONE; echo and noise taken away */
/** @typedef {{track: MediaStreamTrack | null, kind: string}} Opened no track: the call can only be listened to */

/** The choice of no microphone. */
export const NONE = "none";
/** What the names of the browser's errors mean; any other: it is busy. @type {Record<string, string>} */
const KINDS = { NotAllowedError: "refused", SecurityError: "blocked by host", NotFoundError: "missing", OverconstrainedError: "missing" };
/** What the browser says when it was asked before. @type {Record<string, string>} */
const PERMISSIONS = { granted: "ok", denied: "refused" };

/** Why no microphone can be had here, whatever the person allows; "" where one can. */
function barred() {
  if (!isSecureContext) return "insecure";
  // Of a refusal the error is the same, whether the person or the page around said it: only the policy tells them apart.
  const policy = /** @type {any} */ (document).featurePolicy, allowed = policy?.allowsFeature("microphone") !== false;
  return navigator.mediaDevices && allowed && location.protocol !== "vscode-webview:" ? "" : "blocked by host";
}

/** How the microphone is, without asking the person: "asking" where the browser will ask. @returns {Promise<string>} */
export async function lookAtMicrophone() {
  const bar = barred();
  if (bar) return bar;
  if (!(await listDevices()).inputs.length) return "missing";
  const name = /** @type {PermissionName} */ ("microphone");
  const answer = await navigator.permissions?.query({ name }).catch(() => null); // not every browser knows the name
  return PERMISSIONS[answer?.state || ""] || "asking";
}

/** Open the microphone; the browser may ask the person first. @param {Choice} [choice] @returns {Promise<Opened>} */
export async function openMicrophone({ input = "", processed = true } = {}) {
  const kind = input === NONE ? "listen only" : barred();
  if (kind) return { track: null, kind };
  const audio = {
    ...(input && { deviceId: { exact: input } }), channelCount: 1, // a device that is only wished for Chromium may ignore
    echoCancellation: processed, noiseSuppression: processed, autoGainControl: processed,
  };
  try {
    const [track] = (await navigator.mediaDevices.getUserMedia({ audio })).getAudioTracks();
    return { track, kind: "ok" };
  } catch (error) {
    const { name } = /** @type {Error} */ (error);
    // A chosen device that was unplugged must not cost the call: then the browser's own is taken.
    if (input && name === "OverconstrainedError") return openMicrophone({ processed });
    return { track: null, kind: KINDS[name] || "busy" };
  }
}

/** The devices, each with its name; names are empty until the person allowed the microphone once. */
export async function listDevices() {
  const found = (await navigator.mediaDevices?.enumerateDevices()) || [];
  const of = (/** @type {string} */ kind) => found.filter((each) => each.kind === kind).map(({ deviceId, label }) => [deviceId, label]);
  return { inputs: of("audioinput"), outputs: of("audiooutput") };
}

/** A sentence of the kernel with what only the page knows: its address, and how to reach that as one of this machine. @param {string} sentence */
export function ofThisPage(sentence) {
  const { origin, hostname, port } = location;
  return sentence.replace("ORIGIN", origin).replace("TUNNEL", `${port || 8080}:localhost:${port || 80} ${hostname}`);
}
