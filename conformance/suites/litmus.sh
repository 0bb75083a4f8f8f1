# litmus: every test of every group passes, none is skipped, none warns.
. "$HERE/lib.sh"
cd "$WORK" || exit 1
litmus -k "${URL}files/$NAME/" "$NAME" "$PASSWORD" | tr '\r' '\n' | tee litmus.out
for group in basic copymove props locks http; do
  summary=$(grep "summary for \`$group'" litmus.out)
  check "$group: $summary" grep -q "summary for \`$group'.* 0 failed. 100.0%" litmus.out
done
equal "nothing is skipped" "$(grep -ciE 'skipp' litmus.out)" 0
equal "nothing warns" "$(grep -ci 'warning' litmus.out)" 0
finish
