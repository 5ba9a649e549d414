#!/usr/bin/env python3
"""table.py results.jsonl: what run.sh wrote, as tables in markdown: the median of the rounds, and the best behind it."""
import collections
import json
import statistics
import sys

fan = collections.defaultdict(lambda: collections.defaultdict(list))
commits = collections.defaultdict(list)
for line in open(sys.argv[1]):
    try:
        said = json.loads(line)
    except ValueError:
        print(f"not understood: {line[:100]}", file=sys.stderr)
        continue
    if "phase" in said:
        # The first closed loop of a run is its warm-up; the last one counts.
        phases = fan[(said["n"], said["server"])]
        if said["phase"] == "capacity_closed_loop" and len(phases[said["phase"]]) == len(phases["storm"]):
            phases[said["phase"]].pop()
        phases[said["phase"]].append(said)
    elif "said" in said:
        one = said["said"]
        commits[(one["prods"], one["depth"], said["commit"])].append(one)
    elif "bench" in said:
        one = said["bench"]
        commits[(one["productions"], one["inFlight"], "onair bench")].append({
            "per_s": one["commitsPerSecond"], "p50_ms": one["latencyMs"]["p50"], "p99_ms": one["latencyMs"]["p99"]})
    else:
        one = said["embed"]
        flow = {"per_s": one["per_s"], "p50_ms": one["p50_us"] / 1e3, "p99_ms": one["p99_us"] / 1e3}
        for depth in (1, 16):
            commits[(64, depth, said["commit"] + ", in process")].append(flow)


def column(rows, name, best=max, digits=0, unit=1):
    """Median and best of what several runs say."""
    values = [row[name] / unit for row in rows]
    if not values:
        return "-"
    return f"{statistics.median(values):,.{digits}f} ({best(values):,.{digits}f})"


def ratio(rows, of, name, best=max):
    """By the best of both: a busy machine takes from it, and never adds."""
    if not rows or not of:
        return "-"
    ours, theirs = best(row[name] for row in rows), best(row[name] for row in of)
    return f"{ours / theirs:.2f}" if theirs else "-"


CAP, STORM, LOW = "capacity_closed_loop", "storm", "low"
for n in sorted({n for n, _ in fan}):
    print(f"\nFan-out to {n:,}: median of the rounds, in brackets the best.\n")
    print("| server | deliveries per core second, millions | × raw | × raw-batch10ms | p99 at saturation, ms "
          "| p99 at 10/s, ms | × raw | idle KiB | accept N, CPU s | wrong |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    raw, batch = fan[(n, "raw")], fan[(n, "raw-batch10ms")]
    for (of, server), phases in fan.items():
        if of != n or not phases[STORM]:
            continue
        cap, low, storm = phases[CAP], phases[LOW], phases[STORM]
        rate = "deliveries_per_server_cpu_s"
        wrong = sum(row["lost"] + row["dup_or_reordered"] + row["closed"] for row in cap + low)
        cells = [server, column(cap, rate, digits=2, unit=1e6), ratio(cap, raw[CAP], rate), ratio(cap, batch[CAP], rate),
                 column(cap, "p99_ms", min), column(low, "p99_ms", min), ratio(low, raw[LOW], "p99_ms", min),
                 column(storm, "idle_kib_per_conn", min, 1), column(storm, "server_cpu_s", min, 2), str(wrong)]
        print("| " + " | ".join(cells) + " |")

if commits:
    print("\nDurable commits, 64 clients: median of the rounds, in brackets the best.\n")
    print("| load | server | commits/s | × its peer | p50, ms | p99, ms | tries per commit | server CPU, µs per commit |")
    print("|---|---|---|---|---|---|---|---|")
for prods, depth, name in sorted(commits, key=lambda key: (-key[0], key[1])):
    rows = commits[(prods, depth, name)]
    peer = "redis-always" if depth == 1 else "log, in process"
    load = ("64 productions" if prods > 1 else "one production") + (f", {depth} under way" if depth > 1 else "")
    known = lambda name: [row for row in rows if name in row]
    cells = [load, name, column(rows, "per_s"), ratio(rows, commits.get((prods, depth, peer)), "per_s"),
             column(rows, "p50_ms", min, 1), column(rows, "p99_ms", min, 1), column(known("tries_per_commit"), "tries_per_commit", min, 1),
             column(known("server_cpu_s_per_1000"), "server_cpu_s_per_1000", min, 0, 1e-3)]
    print("| " + " | ".join(cells) + " |")
