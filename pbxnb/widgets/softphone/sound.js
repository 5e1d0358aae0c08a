/*
 * What the page plays and measures: the other side, the ring, one's own voice for a test, and levels. One for the page.
 * Until the person clicked or pressed a key in the page, the browser may keep all of it silent: `allowed` says so.
 */

const SILENCE = -100; // dB below full scale, and everything quieter
const LEVELS_EVERY = 100; // ms
const RING = { pitches: [440, 480], every: 4, soft: 0.01, level: 0.15 }; // Hz; s, the first of them sounds; s at its ends; of full scale

/** How loud a block is, in dB below full scale: 0 is the loudest square wave. @param {Float32Array} block */
export function decibels(block) {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  return Math.max(SILENCE, 10 * Math.log10(power));
}

/** One round of the ring: sound, then silence. @param {number} rate samples a second */
export function ringSamples(rate) {
  return Float32Array.from({ length: rate * RING.every }, (_, at) => {
    const time = at / rate, soft = Math.max(0, Math.min(1, time / RING.soft, (1 - time) / RING.soft)); // no click
    return RING.level * soft * RING.pitches.reduce((sum, pitch) => sum + Math.sin(2 * Math.PI * pitch * time), 0);
  });
}

/** @typedef {"call" | "ring"} Use */

export class Sound {
  /** Whether the browser lets this page sound. */
  allowed = false;
  /** Called when `allowed` changed. */
  onchange = () => {};
  /** The devices that play calls and the ring; "" is the browser's own. */
  devices = { call: "", ring: "" };
  context = new AudioContext();
  /** What plays, and for what. @type {Map<HTMLAudioElement, Use>} */
  players = new Map();
  users = 0;
  /** @type {MediaStreamTrack | null} */
  still = null;

  constructor() {
    this.context.addEventListener("statechange", () => this.#heed());
    this.#heed();
  }

  /** Ask the browser to let the page sound: to be called from a click or a key. */
  async enable() {
    await this.context.resume();
    for (const audio of this.players.keys()) audio.play().catch(() => {});
  }

  /** Play calls or the ring on this device from now on. @param {Use} use @param {string} device */
  choose(use, device) {
    this.devices[use] = device;
    for (const [audio, its] of this.players) this.#route(audio, its);
  }

  /** Play a track. Returns what ends it. @param {MediaStreamTrack} track @param {Use} [use] @returns {() => void} */
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
      const source = this.context.createConstantSource(), [out, track] = this.#out();
      source.offset.value = 0;
      source.connect(out);
      source.start();
      this.still = track;
    }
    return this.still;
  }

  /** Ring. Returns what ends it. @returns {() => void} */
  ring() {
    const { context } = this, source = context.createBufferSource(), [out, track] = this.#out(), rest = this.#use();
    const samples = ringSamples(context.sampleRate);
    source.buffer = context.createBuffer(1, samples.length, context.sampleRate);
    source.buffer.copyToChannel(samples, 0);
    source.loop = true;
    source.connect(out);
    source.start();
    const stop = this.play(track, "ring");
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
    const delay = this.context.createDelay(seconds), [out, late] = this.#out();
    delay.delayTime.value = seconds;
    this.#source(track).connect(delay).connect(out);
    const rest = this.#use(), silence = this.play(late);
    const heard = setTimeout(() => track.stop(), 1000 * seconds), said = setTimeout(end, 2000 * seconds);
    function end() {
      [heard, said].forEach(clearTimeout);
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

  /** Where sounds made here go, and the track they are then. @returns {[AudioNode, MediaStreamTrack]} */
  #out() {
    const out = this.context.createMediaStreamDestination();
    return [out, out.stream.getAudioTracks()[0]];
  }

  /** @param {HTMLAudioElement} audio @param {Use} use */
  #route(audio, use) {
    // Not in every browser; and where a device was unplugged, the browser's own plays on.
    audio.setSinkId?.(this.devices[use]).catch(() => {});
  }

  /** Keep the context at work while somebody needs it: a notebook that only waits costs no audio thread. */
  #use() {
    this.users++;
    this.context.resume();
    return () => {
      if (!--this.users) this.context.suspend();
    };
  }

  #heed() {
    if (this.allowed || this.context.state !== "running") return;
    this.allowed = true;
    if (!this.users) this.context.suspend();
    this.onchange();
  }
}
