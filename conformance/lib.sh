# What the suites share: a fresh server with one person, and checks that print `ok` or `not ok`.
# Sourced by each suite; sets URL, NAME, PASSWORD, DATA, PID.

NAME=marie
DATA=$WORK/data-$(basename "$0" .sh)

# check NAME COMMAND...: the command must succeed.
check() {
  local what=$1
  shift
  if "$@"; then echo "ok $what"; else echo "not ok $what"; FAILED=1; fi
}

# equal NAME ACTUAL EXPECTED
equal() {
  if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: got '$2', expected '$3'"; FAILED=1; fi
}

start() {
  "$BEFFROI" serve --data "$DATA" --listen "127.0.0.1:${PORT:-0}" >"$DATA.out" 2>"$DATA.err" &
  PID=$!
  for _ in $(seq 200); do
    URL=$(sed -n 's/^ready: //p' "$DATA.out")
    [ -n "$URL" ] && break
    sleep 0.05
  done
  [ -n "$URL" ] || { echo "not ok the server starts"; cat "$DATA.err"; exit 1; }
  HOST=${URL#http://} HOST=${HOST%/} PORT=${HOST##*:}
}

stop() {
  [ -n "${PID:-}" ] && kill -TERM "$PID" 2>/dev/null && wait "$PID" 2>/dev/null
  PID=
}

# Peak resident memory of the server, KiB.
peak() { sed -n 's/^VmHWM:\s*\([0-9]*\) kB/\1/p' "/proc/$PID/status"; }

finish() {
  stop
  [ -d "$DATA" ] && check "nothing is damaged" "$BEFFROI" check --data "$DATA"
  exit "${FAILED:-0}"
}

mkdir -p "$WORK"
"$BEFFROI" person add "$NAME" --display-name "Marie Curie" --email marie@ville.example --data "$DATA" || exit 1
PASSWORD=$("$BEFFROI" device add "$NAME" --label suite --data "$DATA" 2>/dev/null) || exit 1
trap stop EXIT
start
