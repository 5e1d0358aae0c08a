/*
 * The page's microphone: whether there is one, why not, and what the person can do about it. Each call opens a track of its
 * own, so that muting one call changes no other, and stops it at its end: then the browser's sign of recording goes.
 */

/** @typedef {{device?: string, processed?: boolean}} Choice the microphone, "" for the browser's own; echo and noise taken away */
/** @typedef {{track: MediaStreamTrack | null, kind: string}} Opened no track: the call can only be listened to */

/** What the names of the browser's errors mean. @type {Record<string, string>} */
const KINDS = {
  NotAllowedError: "refused", SecurityError: "blocked by host", NotFoundError: "missing", OverconstrainedError: "missing",
  NotReadableError: "busy", AbortError: "busy",
};
/** What the browser says when it was asked before. @type {Record<string, string>} */
const PERMISSIONS = { granted: "ok", denied: "refused" };

/** Why no microphone can be had here, whatever the person allows; "" where one can. */
function barred() {
  if (!isSecureContext) return "insecure";
  // Of a refusal the error is the same, whether the person or the page around said it: only the policy tells them apart.
  const policy = /** @type {any} */ (document).featurePolicy;
  return !navigator.mediaDevices || policy?.allowsFeature("microphone") === false || inVsCode() ? "blocked by host" : "";
}

function inVsCode() {
  return location.protocol === "vscode-webview:";
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
export async function openMicrophone({ device = "", processed = true } = {}) {
  const bar = barred();
  if (bar) return { track: null, kind: bar };
  const audio = {
    ...(device ? { deviceId: { exact: device } } : {}), channelCount: 1, // a device that is only wished for Chromium may ignore
    echoCancellation: processed, noiseSuppression: processed, autoGainControl: processed,
  };
  try {
    const [track] = (await navigator.mediaDevices.getUserMedia({ audio })).getAudioTracks();
    return { track, kind: "ok" };
  } catch (error) {
    const { name } = /** @type {Error} */ (error);
    // A chosen device that was unplugged must not cost the call: then the browser's own is taken.
    if (device && name === "OverconstrainedError") return openMicrophone({ processed });
    return { track: null, kind: KINDS[name] || "busy" };
  }
}

/** The devices; their names are empty until the person allowed the microphone once. */
export async function listDevices() {
  const found = (await navigator.mediaDevices?.enumerateDevices()) || [];
  const of = (/** @type {string} */ kind) =>
    found.filter((each) => each.kind === kind).map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { inputs: of("audioinput"), outputs: of("audiooutput") };
}

/** What the person can do about a microphone of this kind; "" where there is nothing to do. @param {string} kind */
export function wayOut(kind) {
  switch (kind) {
    case "refused":
      return "The browser was told to keep the microphone from this page: the sign beside the address allows it. You can still listen.";
    case "missing":
      return "No microphone was found: plug one in. You can still listen.";
    case "busy":
      return "The microphone does not answer, perhaps because another program holds it: close that one. You can still listen.";
    case "insecure":
      return `This page is not secure (${location.origin}), so the browser hides the microphone. Open it as ` +
        `${location.origin.replace(":", "s:")}, or tunnel: ssh -L ${tunnel()}. You can still listen.`;
    case "blocked by host":
      return (inVsCode() ? "VS Code does not give notebooks the microphone." : "The page around this notebook keeps the microphone from it.") +
        " Open the notebook in a browser tab of its own; the kernel's own phone (pbx.phone) works here.";
    case "listen only":
      return "Your microphone is left out: you hear the others, they do not hear you.";
  }
  return "";
}

/** "8888:localhost:8888 HOST": what makes the page's server one of this machine, which counts as secure. */
function tunnel() {
  const port = location.port || "80";
  return `${port === "80" ? "8080" : port}:localhost:${port} ${location.hostname}`;
}
