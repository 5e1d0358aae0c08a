// The page's side of the softphone: one owner, each order once, an end for everything.
import assert from "node:assert/strict";
import test, { beforeEach, mock } from "node:test";

globalThis.AudioContext = class { state = "suspended"; addEventListener() {} resume() {} suspend() {} };
const listeners = {};
globalThis.addEventListener = (name, fn) => (listeners[name] = fn);
globalThis.document = { title: "Notebook", hasFocus: () => true };
globalThis.window = globalThis;

const { PagePhone, phoneOf, thisPage } = await import("../../pbxnb/widgets/softphone/page_phone.js");
const page = thisPage();

/** A phone that this page owns; its connections only note what they are told. */
function owned() {
  const phone = new PagePhone("p"), sent = [], orders = [];
  page.phones.set("p", phone);
  phone.models.add({ send: (message) => sent.push(message) });
  phone.connect = () => new Proxy({}, { get: (_, name) => (order) => orders.push(order?.sdp ? [name, order.sdp] : [name]) });
  phone.ring = (text) => (orders.push(["ring", text]), () => orders.push(["quiet"]));
  let seq = 0;
  const order = (what, owner = page.id) => phone.take({ phone: "p", seq: ++seq, owner, ...what });
  return { phone, sent, orders, order };
}

beforeEach(() => {
  page.phones.forEach((phone) => phone.end());
  page.phones.clear();
});

test("a phone is one for the whole page, whoever asks for it", () => {
  assert.equal(phoneOf("a"), phoneOf("a"));
  assert.equal(globalThis[Symbol.for("pbxnb.softphone")], page);
});

test("an order that every panel brings is carried out once", () => {
  const { phone, orders } = owned();
  for (const seq of [1, 1, 2, 2, 1]) phone.take({ phone: "p", seq, owner: page.id, leg: 1, order: seq === 1 ? "offer" : "accept", sdp: "v=0" });
  assert.deepEqual(orders, [["offer", "v=0"], ["accept", "v=0"]]);
});

test("orders to another page, and to another phone, do nothing here", () => {
  const { phone, orders, order } = owned();
  order({ leg: 1, order: "offer" }, "another page");
  phone.take({ phone: "q", seq: 9, owner: page.id, leg: 1, order: "offer" });
  assert.deepEqual(orders, []);
});

test("when another page takes the phone nothing sounds here any more", () => {
  const { phone, orders, order } = owned();
  order({ leg: 1, order: "offer" });
  order({ order: "beat" }, "another page");
  assert.deepEqual(orders.at(-1), ["close"]);
  assert.equal(phone.legs.size, 0);
});

test("it rings until something else is to be done", () => {
  const { orders, order } = owned();
  order({ leg: 1, order: "ring", text: "207 calls 40" });
  order({ leg: 1, order: "answer", sdp: "v=0" });
  order({ leg: 2, order: "ring", text: "208 calls 40" });
  order({ leg: 2, order: "close" });
  assert.deepEqual(orders, [["ring", "207 calls 40"], ["quiet"], ["answer", "v=0"], ["ring", "208 calls 40"], ["quiet"]]);
});

test("a beat is answered, with the name of this page", () => {
  const { sent, order } = owned();
  order({ order: "beat" });
  assert.deepEqual(sent, [{ phone: "p", owner: page.id, here: true }]);
});

test("a kernel that is silent is said after 5 seconds, and after 15 nothing sounds any more", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  mock.method(performance, "now", () => now);
  const { phone, orders, order } = owned();
  order({ leg: 1, order: "offer" });
  const pass = (seconds) => {
    now += seconds * 1000;
    mock.timers.tick(seconds * 1000);
  };
  pass(4);
  assert.equal(phone.silence, 0);
  pass(4);
  assert.equal(phone.silence, 8);
  order({ order: "beat" });
  assert.equal(phone.silence, 0);
  pass(16);
  assert.deepEqual([orders.at(-1), phone.legs.size, phone.silence, phone.alone], [["close"], 0, 0, true]);
  order({ order: "beat" });
  assert.equal(phone.alone, false);
  mock.timers.reset();
  mock.restoreAll();
});

test("a page that goes says so, and is asked about first only in a call", () => {
  const { phone, sent, orders, order } = owned();
  const asks = () => {
    let asked = false;
    listeners.beforeunload({ preventDefault: () => (asked = true) });
    return asked;
  };
  assert.equal(asks(), false);
  order({ leg: 1, order: "offer" });
  assert.equal(asks(), true);
  listeners.pagehide();
  assert.equal(sent.at(-1).leave, true);
  assert.deepEqual([orders.at(-1), phone.legs.size], [["close"], 0]);
});

test("a panel that is taken away hears no more, and the call goes on with the next one", () => {
  const { phone, orders, order } = owned(), heard = new Set();
  const model = { on: (_, fn) => heard.add(fn), off: (_, fn) => heard.delete(fn), send: () => {} };
  const detach = phone.attach(model);
  order({ leg: 1, order: "offer" });
  detach();
  assert.deepEqual([heard.size, orders.length, phone.legs.size], [0, 1, 1]);
});
