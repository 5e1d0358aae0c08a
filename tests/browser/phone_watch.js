// In the page before anything else: every connection, microphone track and player that was ever made, and a recorder.
(() => {
  const peers = [], tracks = [], players = new Set();
  const Peer = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      peers.push(this);
    }
  };
  const media = navigator.mediaDevices;
  if (media) {
    const ask = media.getUserMedia.bind(media);
    media.getUserMedia = async (wish) => {
      const stream = await ask(wish);
      tracks.push(...stream.getTracks());
      return stream;
    };
  }
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function () {
    players.add(this);
    return play.call(this);
  };
  const alive = () => peers.filter((peer) => peer.connectionState !== "closed");
  globalThis.pbxWatch = {
    peers, tracks, players,
    /** What still sounds or listens. */
    left: () => ({
      peers: alive().length,
      tracks: tracks.filter((track) => track.readyState === "live").length,
      players: [...players].filter((audio) => audio.srcObject?.active && !audio.paused).length,
    }),
    /** The track that comes from the other side. */
    remote: () => alive().flatMap((peer) => peer.getReceivers()).map((receiver) => receiver.track).find((track) => track?.readyState === "live"),
    /** Frames of sound that came since a connection was made. */
    frames: async () => {
      let came = 0;
      for (const peer of alive()) for (const [, one] of await peer.getStats()) if (one.type === "inbound-rtp") came += one.packetsReceived;
      return came;
    },
    /** Record a track; the samples at 48 kHz as numbers of 16 bit, in base 64. */
    record: async (track, seconds) => {
      const context = new AudioContext({ sampleRate: 48000 }), blocks = [];
      await context.resume();
      const node = context.createScriptProcessor(4096, 1, 1);
      const full = new Promise((done) => {
        node.onaudioprocess = ({ inputBuffer }) => {
          blocks.push(Int16Array.from(inputBuffer.getChannelData(0), (sample) => Math.max(-1, Math.min(1, sample)) * 32767));
          if (blocks.length * 4096 >= seconds * 48000) done();
        };
      });
      context.createMediaStreamSource(new MediaStream([track])).connect(node).connect(context.destination);
      await full;
      await context.close();
      const bytes = new Uint8Array(await new Blob(blocks).arrayBuffer());
      let text = "";
      for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
      return btoa(text);
    },
  };
})();
