// The mutation that we ship, run by convex-test behind a double of Convex: the official client passes against the double,
// so the double is right; onair's own connector passes against it, so the connector is.
//
// CONVEX_FUNCTIONS is the folder of the functions, DELIVER the program `deliver`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";

import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";

import { DEPLOY_KEY, deployment } from "./double.mjs";

const folder = process.env.CONVEX_FUNCTIONS;
const { updateBroadcastState, broadcastState } = anyApi.users.sessions;

const broadcast = (state) => ({
  sessionId: "s-1",
  broadcastState: state,
  hostActive: true,
  producerActive: true,
  liveFeedActive: state === "live",
  startTime: "2026-11-20T18:00:00.000Z",
  duration: 60_000,
});

const operation = (revision, state, epoch = "k3f9") => ({
  ...broadcast(state),
  production: "main",
  revision,
  operationId: `main:${epoch}:${revision}`,
});

/** Nothing here takes long; a test that hangs fails, and what it had open is closed. */
const patience = { timeout: 60_000 };

const shown = ({ _id, _creationTime, ...row }) => row;

/** Runs `deliver` with these deliveries; answers what it says of each. */
async function delivered(url, key, deliveries) {
  const child = spawn(process.env.DELIVER, ["convex", url, "DEPLOY_KEY"], {
    env: { PATH: process.env.PATH, DEPLOY_KEY: key },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(deliveries.map((delivery) => JSON.stringify(delivery) + "\n").join(""));
  let said = "";
  for await (const piece of child.stdout) said += piece;
  return said.trim().split("\n").map((line) => JSON.parse(line));
}

const delivery = (revision, state, epoch = "k3f9") => ({
  production: "main",
  epoch,
  revision,
  kind: "lifecycle.moved",
  data: { to: state, broadcast: broadcast(state) },
});

for (const failed of [200, 560]) {
  test(`b1 the official client passes against the double (failures are ${failed})`, patience, async (t) => {
    const double = await deployment(folder, { failed });
    t.after(double.close);
    const client = new ConvexHttpClient(double.url);
    client.setAdminAuth(DEPLOY_KEY);
    assert.equal(await client.mutation(updateBroadcastState, operation(41, "starting")), null);
    assert.equal(await client.mutation(updateBroadcastState, operation(43, "live")), null);
    assert.equal(await client.mutation(updateBroadcastState, operation(43, "live")), null);
    await assert.rejects(client.mutation(updateBroadcastState, operation(42, "starting")), (error) => {
      assert.ok(error instanceof ConvexError);
      assert.deepEqual(error.data, { kind: "stale", have: 43 });
      return true;
    });
    const mixed = { ...operation(44, "live"), operationId: "other:k3f9:44" };
    await assert.rejects(client.mutation(updateBroadcastState, mixed), (error) => error.data.kind === "invalid");
    const { duration, ...lacking } = operation(44, "live");
    await assert.rejects(client.mutation(updateBroadcastState, lacking), /Server Error/);
    assert.deepEqual(shown(await client.query(broadcastState, { production: "main" })), {
      ...operation(43, "live"),
      epoch: "k3f9",
    });
  });

  test(`b1 the connector delivers new, again, late and of a new epoch (failures are ${failed})`, patience, async (t) => {
    const double = await deployment(folder, { failed });
    t.after(double.close);
    const good = { delivered: true };
    const first = [delivery(41, "starting"), delivery(41, "starting"), delivery(43, "live")];
    assert.deepEqual(await delivered(double.url, DEPLOY_KEY, first), [good, good, good]);
    const rows = await double.rows();
    assert.deepEqual(rows.map(shown), [{ ...operation(43, "live"), epoch: "k3f9" }]);
    // Again, and late: nothing happens, and nothing is tried again.
    const late = [delivery(43, "live"), delivery(42, "starting")];
    assert.deepEqual(await delivered(double.url, DEPLOY_KEY, late), [good, good]);
    assert.deepEqual(await double.rows(), rows);
    // A production that was restored counts from 1 again.
    assert.deepEqual(await delivered(double.url, DEPLOY_KEY, [delivery(1, "idle", "m4g0")]), [good]);
    assert.deepEqual((await double.rows()).map(shown), [{ ...operation(1, "idle", "m4g0"), epoch: "m4g0" }]);
    assert.ok(double.calls.every((call) => call.client.startsWith("onair-")));
  });

  test(`b1 the connector says what is worth trying again (failures are ${failed})`, patience, async (t) => {
    const double = await deployment(folder, { failed });
    t.after(double.close);
    const [refused] = await delivered(double.url, "prod:other|key", [delivery(1, "idle")]);
    assert.deepEqual([refused.delivered, refused.class, refused.retryable], [false, "permission", false]);
    assert.ok(!JSON.stringify(refused).includes("other|key"));
    const [foreign] = await delivered(double.url, "Bearer user.token", [delivery(1, "idle")]);
    assert.deepEqual([foreign.delivered, foreign.class, foreign.retryable], [false, "validation", false]);
    const lacking = { ...delivery(1, "idle"), data: { broadcast: { broadcastState: "idle" } } };
    const [redacted] = await delivered(double.url, DEPLOY_KEY, [lacking]);
    assert.deepEqual([redacted.delivered, redacted.class, redacted.retryable], [false, "server", true]);
    assert.deepEqual(await double.rows(), []);
    await double.close();
    const [gone] = await delivered(double.url, DEPLOY_KEY, [delivery(1, "idle")]);
    assert.deepEqual([gone.delivered, gone.class, gone.retryable], [false, "network", true]);
  });
}
