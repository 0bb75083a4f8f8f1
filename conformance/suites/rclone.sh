# rclone: a real tree of at least 5,000 files up, compared byte by byte, renamed, and back. It takes minutes because
# rclone itself spaces its calls by 10 ms.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
python3 "$HERE/tree.py" /usr/share /usr/lib/python3 /usr/lib/python3.11 /usr/include "$WORK/tree" 5100
count=$(find tree -type f | wc -l)
check "a tree of $count files" test "$count" -ge 5000
export RCLONE_CONFIG_B_TYPE=webdav RCLONE_CONFIG_B_URL=${URL}files/$NAME RCLONE_CONFIG_B_VENDOR=other
export RCLONE_CONFIG_B_USER=$NAME RCLONE_CONFIG_B_PASS RCLONE_CONFIG=$WORK/rclone.conf
RCLONE_CONFIG_B_PASS=$(rclone obscure "$PASSWORD")
: >"$RCLONE_CONFIG"
run() { rclone --transfers 8 --checkers 8 --retries 1 --low-level-retries 1 --stats 0 "$@"; }
started=$SECONDS
check "copied up" run copy tree B:tree
echo "note copied up in $((SECONDS - started)) s"
check "compared byte by byte" run check --download tree B:tree
check "a second copy changes nothing" test -z "$(run copy --size-only -v --use-json-log tree B:tree 2>&1 | grep Copied)"
check "renamed" run moveto B:tree B:renamed
check "copied back" run copy B:renamed back
check "the same tree" diff -r tree back
check "the space is shown" run about B:
check "purged" run purge B:renamed
# A folder asked in another spelling is listed, and never taken for empty: `sync` would empty the local one.
mkdir -p "few/L'équipe"
echo precious >"few/L'équipe/f.txt"
check "few copied up" run copy few B:Few
decomposed=$(python3 -c "import unicodedata; print(unicodedata.normalize('NFD', \"L'équipe\"))")
for spelled in "FEW/L'équipe" "few/L'ÉQUIPE" "Few/$decomposed"; do
  equal "$spelled is listed" "$(run lsf "B:$spelled")" f.txt
  mkdir -p mirror
  cp "few/L'équipe/f.txt" mirror/
  check "$spelled is mirrored" run sync "B:$spelled" mirror
  equal "and the local file stays" "$(cat mirror/f.txt)" precious
  rm -r mirror
done
finish
