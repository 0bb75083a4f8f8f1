"""Copies files of this machine into a tree whose names every client can open: SOURCE... TARGET COUNT."""

import os
import shutil
import sys

*sources, target, count = sys.argv[1:]
count = int(count)
taken = 0
folded = set()
for source in sources:
    for folder, folders, files in os.walk(source):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            relative = os.path.join(os.path.basename(source), os.path.relpath(path, source))
            ok = all(c not in '<>:"\\|?*' and ord(c) >= 32 for c in relative) and not any(
                part.endswith((".", " ")) or part.split(".")[0].lower() in ("con", "prn", "aux", "nul")
                for part in relative.split("/")
            )
            # One spelling for each folder and file, whatever its case.
            prefixes = [relative[: i or None].lower() for i in range(len(relative)) if relative[i] == "/"]
            if not ok or os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > 2_000_000:
                continue
            if relative.lower() in folded or any(p in folded and p not in prefixes for p in [relative.lower()]):
                continue
            parent = os.path.dirname(os.path.join(target, relative))
            if not os.path.isdir(parent):
                there = {}
                walk = target
                clash = False
                for part in os.path.dirname(relative).split("/"):
                    if os.path.isdir(walk):
                        there = {entry.lower(): entry for entry in os.listdir(walk)}
                        clash = clash or there.get(part.lower(), part) != part
                    walk = os.path.join(walk, part)
                if clash:
                    continue
            folded.add(relative.lower())
            os.makedirs(parent, exist_ok=True)
            shutil.copyfile(path, os.path.join(target, relative))
            taken += 1
            if taken == count:
                sys.exit(0)
