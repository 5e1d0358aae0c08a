/*
 * What the page plays and measures: the other side, the ring, one's own voice for a test, and levels. One for the page.
 * Until the person clicked or pressed a key in the page, the browser may keep all of it silent: `allowed` says so.
 */

const SILENCE = -100; // dB below full scale, and everything quieter
const LEVELS_EVERY = 100; // ms
const RING = { pitches: [440, 480], on: 1, off: 3, level: 0.15 }; // Hz, s, of full scale

/** How loud a block is, in dB below full scale: 0 is the loudest square wave. @param {Float32Array} block */
export function decibels(block) {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  return Math.max(SILENCE, 10 * Math.log10(power));
}

/** One round of the ring: sound, then silence. @param {number} rate samples a second */
export function ringSamples(rate) {
  const samples = new Float32Array(rate * (RING.on + RING.off)), sounding = rate * RING.on;
  for (let at = 0; at < sounding; at++) {
    const soft = Math.min(1, at / (0.01 * rate), (sounding - at) / (0.01 * rate)); // no click at its ends
    for (const pitch of RING.pitches) samples[at] += RING.level * soft * Math.sin((2 * Math.PI * pitch * at) / rate);
  }
  return samples;
}

export class Sound {
  constructor() {
    /** Whether the browser lets this page sound. */
    this.allowed = false;
    /** Called when `allowed` changed. */
    this.onchange = () => {};
    /** The devices that play calls and the ring; "" is the browser's own. @type {Record<string, string>} */
    this.devices = { call: "", ring: "" };
    this.context = new AudioContext();
    /** @type {Map<HTMLAudioElement, string>} what plays, and for what */
    this.players = new Map();
    this.users = 0;
    /** @type {MediaStreamTrack | null} */
    this.still = null;
    this.context.addEventListener("statechange", () => this.#heed());
    this.#heed();
  }

  /** Whether this browser can play on another device than its own choice. */
  get canChoose() {
    return "setSinkId" in HTMLAudioElement.prototype;
  }

  /** Ask the browser to let the page sound: to be called from a click or a key. */
  async enable() {
    await this.context.resume();
    for (const audio of this.players.keys()) audio.play().catch(() => {});
  }

  /** Play calls or the ring on this device from now on. @param {"call" | "ring"} use @param {string} device */
  choose(use, device) {
    this.devices[use] = device;
    for (const [audio, its] of this.players) if (its === use) this.#route(audio, use);
  }

  /** Play a track. Returns what ends it. @param {MediaStreamTrack} track @param {"call" | "ring"} [use] @returns {() => void} */
  play(track, use = "call") {
    const audio = new Audio();
    audio.srcObject = new MediaStream([track]);
    this.players.set(audio, use);
    this.#route(audio, use);
    audio.play().catch(() => {}); // not allowed yet: `enable` plays it
    return () => {
      audio.srcObject = null;
      this.players.delete(audio);
    };
  }

  /** Tell ten times a second how loud a track is, in dB. Returns what ends it. @param {MediaStreamTrack} track @param {(level: number) => void} tell @returns {() => void} */
  level(track, tell) {
    const source = this.#source(track), meter = this.context.createAnalyser(), rest = this.#use();
    meter.fftSize = 8192; // 170 ms at 48 kHz: no sound falls between two looks
    source.connect(meter);
    const block = new Float32Array(meter.fftSize);
    const timer = setInterval(() => {
      meter.getFloatTimeDomainData(block);
      tell(decibels(block));
    }, LEVELS_EVERY);
    return () => {
      clearInterval(timer);
      source.disconnect();
      rest();
    };
  }

  /** The track that says nothing, of all calls without a microphone: packets of silence go out. */
  silence() {
    if (!this.still) {
      const out = this.context.createMediaStreamDestination(), source = this.context.createConstantSource();
      source.offset.value = 0;
      source.connect(out);
      source.start();
      this.still = out.stream.getAudioTracks()[0];
    }
    return this.still;
  }

  /** Ring. Returns what ends it. @returns {() => void} */
  ring() {
    const { context } = this, source = context.createBufferSource(), out = context.createMediaStreamDestination(), rest = this.#use();
    source.buffer = context.createBuffer(1, context.sampleRate * (RING.on + RING.off), context.sampleRate);
    source.buffer.copyToChannel(ringSamples(context.sampleRate), 0);
    source.loop = true;
    source.connect(out);
    source.start();
    const stop = this.play(out.stream.getAudioTracks()[0], "ring");
    return () => {
      source.stop();
      stop();
      rest();
    };
  }

  /**
   * Listen to a microphone for some seconds, stop it, and play what it heard: one's own voice, as others hear it.
   * @param {MediaStreamTrack} track @param {() => void} over called when all was played @param {number} [seconds]
   * @returns {() => void} what ends it early
   */
  repeat(track, over, seconds = 3) {
    const { context } = this, delay = context.createDelay(seconds), out = context.createMediaStreamDestination();
    delay.delayTime.value = seconds;
    this.#source(track).connect(delay).connect(out);
    const rest = this.#use(), silence = this.play(out.stream.getAudioTracks()[0]);
    const timers = [setTimeout(() => track.stop(), 1000 * seconds), setTimeout(end, 2000 * seconds)];
    function end() {
      if (!timers.length) return;
      timers.splice(0).forEach(clearTimeout);
      track.stop();
      delay.disconnect();
      silence();
      rest();
      over();
    }
    return end;
  }

  /** @param {MediaStreamTrack} track */
  #source(track) {
    return this.context.createMediaStreamSource(new MediaStream([track]));
  }

  /** @param {HTMLAudioElement} audio @param {"call" | "ring"} use */
  #route(audio, use) {
    // A device that was unplugged: the browser's own plays on.
    if (this.canChoose) audio.setSinkId(this.devices[use]).catch(() => {});
  }

  /** Keep the context at work while somebody needs it: a notebook that only waits costs no audio thread. */
  #use() {
    let used = !!++this.users;
    this.context.resume();
    return () => {
      if (used && !--this.users) this.context.suspend();
      used = false;
    };
  }

  #heed() {
    if (this.allowed || this.context.state !== "running") return;
    this.allowed = true;
    if (!this.users) this.context.suspend();
    this.onchange();
  }
}
