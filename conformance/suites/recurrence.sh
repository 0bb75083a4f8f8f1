# recurrence: thousands of generated objects, and a thousand of real programs, expanded by the server and by recurring-ical-events (with dateutil, from PyPI).
. "$HERE/lib.sh"
cd "$WORK" || exit 1
VENV=${RECURRENCE_VENV:-$WORK/venv-recurrence}
if ! "$VENV/bin/python" -c 'import recurring_ical_events' 2>/dev/null; then
  python3 -m venv "$VENV" && "$VENV/bin/pip" install -q recurring-ical-events==3.8.2 icalendar==7.3.0 || exit 1
fi
"$VENV/bin/python" "$HERE/suites/recurrence.py" "$HOST" "$NAME" "$PASSWORD" "${OBJECTS:-3000}" "${SEED:-7}" || FAILED=1
"$VENV/bin/python" "$HERE/suites/real.py" "$HOST" "$NAME" "$PASSWORD" || FAILED=1
finish
