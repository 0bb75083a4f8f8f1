# davfs2: a real mount, with locks. Nothing is listed there: version 1.6.1 cannot on some kernels.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
[ -e /dev/fuse ] || { echo "not ok /dev/fuse is needed to mount"; exit 1; }
mnt=$WORK/mnt
mkdir -p "$mnt"
address=${URL}files/$NAME/
echo "$address $NAME $PASSWORD" >davfs.secrets
chmod 600 davfs.secrets
printf 'secrets %s\nuse_locks 1\nask_auth 0\ndelay_upload 0\n' "$WORK/davfs.secrets" >davfs.conf
trap 'umount "$mnt" 2>/dev/null; stop' EXIT
check "mounted" mount -t davfs -o "conf=$WORK/davfs.conf" "$address" "$mnt"
remote() { curl -sS -u "$NAME:$PASSWORD" "$address$1"; }
head -c 3000000 /dev/urandom >davfs.bin
check "a new file" sh -c "echo bonjour >'$mnt/nouveau.txt'"
check "appended" sh -c "echo encore >>'$mnt/nouveau.txt'"
check "a folder" mkdir "$mnt/Réunions"
check "a larger file in it" cp davfs.bin "$mnt/Réunions/davfs.bin"
check "renamed" mv "$mnt/nouveau.txt" "$mnt/renommé.txt"
check "its size is right" test "$(stat -c %s "$mnt/renommé.txt")" = 15
check "safe save as vim does it" \
  sh -c "mv '$mnt/renommé.txt' '$mnt/renommé.txt~' && echo final >'$mnt/renommé.txt' && rm '$mnt/renommé.txt~'"
sync
check "unmounted" umount "$mnt"
equal "the text arrived" "$(remote 'renomm%C3%A9.txt')" "final"
remote 'R%C3%A9unions/davfs.bin' >davfs.back
check "the bytes arrived" cmp davfs.bin davfs.back
locks=$(curl -sS -u "$NAME:$PASSWORD" -X PROPFIND -H 'Depth: 1' "$address" | grep -c activelock)
equal "no lock is left" "$locks" 0
check "mounted again" mount -t davfs -o "conf=$WORK/davfs.conf" "$address" "$mnt"
equal "read back" "$(cat "$mnt/renommé.txt")" "final"
check "removed" rm "$mnt/renommé.txt"
check "unmounted again" umount "$mnt"
equal "gone" "$(curl -sS -o /dev/null -w '%{http_code}' -u "$NAME:$PASSWORD" "${address}renomm%C3%A9.txt")" 404
finish
