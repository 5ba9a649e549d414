// A real server, set up by the manifests of our docs and answered by their JavaScript. What it sends is what they say, and
// standardwebhooks, a library that others verify with, agrees.
//
// ONAIR_URL and ONAIR_TOKEN are the server's; it may call 127.0.0.1, and knows the secrets that the manifests name.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Webhook } from "standardwebhooks";

const { ONAIR_URL, ONAIR_TOKEN, HOOK_SECRET, CAMERA_SECRET } = process.env;
const BASE = `${ONAIR_URL}/v1/productions`;

/** Nothing here takes long; a test that hangs fails, and what it had open is closed. */
const patience = { timeout: 60_000 };

/** A block of a language in a page of the docs. */
async function shown(page, language, place = 1) {
  const text = await readFile(`docs/${page}.md`, "utf8");
  return text.split(`\`\`\`${language}\n`)[place].split("```")[0];
}

async function module(page) {
  const file = `${page}.shown.mjs`;
  await writeFile(file, await shown(page, "js"));
  return await import(`./${file}`);
}

async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${ONAIR_TOKEN}`, "content-type": "application/json" };
  const response = await fetch(`${BASE}/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text) };
}

async function done(method, path, body) {
  const answer = await ask(method, path, body);
  assert.ok(answer.status < 300, JSON.stringify(answer));
  return answer.body;
}

/** A server that answers as `answer` says: a status, or a status and a body. It keeps what it heard. */
async function listening(t, answer) {
  const heard = [];
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const call = { headers: request.headers, body: Buffer.concat(pieces) };
    heard.push(call);
    const [status, body] = [answer(call, heard)].flat();
    response.writeHead(status, { "content-type": "application/json" }).end(body && JSON.stringify(body));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, heard };
}

async function until(holds) {
  for (;;) {
    const found = await holds();
    if (found) return found;
    await pause(20);
  }
}

const json = ({ body }) => JSON.parse(body.toString("utf8"));
const ended = (t, url) => t.after(() => ask("POST", `${url}/emergency-stop`));
const services = [{ name: "host", adapter: { type: "builtin" } }];
const quick = { retryDelay: 20, maxRetries: 3 };

test("b2 b3 a webhook of the docs is told in order, verified, parked and replayed", patience, async (t) => {
  const { isFromOnair } = await module("backends");
  const hook = await listening(t, (_, heard) => (heard.length === 1 ? 500 : heard.length === 5 ? 422 : 204));
  const backends = JSON.parse(await shown("backends", "json")).backends;
  const [webhook, convex] = backends;
  assert.deepEqual([webhook.type, convex.type], ["webhook", "convex"]);
  // Nobody is there: it is tried again and again, and the show goes on.
  const gone = await listening(t, () => 503);
  const told = [{ ...webhook, url: hook.url }, { ...convex, url: gone.url }];
  await done("PUT", "told", { services, start: ["host"], requires: [], settings: quick, backends: told });
  ended(t, "told");
  for (const action of ["initialize", "start", "pause", "resume", "stop"]) await done("POST", `told/${action}`);

  const parked = await until(async () => {
    const { backends } = await done("GET", "told/backends");
    return backends.find(({ name, status }) => name === webhook.name && status === "parked");
  });
  assert.match(parked.lastError, /^answered 422/);
  assert.equal(hook.heard.length, 5);
  await done("POST", `told/backends/${webhook.name}/replay`);
  const { backends: all } = await until(async () => {
    const now = await done("GET", "told/backends");
    return now.backends.find(({ name, lag }) => name === webhook.name && lag === 0) && now;
  });
  const dead = all.find(({ name }) => name === convex.name);
  assert.deepEqual([dead.status, dead.lag > 0], ["retrying", true]);
  assert.ok(gone.heard.length > 0);

  const verifier = new Webhook(HOOK_SECRET);
  for (const { headers, body } of hook.heard) {
    assert.ok(isFromOnair(headers, body, HOOK_SECRET));
    assert.deepEqual(verifier.verify(body, headers), JSON.parse(body));
    assert.ok(!isFromOnair(headers, Buffer.concat([body, Buffer.from(" ")]), HOOK_SECRET));
    assert.ok(!isFromOnair(headers, body, "whsec_bm90IHRoaXMgb25l"));
    for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
      const { [name]: left, ...others } = headers;
      assert.ok(!isFromOnair(others, body, HOOK_SECRET), name);
      assert.ok(!isFromOnair({ ...headers, [name]: "1" }, body, HOOK_SECRET), name);
    }
  }
  const ids = hook.heard.map(({ headers }) => headers["webhook-id"]);
  assert.deepEqual([ids[0], ids[4]], [ids[1], ids[5]], "tried again under the same id");
  const events = hook.heard.filter((_, place) => place !== 0 && place !== 4).map(json);
  for (const { type, timestamp, data } of events) {
    assert.equal(timestamp, data.at);
    assert.equal(type, data.cause.kind);
  }
  const revisions = events.map(({ data }) => data.revision);
  assert.deepEqual(revisions, [...revisions].sort((a, b) => a - b), "in the order of the log");
  assert.equal(new Set(revisions).size, revisions.length);
  const example = JSON.parse(await shown("backends", "json", 2));
  const last = events.at(-1).data;
  const live = events.find(({ data }) => data.broadcast);
  const names = (value) => Object.keys(value).sort();
  for (const part of [(event) => event, (event) => event.data.cause, (event) => event.data.broadcast]) {
    assert.deepEqual(names(part(live)), names(part(example)));
  }
  assert.deepEqual([live.type, live.data.actor], [example.type, example.data.actor]);
  assert.equal(hook.heard.at(-1).headers["webhook-id"], `told:${last.epoch}:${last.revision}`);
  assert.deepEqual(Object.keys(last).sort(), Object.keys(example.data).sort());
  const states = events.map(({ data }) => data.broadcast?.broadcastState).filter(Boolean);
  assert.deepEqual(states, ["live", "paused", "live", "idle", "idle"]);
  const moves = events.map(({ data }) => data.transition?.to).filter(Boolean);
  assert.deepEqual(moves, ["initializing", "ready", "starting", "live", "stopping", "idle", "initializing", "ready"]);
});

test("s2 s3 a service of the docs is called, verified, tried again and polled", patience, async (t) => {
  const { isFromOnair } = await module("http-services");
  let starts = 0;
  const camera = await listening(t, (call) => {
    const { action } = json(call);
    if (!isFromOnair(call.headers, call.body, CAMERA_SECRET)) return 401;
    if (action === "start" && ++starts === 1) return [503, { detail: "warming up" }];
    return action === "health" ? [200, { healthy: true, details: { lens: "50 mm" } }] : [200, {}];
  });
  const [service] = JSON.parse(await shown("http-services", "json")).services;
  const adapter = { ...service.adapter, url: camera.url };
  const manifest = { services: [{ ...service, adapter }], start: [service.name], requires: [], settings: quick };
  await done("PUT", "called", manifest);
  ended(t, "called");
  for (const action of ["initialize", "start"]) await done("POST", `called/${action}`);
  const asked = (action) => camera.heard.filter((call) => json(call).action === action);
  await until(() => asked("health").length > 0);
  await until(async () => (await done("GET", "called")).services[service.name].details?.lens === "50 mm");
  await done("POST", "called/stop");
  await done("POST", "called/emergency-stop");

  assert.equal(asked("initialize").length, 1);
  const [first, second] = asked("start").map(json);
  assert.deepEqual([first.key, first.attempt, second.attempt], [second.key, 1, 2]);
  const example = JSON.parse(await shown("http-services", "json", 2));
  assert.deepEqual(Object.keys(second).sort(), Object.keys(example).sort());
  assert.deepEqual(Object.keys(second.params).sort(), Object.keys(example.params).sort());
  assert.deepEqual(asked("stop").map((call) => json(call).params.force), [undefined, true]);
  for (const { headers, body } of camera.heard) {
    const { key, deadline } = json({ body });
    assert.deepEqual([headers["onair-key"], headers["idempotency-key"], headers["onair-deadline"]], [key, key, deadline]);
    assert.ok(!isFromOnair(headers, Buffer.concat([body, Buffer.from(" ")]), CAMERA_SECRET));
    assert.ok(!isFromOnair(headers, body, "another"));
    for (const name of ["onair-timestamp", "onair-key", "onair-deadline", "onair-signature"]) {
      const { [name]: left, ...others } = headers;
      assert.ok(!isFromOnair(others, body, CAMERA_SECRET), name);
      assert.ok(!isFromOnair({ ...headers, [name]: "1" }, body, CAMERA_SECRET), name);
    }
  }
});

test("x2 x3 what the docs say is refused, is", patience, async () => {
  const refused = async (manifest, pointer) => {
    const { status, body } = await ask("PUT", "refused", { services, start: ["host"], requires: [], ...manifest });
    assert.deepEqual([status, body.code, body.errors?.[0]?.pointer], [422, "invalid", pointer], JSON.stringify(body));
  };
  const hook = { name: "hook", type: "webhook", url: "https://hooks.example/onair", secret: "env:HOOK_SECRET" };
  await refused({ backends: [{ ...hook, url: "https://10.0.0.1/" }] }, "/backends/0/url");
  await refused({ backends: [{ ...hook, url: "http://1.1.1.1/" }] }, "/backends/0/url");
  await refused({ backends: [{ ...hook, secret: HOOK_SECRET }] }, "/backends/0/secret");
  await refused({ backends: [{ ...hook, secret: "env:NOT_SET_ANYWHERE" }] }, "/backends/0/secret");
  await refused({ backends: [{ ...hook, secret: undefined }] }, "/backends/0/secret");
  await refused({ backends: [{ ...hook, key: "env:HOOK_SECRET" }] }, "/backends/0/key");
  const adapter = { type: "http", url: "https://camera.example/onair", secret: "env:CAMERA_SECRET" };
  const camera = (changed) => ({ services: [{ name: "camera", adapter: { ...adapter, ...changed } }], start: [] });
  await refused(camera({ url: "https://169.254.169.254/" }), "/services/0/adapter/url");
  await refused(camera({ secret: undefined }), "/services/0/adapter/secret");
  await refused(camera({ timeout: 5 }), "/services/0/adapter/timeout");
});
