/*
 * One call's WebRTC connection in the page. It carries out the orders of the leg, which the kernel keeps (phone/leg.py), one
 * after the other: a method for each. It tells what became of them: {described}, {found}, {media, why}, {microphone}, {stats}.
 */
import { openMicrophone } from "./microphone.js";

const UNTIL_HEARD = 20, MEASURED_EVERY = 1000; // ms
const REPORTED = ["inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "media-source", "codec"];

export class Connection {
  /** How loud both sides are now, dB. */
  levels = { said: -100, heard: -100 };
  closed = false;
  asked = false;
  /** What is sent; null while the call is only listened to. @type {MediaStreamTrack | null} */
  said = null;
  /** @type {MediaStreamTrack | null} */
  heard = null;
  flows = { send: true, hear: true };
  /** @type {RTCPeerConnection | null} */
  peer = null;
  /** What ends what plays and measures, by what it is. @type {Map<string, () => void>} */
  running = new Map();
  last = Promise.resolve();

  /**
   * @param {import("./sound.js").Sound} sound plays and measures it
   * @param {import("./microphone.js").Choice} devices the person's choice, read when it is needed
   * @param {(message: Record<string, any>) => void} tell
   */
  constructor(sound, devices, tell) {
    this.sound = sound;
    this.devices = devices;
    this.tell = tell;
  }

  /** Describe a new connection: {described} is an offer. @param {{ice: RTCIceServer[]}} order */
  offer({ ice }) {
    this.#next(async () => this.#describe(await this.#open(ice)));
  }

  /** Answer an offer with a new connection, in place of one that is open: {described} is the answer. @param {{ice: RTCIceServer[], sdp: string}} order */
  answer({ ice, sdp }) {
    this.#next(async () => {
      const peer = await this.#open(ice);
      await peer.setRemoteDescription({ type: "offer", sdp });
      await this.#describe(peer);
    });
  }

  /** The answer to our offer. @param {{sdp: string}} order */
  accept({ sdp }) {
    this.#next(() => this.peer?.setRemoteDescription({ type: "answer", sdp }));
  }

  /** Addresses of the other side. @param {{lines: string[]}} order */
  candidates({ lines }) {
    this.#next(async () => {
      for (const line of lines) await this.peer?.addIceCandidate({ candidate: line.replace(/^(candidate:)?/, "candidate:"), sdpMLineIndex: 0 });
    });
  }

  /** Whether sound is sent, and whether what comes is heard. @param {{send: boolean, hear: boolean}} order */
  flow({ send, hear }) {
    this.flows = { send, hear };
    if (this.said) this.said.enabled = send;
    if (this.heard) this.heard.enabled = hear;
  }

  /** Press digits, after those that are not through yet; nothing where the two sides agreed on no way for them. @param {{digits: string}} order */
  digits({ digits }) {
    const dtmf = this.#sender()?.dtmf;
    if (dtmf?.canInsertDTMF) dtmf.insertDTMF(dtmf.toneBuffer + digits, 100, 70);
  }

  /** Take the microphone that is chosen now. Where it cannot be had the call keeps what it has. */
  useMicrophone() {
    this.#next(() => this.#take());
  }

  close() {
    this.closed = true;
    this.said?.stop();
    this.#shut();
  }

  /** Orders come faster than they can be carried out, and each needs the one before. @param {() => Promise<any> | undefined} work */
  #next(work) {
    this.last = this.last.then(() => (this.closed ? undefined : work())).catch((error) => {
      if (!this.closed) this.#fail(String(error.message));
    });
  }

  /** @param {RTCIceServer[]} iceServers */
  async #open(iceServers) {
    this.#shut();
    const peer = (this.peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" }));
    peer.ontrack = ({ track }) => this.#hear(track);
    peer.onconnectionstatechange = () => {
      const { connectionState: state } = peer;
      if (state === "connecting") this.tell({ media: "checking" });
      if (state === "failed") this.#fail();
    };
    if (!this.asked) await this.#take();
    return peer;
  }

  async #take() {
    this.asked = true;
    const { track, kind } = await openMicrophone(this.devices);
    if (this.closed) return track?.stop(); // the call ended while the person was asked
    this.tell({ microphone: kind });
    if (!track && kind !== "listen only") return;
    this.said?.stop();
    this.said = track;
    this.#run("said", track ? this.sound.level(track, (level) => (this.levels.said = level)) : () => {});
    if (track) Object.assign(track, { enabled: this.flows.send, onended: () => this.tell({ microphone: "missing" }) });
    await this.#send();
  }

  /** @param {RTCPeerConnection} peer */
  async #describe(peer) {
    if (this.closed) return;
    if (!peer.getTransceivers().length) peer.addTransceiver("audio");
    peer.getTransceivers()[0].direction = "sendrecv";
    await this.#send();
    await peer.setLocalDescription();
    this.tell({ described: peer.localDescription?.sdp });
    peer.onicecandidate = ({ candidate }) => this.tell({ found: candidate?.toJSON() ?? null });
  }

  /** Silence where there is no microphone: one may be allowed during the call, and digits are sent between packets of sound. */
  #send() {
    return this.#sender()?.replaceTrack(this.said ?? this.sound.silence());
  }

  #sender() {
    return this.peer?.getSenders()[0];
  }

  /** @param {MediaStreamTrack} track */
  #hear(track) {
    this.heard = track;
    track.enabled = this.flows.hear;
    this.#run("play", this.sound.play(track));
    this.#run("heard", this.sound.level(track, (level) => (this.levels.heard = level)));
    const soon = setInterval(() => {
      if (!this.peer?.getReceivers()[0]?.getSynchronizationSources().length) return;
      clearInterval(soon);
      this.tell({ media: "flowing" });
    }, UNTIL_HEARD);
    const timer = setInterval(() => this.#measure(), MEASURED_EVERY);
    this.#run("measure", () => [soon, timer].forEach(clearInterval));
  }

  /** What was counted: from it the kernel knows how the sound is. */
  async #measure() {
    const peer = this.peer, stats = peer ? [...(await peer.getStats()).values()] : [];
    if (peer && peer === this.peer) this.tell({ stats: stats.filter((each) => REPORTED.includes(each.type) || each.nominated) });
  }

  /** @param {string} [why] in words, where it is known */
  #fail(why) {
    this.tell({ media: "failed", why });
  }

  /** Let one thing of a kind run. @param {string} kind @param {() => void} stop what ends it */
  #run(kind, stop) {
    this.running.get(kind)?.();
    this.running.set(kind, stop);
  }

  /** End the connection, but not the microphone: another connection may take its place. */
  #shut() {
    for (const [kind, stop] of this.running) {
      if (kind === "said" && !this.closed) continue;
      stop();
      this.running.delete(kind);
    }
    this.peer?.close();
    this.peer = this.heard = null;
  }
}
