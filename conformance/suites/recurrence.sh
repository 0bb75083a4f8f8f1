# recurrence: random rules expanded by the server, dateutil, libical and calcard; objects of real programs, by the
# server and recurring-ical-events; each asked for at its very instants. RULES and SEED set how many and which;
# DOWNLOADS keeps what is fetched from PyPI and npm.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
stop
printf '[feeds]\npast_days = 400\nfuture_days = 1200\n' >"$DATA/beffroi.toml"
start
export DATA
if [ ! -e /usr/include/libical/ical.h ] || ! command -v cc >/dev/null || ! command -v npm >/dev/null; then
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libical-dev gcc libc6-dev npm \
      >/dev/null || exit 1
fi
VENV=${RECURRENCE_VENV:-$WORK/venv-recurrence}
if ! "$VENV/bin/python" -c 'import recurring_ical_events, dateutil' 2>/dev/null; then
  python3 -m venv "$VENV" &&
    "$VENV/bin/pip" install -q recurring-ical-events==3.8.2 icalendar==7.3.0 python-dateutil==2.9.0.post0 || exit 1
fi
DOWNLOADS=${DOWNLOADS:-$WORK/downloads}
mkdir -p "$DOWNLOADS"
for package in icalendar==7.3.0 recurring-ical-events==3.8.2; do
  file=${package//-/_}
  [ -e "$DOWNLOADS/${file/==/-}.tar.gz" ] ||
    "$VENV/bin/pip" download -q --no-deps --no-binary :all: -d "$DOWNLOADS" "$package" || exit 1
done
# Later packages of ical.js and node-ical, which `ical` became, ship no calendars.
for package in ical.js@0.0.6 ical@0.8.0; do
  [ -e "$DOWNLOADS/${package/@/-}.tgz" ] || npm pack -s --pack-destination "$DOWNLOADS" "$package" >/dev/null || exit 1
done
check "libical's expander is built" cc -O2 -Wall -Wextra -Werror -o "$WORK/libical" "$HERE/recurrence/libical.c" -lical
check "calcard's expander is built" \
  cargo build -q --locked --manifest-path "$HERE/../Cargo.toml" --target-dir "$HERE/../target" --example calcard
ask() {
  local script=$1
  shift
  "$VENV/bin/python" "$HERE/recurrence/$script.py" "$HOST" "$NAME" "$PASSWORD" "$@" || FAILED=1
}
ask differential "${RULES:-20000}" "${SEED:-7}" "libical=$WORK/libical" "calcard=$HERE/../target/debug/examples/calcard"
ask questions "${OBJECTS:-900}" "${SEED:-7}"
ask files "$DOWNLOADS"/*gz
finish
