#!/bin/bash
# onair beside its peers, in one session and in turn; prints one table with ratios. README.md says what is needed.
# usage: bench/run.sh [rounds] [fanout] [commit]; WORK keeps what it wrote, ONAIR is the program.
set -u
here=$(cd "$(dirname "$0")" && pwd)
rounds=${1:-2}
[ $# -gt 0 ] && shift
parts=${*:-fanout commit}
onair=${ONAIR:-$here/../target/release/onair}
fanout=${FANOUT_TARGET:-$here/fanout/target}/release
commit=${COMMIT_TARGET:-$here/commit/target}/release
work=${WORK:-$here/.bench}
results=$work/results.jsonl
mkdir -p "$work"
ulimit -n 60000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
needed=("$onair" redis-server)
case $parts in *fanout*) needed+=("$fanout/fanout" nats-server) ;; esac
case $parts in *commit*) needed+=("$commit/commit-peers") ;; esac
for program in "${needed[@]}"; do
  command -v "$program" >/dev/null || { echo "there is no $program: see README.md" >&2; exit 1; }
done

# A server on one core and the generator on the other, first in line where that is allowed.
first() { if nice -n -20 true 2>/dev/null; then nice -n -20 "$@"; else "$@"; fi; }
pid=
# Begins a server on these cores; its id is in $pid.
begin() {
  local cores=$1
  shift
  rm -rf "$work/data"
  mkdir -p "$work/data"
  if nice -n -20 true 2>/dev/null; then
    nice -n -20 taskset -c "$cores" "$@" >"$work/server.log" 2>&1 &
  else
    taskset -c "$cores" "$@" >"$work/server.log" 2>&1 &
  fi
  pid=$!
}
# Waits until something listens on a port.
listens() {
  for _ in $(seq 400); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.05
  done
  echo "nothing listens on $1: $(tail -1 "$work/server.log")" >&2
  return 1
}
finish() {
  [ -n "$pid" ] || return 0
  kill "$pid" 2>/dev/null
  for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.05; done
  kill -9 "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  pid=
}
trap finish EXIT

serve() { echo "$onair serve --data $work/data/onair --listen 127.0.0.1:$1 --metrics-listen 127.0.0.1:$2"; }

# One cell of fan-out: a server by name, so many subscribers.
fan() {
  local name=$1 n=$2 port=9001 dialect=ws more=() window=16
  [ "$n" -le 1000 ] && window=32
  case $name in
    raw) begin 1 "$fanout/rawserver" 9001 ;;
    raw-batch2ms) begin 1 "$fanout/rawserver" 9001 --batch-us 2000 ;;
    raw-batch10ms) begin 1 "$fanout/rawserver" 9001 --batch-us 10000 ;;
    axum) port=9002; begin 1 "$fanout/axumserver" 9002 ;;
    nats-ws) port=9022 dialect=natsws; more=(--pub-addr 127.0.0.1:9021); begin 1 nats-server -c "$here/fanout/peers/nats.conf" ;;
    redis) port=9041 dialect=redis; begin 1 redis-server "$here/fanout/peers/redis.conf" ;;
    onair) port=9061 dialect=onair; TOKIO_WORKER_THREADS=1 begin 1 $(serve 9061 9063) ;;
    onair-sse) port=9061 dialect=onairsse; TOKIO_WORKER_THREADS=1 begin 1 $(serve 9061 9063) ;;
  esac
  # Those that do not merge only queue longer with a wider window.
  case $name in raw | axum) [ "$n" -gt 100 ] && window=4 ;; esac
  if listens "$port"; then
    sleep 0.5
    first timeout -k 2 90 taskset -c 0 "$fanout/fanout" --name "$name" --n "$n" --win "$window" --pids "$pid" \
      --dialect "$dialect" --addr "127.0.0.1:$port" "${more[@]}" --phases storm,low,cap \
      --low-secs 3 --cap-secs 3 >>"$results" 2>>"$work/errors.log"
  fi
  finish
}

# What `commit-peers` says of a server: its kind, then seconds, clients, productions and how many under way.
peer() {
  local name=$1 kind=$2 port=$3 said
  shift 3
  said=$(timeout 90 "$commit/commit-peers" "$kind" "127.0.0.1:$port" "$1" "$2" "$3" "$pid" "$4" 2>>"$work/errors.log")
  [ -n "$said" ] && echo "{\"commit\":\"$name\",\"said\":$said}" >>"$results"
}

durable() {
  begin 0,1 redis-server --port 46379 --bind 127.0.0.1 --dir "$work/data" --save "" --appendonly yes --appendfsync always
  if listens 46379; then
    peer redis-always redis 46379 5 64 64 1
    peer redis-always redis 46379 5 64 1 1
  fi
  finish
  begin 0,1 $(serve 9061 9063)
  if listens 9061; then
    sleep 0.5
    ONAIR_TOKEN=$(cat "$work/data/onair/admin.token")
    export ONAIR_TOKEN
    peer onair-cas onair 9061 5 64 64 1
    peer onair-cas onair 9061 5 64 1 1
    peer onair-put onair-put 9061 5 64 64 1
    peer onair-put onair-put 9061 5 64 1 1
    peer onair-put onair-put 9061 5 64 64 16
    local said
    for flags in "--productions 64" "--productions 1" "--productions 64 --in-flight 16"; do
      said=$("$onair" bench commits $flags --seconds 5 --server http://127.0.0.1:9061 --json 2>>"$work/errors.log")
      [ -n "$said" ] && echo "{\"commit\":\"onair bench $flags\",\"bench\":$said}" >>"$results"
    done
  fi
  finish
  for store in log fjall; do
    rm -rf "$work/data"
    echo "{\"commit\":\"$store\",\"embed\":$("$commit/commit-embed" group $store "$work/data" 4 64 64)}" >>"$results"
  done
}

: >"$results"
for round in $(seq "$rounds"); do
  echo "round $round of $rounds, load $(cut -d' ' -f1-3 /proc/loadavg)" >&2
  case $parts in *fanout*)
    for n in ${SUBSCRIBERS:-1000 5000}; do
      for name in ${SERVERS:-raw raw-batch2ms raw-batch10ms axum nats-ws redis onair onair-sse}; do fan "$name" "$n"; done
    done ;;
  esac
  case $parts in *commit*) durable ;; esac
done
rm -rf "$work/data"
python3 "$here/table.py" "$results"
