# caldav: the caldav library of Python, its server tester, and vdirsyncer with khal's own storage, all from PyPI.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
VENV=${CALDAV_VENV:-$WORK/venv-caldav}
if [ ! -x "$VENV/bin/khal" ]; then
  python3 -m venv "$VENV" && "$VENV/bin/pip" install -q \
    caldav==3.6.0 caldav-server-tester==1.7.0 vdirsyncer==0.21.0 vobject==0.9.9 khal==0.14.1 || exit 1
fi
export HOME=$WORK/caldav-home
mkdir -p "$HOME"

# What the tester asks of scheduling takes a second person, who is invited.
check "a second person" "$BEFFROI" person add pierre --display-name "Pierre Curie" --email pierre@ville.example \
  --data "$DATA"
cat >caldav.json <<CONF
{"pierre": {"caldav_url": "$URL", "caldav_username": "pierre",
  "caldav_password": "$("$BEFFROI" device add pierre --label suite --data "$DATA" 2>/dev/null)"}}
CONF
CALDAV_CONFIG_FILE=$WORK/caldav.json "$VENV/bin/caldav-server-tester" --verbose --format text --caldav-url "$URL" \
  --caldav-username "$NAME" --caldav-password "$PASSWORD" --config-section pierre >tester.txt 2>tester.err
"$VENV/bin/python" - tester.txt <<'PYTHON'
import re, sys
# Each with its reason; anything else that is not full is a fault of ours.
OUTSIDE = {
    "create-calendar.auto": "a calendar is made by MKCALENDAR, not by using its address",
    "url.encode-at.literal.principal": "no name of a person holds an @",
    "url.encode-at.identity":
        "@ and %40 are the same address (RFC 3986 section 6.2.2.2), so a second object cannot be put there",
    "search.text.comp-type-optional":
        "a property filter on VCALENDAR asks of the properties of VCALENDAR (RFC 4791 section 9.7.2)",
    "scheduling.schedule-tag.stable-partstat":
        "it asks that an attendee's own PUT keeps the tag, which must change it (RFC 6638 section 3.2.10, rule 3)",
    "well-known": "the tester does not ask it on this machine",
}
text = open(sys.argv[1]).read()
found = re.findall(r"^## (\S+)\nFeature support level found: (.*)((?:\n.+)*)", text, re.M)
if len(found) < 95:
    print("not ok the tester looked at", len(found), "features only")
for name, support, more in found:
    if support == "full" or (support == "?" and "value=True" in more):
        print("ok", name)
    elif name in OUTSIDE:
        print("outside", name, "-", OUTSIDE[name])
    else:
        print("not ok", name, support, more.strip()[:500])
PYTHON

# vdirsyncer: two folders on this machine and a calendar of ours kept equal, with changes from both sides.
COUNT=${EVENTS:-5000}
mkdir -p one two status
"$VENV/bin/python" - "$COUNT" <<'PYTHON'
import sys
for number in range(int(sys.argv[1])):
    day, hour = number % 28 + 1, number % 24
    rule = "RRULE:FREQ=WEEKLY;COUNT=10\r\n" if number % 20 == 0 else ""
    open(f"one/e{number}.ics", "w", newline="").write(
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Suite//EN\r\nBEGIN:VEVENT\r\nUID:e{number}\r\n"
        "DTSTAMP:20260101T000000Z\r\n"
        f"DTSTART;TZID=Europe/Paris:202601{day:02}T{hour:02}0000\r\nDURATION:PT1H\r\n{rule}SUMMARY:Réunion {number}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
PYTHON
cat >vdirsyncer.conf <<CONF
[general]
status_path = "$WORK/status/"
[pair first]
a = "one"
b = "ours"
collections = [["c", "c", "$NAME"]]
conflict_resolution = "b wins"
[pair second]
a = "two"
b = "ours"
collections = [["c", "c", "$NAME"]]
conflict_resolution = "b wins"
[storage one]
type = "filesystem"
path = "$WORK/one"
fileext = ".ics"
[storage two]
type = "filesystem"
path = "$WORK/two"
fileext = ".ics"
[storage ours]
type = "caldav"
url = "$URL"
username = "$NAME"
password = "$PASSWORD"
CONF
sed -i "s|\[\[\"c\", \"c\", \"$NAME\"\]\]|null|
  s|url = \"$URL\"|url = \"${URL}calendars/$NAME/personal/\"|" vdirsyncer.conf
sync() { "$VENV/bin/vdirsyncer" -c vdirsyncer.conf -v WARNING "$@"; }
yes | sync discover >discover.log 2>&1
check "5,000 events go up" sync sync first
check "and down to another machine" sync sync second
equal "as many there as here" "$(ls two | wc -l)" "$COUNT"
sed -i 's/SUMMARY:Réunion 7$/SUMMARY:Changée ici/; s/SUMMARY:Réunion 7\r/SUMMARY:Changée ici\r/' one/e7.ics
rm one/e8.ics
first=$(ls two | head -n 1)
sed -i 's/SUMMARY:[^\r]*/SUMMARY:Changée là/' "two/$first"
rm "two/$(ls two | sed -n 2p)"
for round in 1 2; do
  check "round $round, one" sync sync first
  check "round $round, two" sync sync second
done
sums() {
  for file in "$1"/*.ics; do
    grep -E '^(UID|SUMMARY)' "$file" | tr -d '\r' | sort | tr '\n' ' '
    echo
  done | sort | sha256sum
}
check "both changes arrived" grep -qr 'Changée ici' two
check "from both sides" grep -qr 'Changée là' one
equal "two events are gone" "$(ls one | wc -l)" "$((COUNT - 2))"
cat >khal.conf <<CONF
[calendars]
[[ours]]
path = $WORK/two
[locale]
local_timezone = Europe/Paris
default_timezone = Europe/Paris
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[sqlite]
path = $WORK/khal.db
CONF
"$VENV/bin/khal" -c khal.conf list --format '{title}' --day-format '' 2026-01-03 1d >khal.txt 2>khal.err
expected=$(grep -lE 'DTSTART;TZID=Europe/Paris:20260103' two/*.ics | wc -l)
equal "khal shows a day of it" "$(grep -c . khal.txt)" "$expected"
equal "both sides are equal" "$(sums one)" "$(sums two)"
finish
