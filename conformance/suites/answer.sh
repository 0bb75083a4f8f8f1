# answer: the pages on which people without an account answer, by the links that they are mailed: in Debian's Chromium
# (playwright-core), with axe-core and html-validate, from npm. The tools and their licences: conformance/TOOLS.md.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
if ! command -v chromium >/dev/null || ! command -v npm >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium nodejs npm >/dev/null || exit 1
fi
export NODE_HOME=${NODE_HOME:-$WORK/node}
if [ ! -d "$NODE_HOME/node_modules/axe-core" ]; then
  mkdir -p "$NODE_HOME" && echo '{ "private": true }' >"$NODE_HOME/package.json"
  (cd "$NODE_HOME" && npm install --silent --no-audit --no-fund --save-exact \
    playwright-core@1.65.1 axe-core@4.14.1 html-validate@11.21.1) || exit 1
fi

python3 "$HERE/answer/sink.py" "$WORK/mails" >sink.port &
SINK=$!
trap 'kill "$SINK" 2>/dev/null; stop' EXIT
for _ in $(seq 100); do [ -s sink.port ] && break; sleep 0.05; done
stop
cat >"$DATA/beffroi.toml" <<CONF
[server]
public_url = "http://$HOST"
[mail]
domain = "agenda.ville.example"
smtp = "smtp://127.0.0.1:$(cat sink.port)"
CONF
check "a project" "$BEFFROI" project add tram --display-name "Tramway" --data "$DATA"
check "its lead" "$BEFFROI" project member add tram "$NAME" --role lead --data "$DATA"
start

ask() { curl -s -o /dev/null -w '%{http_code}' -u "$NAME:$PASSWORD" "$@"; }
at() { echo "${URL}calendars/tram/meetings/$1.ics"; }
stored() { curl -s -u "$NAME:$PASSWORD" "$(at "$1")" | sed ':a;N;$!ba;s/\r\n //g'; }
tag() { curl -s -I -u "$NAME:$PASSWORD" "$(at "$1")" | sed -n 's/^etag: *//Ip'; }
# meeting NAME TITLE MORE-LINES: with one person from outside.
meeting() {
  printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:-//suite//EN BEGIN:VEVENT "UID:$1" DTSTAMP:20260101T000000Z \
    "DTSTART;TZID=Europe/Paris:20990302T090000" "DTEND;TZID=Europe/Paris:20990302T103000" "SUMMARY:$2" \
    "LOCATION:Salle Jaurès" "DESCRIPTION:Ordre du jour :\\nbudget" ${3:+"$3"} \
    "ORGANIZER;CN=Tramway:mailto:tram@agenda.ville.example" "ATTENDEE;RSVP=TRUE;CN=Paul:mailto:paul@dehors.example" \
    END:VEVENT END:VCALENDAR |
    ask -T - -H 'Content-Type: text/calendar' "$(at "$1")"
}
equal "a meeting" "$(meeting open-fr 'Comité de pilotage')" 201
equal "another" "$(meeting open-en 'Steering committee')" 201
equal "a series" "$(meeting series 'Point hebdomadaire' 'RRULE:FREQ=WEEKLY;COUNT=10')" 201
equal "a meeting to be called off" "$(meeting cancelled 'Visite du chantier')" 201
HOSTILE='<script>alert(1)</script>"><img src=x onerror=alert(1)>'$'\xe2\x80\xae'
equal "a hostile meeting" "$(meeting hostile "$HOSTILE")" 201
mails() { ls "$WORK/mails" 2>/dev/null | wc -l; }
for _ in $(seq 300); do [ "$(mails)" -ge 5 ] && break; sleep 0.2; done
equal "they are mailed" "$(mails)" 5
check "a meeting is called off" test "$(ask -X DELETE "$(at cancelled)")" = 204
for _ in $(seq 300); do [ "$(mails)" -ge 6 ] && break; sleep 0.2; done
check "each mail has its links" python3 "$HERE/answer/links.py" "$WORK/mails" "${URL%/}" >links.txt
link() { sed -n "s/^$1 //p" links.txt; }
for one in open-fr open-en series cancelled hostile; do
  check "one link about $one" test "$(link "$one" | wc -w)" = 1
done

# A program that looks at mail follows each link, and changes nothing.
before=$(tag open-fr)
for method in GET HEAD; do
  for query in '' '?answer=accepted' '?answer=tentative' '?answer=declined'; do
    option=$([ "$method" = HEAD ] && echo -I || echo -XGET)
    equal "$method $query" "$(curl -s -o /dev/null -w '%{http_code}' "$option" "$(link open-fr)$query")" 200
  done
done
equal "nothing was changed" "$(tag open-fr)" "$before"
check "nor answered" grep -q 'PARTSTAT=NEEDS-ACTION\|RSVP=TRUE' <<<"$(stored open-fr)"

cat >cases.json <<JSON
{ "open-fr": "$(link open-fr)", "open-en": "$(link open-en)", "series": "$(link series)",
  "cancelled": "$(link cancelled)", "hostile": "$(link hostile)",
  "unknown": "${URL}answer/0000000000000000000000000000000000000000000000000000000000000000" }
JSON
timeout 1500 node "$HERE/answer/pages.mjs" cases.json || FAILED=1
now=$(stored open-fr)
check "the answer is in the organizer's object" grep -q 'PARTSTAT=DECLINED.*paul@dehors' <<<"$now"
check "and what was written with it" grep -q 'COMMENT.*Je suis en congé' <<<"$now"
check "no link is in the log" test -z "$(grep -F "$(link open-fr | sed 's/.*answer.//')" "$DATA.err" "$DATA.out")"
finish
