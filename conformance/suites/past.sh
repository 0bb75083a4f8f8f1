# What is no more, read by real clients: versions as plain files over rclone and a davfs2 mount, copied back; a folder
# of 10,000 documents and a document of 1,000 versions; the trash; the commands.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
[ -e /dev/fuse ] || { echo "not ok /dev/fuse is needed to mount"; exit 1; }
ask() { curl -sS -u "$NAME:$PASSWORD" "$@"; }
top=${URL}files/$NAME
put() { ask -o /dev/null -w '%{http_code}' -X PUT --data-binary "$2" "$top/$1"; }
equal "first version" "$(put 'Plan.txt' 'the first plan')" 201
equal "second version" "$(put 'Plan.txt' 'the second plan')" 204

export RCLONE_CONFIG_B_TYPE=webdav RCLONE_CONFIG_B_URL=$URL RCLONE_CONFIG_B_VENDOR=other
export RCLONE_CONFIG_B_USER=$NAME RCLONE_CONFIG_B_PASS RCLONE_CONFIG=$WORK/rclone-past.conf
RCLONE_CONFIG_B_PASS=$(rclone obscure "$PASSWORD")
: >"$RCLONE_CONFIG"
first=$(rclone lsf "B:history/$NAME/Plan.txt" | grep ' v1 ')
check "rclone lists versions with number and author" test "${first#* v1 }" = "Marie Curie.txt"
equal "and reads one" "$(rclone cat "B:history/$NAME/Plan.txt/$first")" "the first plan"
check "rclone copies it beside the document, on the server" \
  rclone copyto --retries 1 "B:history/$NAME/Plan.txt/$first" "B:files/$NAME/Plan ancien.txt"
equal "the copy has the old content" "$(ask "$top/Plan%20ancien.txt")" "the first plan"
escaped=$(python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(sys.argv[1]))' "$first")
equal "COPY over the document" \
  "$(ask -o /dev/null -w '%{http_code}' -X COPY -H "Destination: $top/Plan.txt" \
    "${URL}history/$NAME/Plan.txt/$escaped")" 204
equal "the document has the old content" "$(ask "$top/Plan.txt")" "the first plan"
equal "as a third version" "$(rclone lsf "B:history/$NAME/Plan.txt" | wc -l)" 3
check "history cannot be written" \
  sh -c "! rclone copyto --retries 1 --low-level-retries 1 '$0' 'B:history/$NAME/new.txt' 2>/dev/null"

mnt=$WORK/mnt-past
mkdir -p "$mnt"
echo "$URL $NAME $PASSWORD" >davfs-past.secrets
chmod 600 davfs-past.secrets
printf 'secrets %s\nuse_locks 1\nask_auth 0\ndelay_upload 0\n' "$WORK/davfs-past.secrets" >davfs-past.conf
trap 'umount "$mnt" 2>/dev/null; stop' EXIT
check "history is mounted" mount -t davfs -o "conf=$WORK/davfs-past.conf" "$URL" "$mnt"
second=$(rclone lsf "B:history/$NAME/Plan.txt" | grep ' v2 ')
equal "an old version opens" "$(cat "$mnt/history/$NAME/Plan.txt/$second")" "the second plan"
check "and is copied back" cp "$mnt/history/$NAME/Plan.txt/$second" "$mnt/files/$NAME/Plan.txt"
today=@$(date +%F)
equal "the tree of today opens" "$(cat "$mnt/history/$NAME/$today/Plan.txt" | wc -c | tr -d ' ')" 15
check "unmounted" umount "$mnt"
equal "the copy arrived" "$(ask "$top/Plan.txt")" "the second plan"

python3 - "$WORK/past-many" <<'PYTHON'
import os, sys
os.makedirs(f"{sys.argv[1]}/many")
for n in range(10_000):
    with open(f"{sys.argv[1]}/many/document {n:05}.txt", "w") as file:
        file.write(f"{n}\n")
PYTHON
check "10,000 documents" "$BEFFROI" import files "/files/$NAME" "$WORK/past-many" --data "$DATA"
whole() { ask -X PROPFIND -H 'Depth: 1' -o past.xml -w '%{time_total}' "$1"; }
count() { grep -o '<D:response>' past.xml | wc -l; }
best() { for _ in 1 2 3 4 5; do whole "$1"; echo; done | sort -n | head -1; }
files=$(best "$top/many/")
equal "all are listed in /files" "$(count)" 10001
mirror=$(best "${URL}history/$NAME/many/")
equal "all are listed in /history" "$(count)" 10001
day=$(best "${URL}history/$NAME/$today/many/")
equal "all are listed in the tree of today" "$(count)" 10001
echo "note listing 10,000: /files $files s, /history $mirror s, /history/$today $day s"
check "at the speed of /files" python3 -c "import sys; sys.exit(not max($mirror, $day) < 2 * $files)"

python3 - "$URL" "$NAME" "$PASSWORD" <<'PYTHON'
import base64, http.client, sys
url, name, password = sys.argv[1:]
client = http.client.HTTPConnection(url.split("//")[1].strip("/"))
head = {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
for n in range(1000):
    client.request("PUT", f"/files/{name}/often.txt", f"version {n}", head)
    client.getresponse().read()
PYTHON
listing=$(best "${URL}history/$NAME/often.txt/")
equal "1,000 versions are listed" "$(count)" 1001
echo "note listing 1,000 versions: $listing s"

equal "deleted" "$(ask -o /dev/null -w '%{http_code}' -X DELETE "$top/many/")" 204
equal "it lies in the trash" "$(rclone lsf "B:trash/$NAME")" "many/"
equal "put back" \
  "$(ask -o /dev/null -w '%{http_code}' -X MOVE -H "Destination: $top/many/" "${URL}trash/$NAME/many/")" 201
whole "$top/many/" >/dev/null
equal "with all its documents" "$(count)" 10001

equal "the command lists versions" \
  "$("$BEFFROI" versions "/files/$NAME/Plan.txt" --json --data "$DATA" | grep -c '"version"')" 4
check "the command restores one" "$BEFFROI" restore-version "/files/$NAME/Plan.txt" 1 --data "$DATA"
equal "it is there" "$(ask "$top/Plan.txt")" "the first plan"
sleep 2
moment=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 2
put 'Plan.txt' 'a mistake' >/dev/null
ask -o /dev/null -X DELETE "$top/often.txt"
check "a dry rewind says what it would do" \
  sh -c "'$BEFFROI' rewind '/files/$NAME' --to $moment --dry-run --data '$DATA' | grep -q often.txt"
equal "and does nothing" "$(ask "$top/Plan.txt")" "a mistake"
check "rewound" "$BEFFROI" rewind "/files/$NAME" --to "$moment" --data "$DATA"
equal "the content is back" "$(ask "$top/Plan.txt")" "the first plan"
equal "so is what was deleted" "$(ask -o /dev/null -w '%{http_code}' "$top/often.txt")" 200
finish
