/*
 * One call's WebRTC connection in the page. It carries out the orders of the leg, which the kernel keeps (phone/leg.py), one
 * after the other, and tells what became of them: {described}, {found}, {media, why}, {microphone}, {stats}.
 */
import { openMicrophone } from "./microphone.js";

const UNTIL_HEARD = 20, MEASURED_EVERY = 1000; // ms
const STALLED_AFTER = 3, DEAF_AFTER = 3; // s without a packet; s in which the other side lost all that we sent
const REPORTED = ["inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "media-source", "codec"];

export class Connection {
  /**
   * @param {import("./sound.js").Sound} sound plays and measures it
   * @param {{input: string, processed: boolean, listenOnly?: boolean}} devices the person's choice, read when it is needed
   * @param {(message: Record<string, any>) => void} tell
   * @param {RTCIceServer[]} [iceServers]
   */
  constructor(sound, devices, tell, iceServers = []) {
    this.sound = sound;
    this.devices = devices;
    this.tell = tell;
    this.iceServers = iceServers;
    /** How loud both sides are now, dB. */
    this.levels = { said: -100, heard: -100 };
    this.closed = this.asked = false;
    /** What is sent; null while the call is only listened to. @type {MediaStreamTrack | null} */
    this.said = null;
    /** @type {MediaStreamTrack | null} */
    this.heard = null;
    this.flows = { send: true, hear: true };
    this.media = "";
    /** @type {RTCPeerConnection | null} */
    this.peer = null;
    /** @type {Map<string, () => void>} what ends what plays and measures, by what it is */
    this.running = new Map();
    this.last = Promise.resolve();
    this.counted = { packets: 0, silent: 0, deaf: 0 };
  }

  /** Describe a new connection: {described} is an offer. */
  offer() {
    this.#next(async () => this.#describe(await this.#open()));
  }

  /** Answer an offer with a new connection, in place of one that is open: {described} is the answer. @param {string} sdp */
  answerOffer(sdp) {
    this.#next(async () => {
      const peer = await this.#open();
      await peer.setRemoteDescription({ type: "offer", sdp });
      await this.#describe(peer);
    });
  }

  /** @param {string} sdp the answer to our offer */
  takeAnswer(sdp) {
    this.#next(() => this.peer?.setRemoteDescription({ type: "answer", sdp }));
  }

  /** @param {string[]} lines addresses of the other side */
  takeCandidates(lines) {
    this.#next(async () => {
      for (const line of lines) await this.peer?.addIceCandidate({ candidate: line.replace(/^(candidate:)?/, "candidate:"), sdpMLineIndex: 0 });
    });
  }

  /** Whether sound is sent, and whether what comes is heard. @param {boolean} send @param {boolean} hear */
  flow(send, hear) {
    this.flows = { send, hear };
    if (this.said) this.said.enabled = send;
    if (this.heard) this.heard.enabled = hear;
  }

  /** Press digits, after those that are not through yet. False where the two sides agreed on no way for them. @param {string} digits */
  press(digits) {
    const dtmf = this.#sender()?.dtmf;
    if (!dtmf?.canInsertDTMF) return false;
    dtmf.insertDTMF(dtmf.toneBuffer + digits, 100, 70);
    return true;
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
      if (!this.closed) this.#say("failed", String(error.message));
    });
  }

  async #open() {
    this.#shut();
    const peer = new RTCPeerConnection({ iceServers: this.iceServers, bundlePolicy: "max-bundle" });
    this.peer = peer;
    peer.ontrack = ({ track }) => this.#hear(track);
    peer.onconnectionstatechange = () => {
      if (peer.connectionState === "connecting") this.#say("checking");
      if (peer.connectionState === "failed") this.#say("failed", "no way was found for the sound");
    };
    if (!this.asked) await this.#take();
    return peer;
  }

  async #take() {
    this.asked = true;
    const { input, processed, listenOnly } = this.devices;
    const { track, kind } = listenOnly ? { track: null, kind: "listen only" } : await openMicrophone({ device: input, processed });
    if (this.closed) return track?.stop(); // the call ended while the person was asked
    this.tell({ microphone: kind });
    if (!track && !listenOnly) return;
    this.said?.stop();
    this.said = track;
    this.#run("said", track ? this.sound.level(track, (level) => (this.levels.said = level)) : () => {});
    if (track) Object.assign(track, { enabled: this.flows.send, onended: () => this.tell({ microphone: "missing" }) });
    await this.#sender()?.replaceTrack(track ?? this.sound.silence());
  }

  /** @param {RTCPeerConnection} peer */
  async #describe(peer) {
    if (this.closed) return;
    if (!peer.getTransceivers().length) peer.addTransceiver("audio");
    const [transceiver] = peer.getTransceivers();
    transceiver.direction = "sendrecv";
    // Silence where there is no microphone: one may be allowed during the call, and digits are sent between packets of sound.
    await transceiver.sender.replaceTrack(this.said ?? this.sound.silence());
    await peer.setLocalDescription();
    this.tell({ described: peer.localDescription?.sdp });
    peer.onicecandidate = ({ candidate }) => this.tell({ found: candidate?.toJSON() ?? null });
  }

  /** @param {MediaStreamTrack} track */
  #hear(track) {
    this.heard = track;
    track.enabled = this.flows.hear;
    this.#run("play", this.sound.play(track));
    this.#run("heard", this.sound.level(track, (level) => (this.levels.heard = level)));
    const soon = setInterval(() => this.peer?.getReceivers().some((each) => each.getSynchronizationSources().length) && first(), UNTIL_HEARD);
    const first = () => {
      clearInterval(soon);
      this.#say("flowing");
    };
    const timer = setInterval(() => this.#measure(), MEASURED_EVERY);
    this.#run("measure", () => [soon, timer].forEach(clearInterval));
  }

  /** Once a second: what was counted, and whether anything comes or arrives. */
  async #measure() {
    const peer = this.peer, stats = peer ? [...(await peer.getStats()).values()] : [];
    if (!peer || peer !== this.peer) return;
    const reports = stats.filter((each) => REPORTED.includes(each.type) || each.nominated);
    const packets = reports.find((each) => each.type === "inbound-rtp")?.packetsReceived ?? 0;
    const lost = reports.find((each) => each.type === "remote-inbound-rtp")?.fractionLost ?? 0, { counted } = this;
    counted.silent = packets > counted.packets || !this.flows.hear ? 0 : counted.silent + 1;
    counted.deaf = lost >= 1 ? counted.deaf + 1 : 0;
    counted.packets = packets;
    this.tell({ stats: reports });
    if (this.media === "checking" || this.media === "failed") return;
    this.#say(counted.silent >= STALLED_AFTER ? "stalled" : counted.deaf >= DEAF_AFTER ? "one_way" : "flowing");
  }

  #sender() {
    return this.peer?.getSenders()[0];
  }

  /** @param {string} media a word of phone.leg.MediaState @param {string} [why] */
  #say(media, why = "") {
    if (media === this.media) return;
    this.media = media;
    this.tell({ media, why });
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
    if (this.peer) Object.assign(this.peer, { ontrack: null, onicecandidate: null, onconnectionstatechange: null }).close();
    this.peer = this.heard = null;
  }
}
