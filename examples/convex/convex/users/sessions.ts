/**
 * What onair calls: `users/sessions:updateBroadcastState`.
 *
 * onair delivers at least once, and Convex has no key of idempotency for mutations over HTTP. So nothing is taken twice,
 * and nothing that is older than what is there: a revision counts within its production and its epoch.
 */
import { ConvexError, v } from "convex/values";
import { internalMutation, query } from "../_generated/server";
import { broadcast } from "../schema";

/** Internal: only the deploy key that onair has may call it, and no page of yours. */
export const updateBroadcastState = internalMutation({
  args: {
    ...broadcast,
    production: v.string(),
    revision: v.number(),
    operationId: v.string(),
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    const [production, epoch, revision, ...more] = args.operationId.split(":");
    const meant = production === args.production && revision === String(args.revision);
    if (!meant || !epoch || more.length > 0) {
      throw new ConvexError({ kind: "invalid", operationId: args.operationId });
    }
    const known = await ctx.db
      .query("broadcasts")
      .withIndex("by_production", (q) => q.eq("production", args.production))
      .unique();
    if (known === null) {
      await ctx.db.insert("broadcasts", { ...args, epoch });
      return null;
    }
    if (known.operationId === args.operationId) {
      return null;
    }
    if (known.epoch === epoch && known.revision > args.revision) {
      throw new ConvexError({ kind: "stale", have: known.revision });
    }
    await ctx.db.replace(known._id, { ...args, epoch });
    return null;
  },
});

/** What is known of a production, for pages: it changes by itself in `useQuery`. */
export const broadcastState = query({
  args: { production: v.string() },
  handler: async (ctx, { production }) =>
    await ctx.db
      .query("broadcasts")
      .withIndex("by_production", (q) => q.eq("production", production))
      .unique(),
});
