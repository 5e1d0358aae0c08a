// The microphone: what each failure is, and that each call has a track of its own.
import assert from "node:assert/strict";
import test from "node:test";
import { lookAtMicrophone, ofThisPage, openMicrophone } from "../../pbxnb/widgets/softphone/microphone.js";

/** A page that answers like this. */
function page({ secure = true, policy, devices = ["audioinput"], permission = "prompt", error = "", protocol = "https:" } = {}) {
  const asked = [];
  const mediaDevices = secure && {
    enumerateDevices: async () => devices.map((kind, at) => ({ kind, deviceId: `d${at}`, label: "" })),
    getUserMedia: async (constraints) => {
      asked.push(constraints.audio);
      if (error) throw Object.assign(new Error("no"), { name: error });
      return { getAudioTracks: () => [{ enabled: true, stopped: false, stop() { this.stopped = true; } }] };
    },
  };
  const place = { protocol, origin: `${protocol}//pbx.example:8888`, hostname: "pbx.example", port: "8888" };
  const values = {
    isSecureContext: secure, location: place,
    document: { featurePolicy: policy === undefined ? undefined : { allowsFeature: () => policy } },
    navigator: { mediaDevices: mediaDevices || undefined, permissions: { query: async () => ({ state: permission }) } },
  };
  for (const [name, value] of Object.entries(values)) Object.defineProperty(globalThis, name, { value, configurable: true });
  return asked;
}

for (const [kind, facts] of [
  ["asking", {}], ["ok", { permission: "granted" }], ["refused", { permission: "denied" }], ["missing", { devices: ["audiooutput"] }],
  ["insecure", { secure: false, protocol: "http:" }], ["blocked by host", { policy: false }],
  ["blocked by host", { protocol: "vscode-webview:" }],
]) {
  test(`without asking it is known to be: ${kind}, by ${JSON.stringify(facts)}`, async () => {
    const asked = page(facts);
    assert.equal(await lookAtMicrophone(), kind);
    assert.equal(asked.length, 0);
  });
}

for (const [error, kind] of [
  ["NotAllowedError", "refused"], ["SecurityError", "blocked by host"], ["NotFoundError", "missing"],
  ["OverconstrainedError", "missing"], ["NotReadableError", "busy"], ["AbortError", "busy"],
]) {
  test(`${error} means ${kind}`, async () => {
    page({ error });
    assert.deepEqual(await openMicrophone(), { track: null, kind });
  });
}

test("a refusal by the page around is not taken for one by the person, and asks nobody", async () => {
  const asked = page({ policy: false, error: "NotAllowedError" });
  assert.deepEqual(await openMicrophone(), { track: null, kind: "blocked by host" });
  assert.equal(asked.length, 0);
});

test("a sentence has the address of this page, and the tunnel to it", () => {
  page();
  assert.equal(ofThisPage("At ORIGIN, or ssh -L TUNNEL."), "At https://pbx.example:8888, or ssh -L 8888:localhost:8888 pbx.example.");
  location.port = "";
  assert.equal(ofThisPage("TUNNEL"), "8080:localhost:80 pbx.example");
});

test("who chose no microphone is asked for none", async () => {
  const asked = page();
  assert.deepEqual([await openMicrophone({ input: "none" }), asked.length], [{ track: null, kind: "listen only" }, 0]);
});

test("each call has a track of its own, with echo and noise taken away unless that is not wanted", async () => {
  const asked = page();
  const [one, other] = [await openMicrophone({ input: "d7" }), await openMicrophone({ processed: false })];
  assert.notEqual(one.track, other.track);
  assert.deepEqual([asked[0].echoCancellation, asked[0].deviceId], [true, { exact: "d7" }]);
  assert.deepEqual([asked[1].echoCancellation, asked[1].noiseSuppression, asked[1].autoGainControl], [false, false, false]);
});

test("a chosen device that was unplugged does not cost the call", async () => {
  page();
  const ask = navigator.mediaDevices.getUserMedia;
  navigator.mediaDevices.getUserMedia = async (wish) => {
    if (wish.audio.deviceId) throw Object.assign(new Error("gone"), { name: "OverconstrainedError" });
    return ask(wish);
  };
  assert.equal((await openMicrophone({ input: "d7" })).kind, "ok");
});
