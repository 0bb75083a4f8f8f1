# field: what people's programs send, and what was lost or answered wrongly; a file of conformance/field a subject.
mkdir -p "$WORK"
AT_ONCE=${AT_ONCE:-2} exec python3 "$HERE/probe.py" field
