// A deployment of Convex as its HTTP API shows it, with the functions of a folder run by convex-test.
//
// What it follows: /api/mutation and /api/query; `Authorization: Convex KEY` or `Bearer TOKEN`, internal functions for
// deploy keys alone; `args` as an object or a list of one; answers in clean or in encoded JSON; failures of functions as
// 200, or 560 as some deployments do, redacted as in production: of an error only the data of a ConvexError is left.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { ConvexError, convexToJson, jsonToConvex } from "convex/values";
import { makeFunctionReference } from "convex/server";
import { convexTest } from "convex-test";

// It is a dependency of convex, so it is looked for from there.
const { build } = createRequire(createRequire(import.meta.url).resolve("convex/values"))("esbuild");

export const DEPLOY_KEY = "prod:double|0123456789abcdef";

const GENERATED = `export {
  internalMutationGeneric as internalMutation, mutationGeneric as mutation, queryGeneric as query,
} from "convex/server";\n`;

/** Makes JavaScript of a folder of functions, as `npx convex dev` would, and reads it. */
async function functionsOf(folder, names) {
  await mkdir(join(folder, "_generated"), { recursive: true });
  await writeFile(join(folder, "_generated/server.js"), GENERATED);
  const outdir = join(folder, "../built");
  await build({
    entryPoints: ["schema", ...names].map((name) => join(folder, `${name}.ts`)),
    outbase: folder,
    outdir,
    bundle: true,
    format: "esm",
    packages: "external",
    outExtension: { ".js": ".mjs" },
  });
  const read = (name) => import(pathToFileURL(join(outdir, `${name}.mjs`)).href);
  const modules = { "./_generated/api.js": async () => ({}) };
  for (const name of names) modules[`./${name}.ts`] = () => read(name);
  return { schema: (await read("schema")).default, modules, read };
}

/** A deployment on a free port. `failed` is the status of functions that fail: 200 or 560. */
export async function deployment(folder, { failed = 200 } = {}) {
  const names = ["users/sessions"];
  const { schema, modules, read } = await functionsOf(folder, names);
  const convex = convexTest(schema, modules);
  const calls = [];

  async function answer(request, body) {
    const kind = /^\/api\/(mutation|query)$/.exec(request.url)?.[1];
    if (request.method !== "POST" || !kind) return refused(404, "NotFound", "no such place");
    const client = request.headers["convex-client"];
    if (client !== undefined && client.length < 7) return refused(400, "InvalidHeaderFailure", "a header too short");
    const [, scheme, token] = /^(\S+) (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    const isAdmin = scheme?.toLowerCase() === "convex";
    if (isAdmin && token !== DEPLOY_KEY) return refused(403, "BadDeployKey", "the deploy key is not of this deployment");
    let asked;
    try {
      asked = JSON.parse(body);
    } catch {
      return refused(400, "BadJsonBody", "the body is not JSON");
    }
    const [, file, name] = /^([\w/]+):(\w+)$/.exec(asked.path) ?? [];
    if (!file) return refused(400, "BadConvexFunctionIdentifier", `${asked.path} is no path of a function`);
    const found = names.includes(file) ? (await read(file))[name] : undefined;
    const isKind = kind === "mutation" ? found?.isMutation : found?.isQuery;
    if (!isKind || (found.isInternal && !isAdmin)) {
      return failure(`Could not find public function for '${asked.path}'. Did you forget to run \`npx convex dev\`?`);
    }
    const args = Array.isArray(asked.args) ? asked.args[0] : asked.args;
    calls.push({ path: asked.path, client, args });
    const encoded = asked.format === "convex_encoded_json";
    try {
      const reference = makeFunctionReference(asked.path);
      const value = await convex[kind](reference, jsonToConvex(args ?? {}));
      const shown = encoded ? convexToJson(value ?? null) : (value ?? null);
      return { status: 200, body: { status: "success", value: shown } };
    } catch (error) {
      return failure("Server Error", error);
    }
  }

  function failure(text, error) {
    const body = { status: "error", errorMessage: `[Request ID: 0123456789abcdef] ${text}` };
    if (error instanceof ConvexError) {
      const data = typeof error.data === "string" ? JSON.parse(error.data) : error.data;
      body.errorData = convexToJson(data);
    }
    return { status: failed, body };
  }

  const refused = (status, code, message) => ({ status, body: { code, message } });

  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const { status, body } = await answer(request, Buffer.concat(pieces).toString("utf8"));
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    rows: () => convex.run(async (ctx) => await ctx.db.query("broadcasts").collect()),
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}
