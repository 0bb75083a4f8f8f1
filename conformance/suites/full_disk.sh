# A disk that is full: 507 from every method that writes; reading, locks and what frees room go on, and no restart is
# needed once there is room again. Then a process that may open few files: 503. Needs root for the mount.
PLACE=$WORK/data-full_disk
mkdir -p "$PLACE"
mount -t tmpfs -o size=24m,mode=700 none "$PLACE" || { echo "not ok a small disk is mounted"; exit 1; }
trap 'stop; umount -l "$PLACE"' EXIT
. "$HERE/lib.sh"
trap 'stop; umount -l "$PLACE"' EXIT
cd "$WORK" || exit 1
top=${URL}files/$NAME
code() { curl -sS -o answer.txt -w '%{http_code}' -u "$NAME:$PASSWORD" "$@"; }
lockinfo='<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
patch='<propertyupdate xmlns="DAV:"><set><prop><k xmlns="u">v</k></prop></set></propertyupdate>'
head -c 3000000 /dev/urandom >large; head -c 60000 /dev/urandom >small
equal "a folder" "$(code -X MKCOL "$top/a")" 201
for name in one two three $(seq 120); do equal "a document" "$(code -T small "$top/a/$name")" 201; done
equal "a large one" "$(code -T large "$top/a/large")" 201
equal "a lock" "$(code -X LOCK --data "$lockinfo" "$top/a/three")" 200
for _ in $(seq 100); do [ "$(stat -c %s "$PLACE/beffroi.reserve" 2>/dev/null)" = 8388608 ] && break; sleep 0.1; done
equal "room is set aside" "$(stat -c '%s %a' "$PLACE/beffroi.reserve")" "8388608 600"
# Nothing is left, not even for the log of the database to grow.
fill() { cat /dev/zero >>"$PLACE/filler" 2>/dev/null; }
fill
equal "a large document finds no room" "$(code -T large "$top/other")" 507
check "and why is said" grep -q sufficient-disk-space answer.txt
other() { head -c 60000 /dev/urandom >small; }
for round in $(seq 40); do other; code -T small "$top/a/fill-$round" >/dev/null; fill; done
declare -A seen=() last=() others=(["a large document"]="" [LOCK]="" ["refresh of a lock"]="" [UNLOCK]="" [DELETE]=""
  [purge]="")
# go_on WHAT STATUS ARGUMENTS...: is to answer so; what else it answers is kept.
go_on() {
  local what=$1 right=$2 got
  shift 2
  got=$(code "$@")
  [ "$got" = "$right" ] || others[$what]+=" $got"
}
for round in $(seq 120); do
  fill
  for method in MKCOL PUT COPY MOVE PROPPATCH; do
    case $method in
      MKCOL) got=$(code -X MKCOL "$top/new-$round") ;;
      PUT) other; got=$(code -T small "$top/new-put-$round") ;;
      COPY) got=$(code -X COPY -H "Destination: $top/copy-$round" "$top/a") ;;
      MOVE) got=$(code -X MOVE -H "Destination: $top/a/moved-$round" "$top/a/one") ;;
      PROPPATCH) got=$(code -X PROPPATCH --data "$patch" "$top/a/two") ;;
    esac
    seen[$method]+=" $got"
    last[$method]=$got
  done
  # What is left of the room that was set aside is taken by others each time.
  stat -c 'note %s bytes are set aside' "$PLACE/beffroi.reserve"
  go_on "a large document" 507 -T large "$top/other-$round"
  fill
  go_on LOCK 201 -D head.txt -X LOCK --data "$lockinfo" "$top/locked-$round"
  token=$(sed -n 's/^lock-token: *\(<.*>\).*/\1/Ip' head.txt)
  fill
  go_on "refresh of a lock" 200 -X LOCK -H "If: ($token)" "$top/locked-$round"
  fill
  go_on UNLOCK 204 -X UNLOCK -H "Lock-Token: $token" "$top/locked-$round"
  fill
  go_on DELETE 204 -X DELETE "$top/a/$round"
  fill
  go_on purge 204 -X DELETE "${URL}trash/$NAME/$round"
done
for method in MKCOL PUT COPY PROPPATCH; do equal "$method waits in the end" "${last[$method]}" 507; done
for method in "${!others[@]}"; do
  check "on a full disk $method goes on as it is to:${others[$method]}" test -z "${others[$method]}"
done
for method in "${!seen[@]}"; do
  answers=$(tr ' ' '\n' <<<"${seen[$method]}" | sort | uniq -c | tr -s ' \n' ' ')
  check "$method never answers 500 on a full disk:$answers" \
    test -z "$(grep -o ' 5[0-689][0-9]' <<<"${seen[$method]} " | grep -v 507)"
done
equal "a document is read" "$(code "$top/a/two")" 200
equal "a large one, too" "$(code "$top/a/large")" 200
equal "a lock holds" "$(code -T small "$top/a/three")" 423
equal "a folder is listed" "$(code -X PROPFIND -H 'Depth: 1' "$top/a/")" 207
equal "a wrong password is refused" "$(curl -sS -o /dev/null -w '%{http_code}' -u "$NAME:no" "$top/")" 401
check "the room that is set aside is not used up by what is to wait" \
  test "$(stat -c %s "$PLACE/beffroi.reserve")" -gt 1000000
check "no error is logged" test "$(grep -c ERROR "$DATA.err")" = 0
rm "$PLACE/filler"
equal "there is room again" "$(code -T large "$top/again")" 201
equal "and all goes on" "$(code -X DELETE "$top/a/two")" 204
check "nothing is damaged while it runs" "$BEFFROI" check --data "$DATA"
stop
# Few files.
start
equal "a large document is read" "$(code "${URL}files/$NAME/again")" 200
python3 - "${URL#http://}" "$NAME" "$PASSWORD" "$PID" <<'PYTHON' || FAILED=1
import base64, http.client, os, subprocess, sys
host, name, password, process = sys.argv[1].strip("/"), *sys.argv[2:]
authorization = {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
def ask(k, method, path, body=None):
    k.request(method, path, body, authorization)
    r = k.getresponse()
    r.read()
    return r.status, r.headers.get("Retry-After")
first = http.client.HTTPConnection(host)
ask(first, "GET", f"/files/{name}/again")
def allow(files):
    subprocess.run(["prlimit", "--pid", process, f"--nofile={files}:"], check=True)
allow(next(n for n in range(1024) if not os.path.lexists(f"/proc/{process}/fd/{n}")))
ok = True
for what, got, right in (
    ("reading", ask(first, "GET", f"/files/{name}/again")[0], 503),
    ("writing", ask(first, "PUT", f"/files/{name}/more", b"x" * 200_000)[0], 503),
    ("when to ask again", ask(first, "GET", f"/files/{name}/again")[1] is not None, True),
    ("listing", ask(first, "PROPFIND", f"/files/{name}/")[0] in (207, 403), True),
):
    print(f"{'ok' if got == right else 'not ok'} {what} without files to open: {got}")
    ok &= got == right
allow(1024)
got = ask(first, "GET", f"/files/{name}/again")[0]
print(f"{'ok' if got == 200 else 'not ok'} files again: {got}")
sys.exit(0 if ok and got == 200 else 1)
PYTHON
finish
