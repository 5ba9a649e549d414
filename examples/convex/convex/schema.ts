/** The table that onair's broadcasts are kept in: one row for each production. Put it beside your own tables. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

/** What onair says of a broadcast (row B1 of its requirements). */
export const broadcast = {
  /** The session that is on, or was last; null before the first. */
  sessionId: v.union(v.string(), v.null()),
  /** The phase of the production: `idle`, `starting`, `live`, `stopping`, `error` and so on. */
  broadcastState: v.string(),
  hostActive: v.boolean(),
  producerActive: v.boolean(),
  liveFeedActive: v.boolean(),
  /** RFC 3339; null while nothing is on. */
  startTime: v.union(v.string(), v.null()),
  /** Milliseconds; null while nothing was on. */
  duration: v.union(v.number(), v.null()),
};

export default defineSchema({
  broadcasts: defineTable({
    ...broadcast,
    production: v.string(),
    /** Which log the revision is of: a production that is restored or imported begins a new one. */
    epoch: v.string(),
    revision: v.number(),
    /** `production:epoch:revision` of what was taken last. */
    operationId: v.string(),
  })
    .index("by_production", ["production"])
    .index("by_session", ["sessionId"]),
});
