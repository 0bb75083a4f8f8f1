# A folder of 10,000 documents: listed in a stream, synchronized by the change, moved and deleted whatever its size.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
python3 - "$WORK/many" <<'PYTHON'
import os, sys
for folder, count in (("few", 100), ("many", 10_000)):
    os.makedirs(f"{sys.argv[1]}/{folder}")
    for n in range(count):
        with open(f"{sys.argv[1]}/{folder}/document {n:05}.txt", "w") as file:
            file.write(f"{folder} {n}\n")
PYTHON
check "imported beside the running server" "$BEFFROI" import files "/files/$NAME" "$WORK/many" --data "$DATA"
top=${URL}files/$NAME
ask() { curl -sS -u "$NAME:$PASSWORD" "$@"; }
ask -o /dev/null -X PROPFIND -H 'Depth: 1' "$top/few/"
before=$(peak)
first=$(ask -X PROPFIND -H 'Depth: 1' -o many.xml -w '%{time_starttransfer} %{time_total}' "$top/many/")
equal "all are listed" "$(grep -o '<D:response>' many.xml | wc -l)" 10001
for _ in $(seq 10); do ask -o /dev/null -X PROPFIND -H 'Depth: 1' "$top/many/"; done
grown=$(($(peak) - before))
check "memory stays flat (grew by $grown KiB)" test "$grown" -lt 16384
echo "note first byte and whole listing of 10,000: $first s"
report() {
  local body="<sync-collection xmlns=\"DAV:\"><sync-token>$1</sync-token><sync-level>1</sync-level>"
  ask -X REPORT --data "$body<prop><getetag/></prop></sync-collection>" "$top/many/"
}
wanted='<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>'
token=$(ask -X PROPFIND -H 'Depth: 0' --data "$wanted" "$top/many/" |
  sed -n 's/.*<D:sync-token>\(.*\)<\/D:sync-token>.*/\1/p')
ask -o /dev/null -X PUT --data changed "$top/many/document%2005000.txt"
report "$token" >sync.xml
equal "sync tells the one change" "$(grep -o '<D:response>' sync.xml | wc -l)" 1
check "and which" grep -q 'document%2005000.txt' sync.xml
# Rows of the past tell what an operation cost: one, however many documents the folder holds.
past() {
  python3 - "$DATA/beffroi.sqlite" <<'END'
import sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
print(database.execute("SELECT COUNT(*) FROM past").fetchone()[0])
END
}
seconds() { ask -o /dev/null -w '%{time_total}' "$@"; }
rows=$(past)
few=$(seconds -X MOVE -H "Destination: $top/few2/" "$top/few/")
many=$(seconds -X MOVE -H "Destination: $top/many2/" "$top/many/")
equal "two moves wrote two rows of the past" "$(($(past) - rows))" 2
echo "note MOVE of 100: $few s, of 10,000: $many s"
rows=$(past)
few=$(seconds -X DELETE "$top/few2/")
many=$(seconds -X DELETE "$top/many2/")
equal "two deletions wrote two" "$(($(past) - rows))" 2
echo "note DELETE of 100: $few s, of 10,000: $many s"
equal "gone" "$(ask -o /dev/null -w '%{http_code}' "$top/many2/")" 404
finish
