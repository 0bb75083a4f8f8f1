# evolution: Evolution's own calendar code (evolution-data-server), without a screen: it discovers, reads, writes,
# synchronizes, invites, answers.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
if [ ! -x /usr/libexec/evolution-calendar-factory ] || [ ! -e /usr/lib/*/girepository-1.0/ECal-2.0.typelib ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    evolution-data-server gir1.2-ecal-2.0 gir1.2-edataserver-1.2 python3-gi dbus gnome-keyring >/dev/null || exit 1
fi
export HOME=$WORK/evolution-home XDG_RUNTIME_DIR=$WORK/evolution-run
unset DBUS_SESSION_BUS_ADDRESS DISPLAY XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" && chmod 700 "$XDG_RUNTIME_DIR"
check "a second person" "$BEFFROI" person add pierre --display-name "Pierre Curie" --email pierre@ville.example \
  --data "$DATA"
check "a room" "$BEFFROI" room add salle --display-name "Salle" --email salle@ville.example --data "$DATA"
OTHER=$("$BEFFROI" device add pierre --label suite --data "$DATA" 2>/dev/null)
timeout 300 dbus-run-session -- \
  /usr/bin/python3 "$HERE/suites/evolution.py" "$HOST" "$NAME" "$PASSWORD" pierre "$OTHER" 2>evolution.err || FAILED=1
[ "${FAILED:-0}" = 0 ] || tail -n 20 evolution.err
finish
