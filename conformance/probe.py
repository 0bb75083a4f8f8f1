"""Runs the probes of folders, each with a server of its own: FOLDER... [NAME...]; a name is a file's, or
`file.function`; with a minus before it, that one is left out.

Prints `ok` and `not ok` lines like every suite. AT_ONCE files run side by side: what measures nothing may.
"""

import importlib
import io
import multiprocessing
import os
import sys
import time
import traceback
from contextlib import redirect_stdout

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]
import lab


def run(file, wanted=None, left_out=()):
    """The probes of one file; what they printed, and whether all was right."""
    folder, name = file
    sys.path[:0] = [os.path.join(HERE, folder)]
    lab.PROBES.clear()
    importlib.import_module(name)
    printed, good = io.StringIO(), True
    for function, source, rule, settings in list(lab.PROBES):
        if wanted and function.__name__ not in wanted or f"{name}.{function.__name__}" in left_out:
            continue
        started, heard = time.monotonic(), io.StringIO()
        one = lab.Lab(settings)
        with redirect_stdout(heard):
            try:
                one.start()
                function(one)
            except Exception as fault:
                last = traceback.extract_tb(fault.__traceback__)[-1]
                one.say(False, f"{type(fault).__name__}: {fault} at line {last.lineno} of "
                    f"{os.path.basename(last.filename)}")
            finally:
                one.close()
        good &= not one.failed
        label = f"{name}.{function.__name__}"
        for line in heard.getvalue().splitlines():
            word = next((word for word in ("not ok ", "ok ", "note ") if line.startswith(word)), "")
            printed.write(f"{word}{label}: {line[len(word):]}\n")
        if one.failed:
            printed.write(f"   {label} shows: {rule} ({source})\n")
        if os.environ.get("TIMES"):
            printed.write(f"   {label} took {time.monotonic() - started:.1f} s\n")
        if not multiprocessing.parent_process():
            sys.stdout.write(printed.getvalue())
            sys.stdout.flush()
            printed = io.StringIO()
    return printed.getvalue(), good


def main():
    folders = [word for word in sys.argv[1:] if os.path.isdir(os.path.join(HERE, word))]
    left_out = [word[1:] for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if word not in folders and not word.startswith("-")]
    files = [(folder, name[:-3]) for folder in folders for name in sorted(os.listdir(os.path.join(HERE, folder)))
        if name.endswith(".py")]
    wanted = {}
    for name in names:
        file, _, function = name.partition(".")
        wanted.setdefault(file, set()).update([function] if function else [])
    if wanted:
        files = [file for file in files if file[1] in wanted]
    lab.Lab.prepare()
    good = bool(files)
    side_by_side = int(os.environ.get("AT_ONCE", "1"))
    jobs = [(file, wanted.get(file[1]), left_out) for file in files]
    if side_by_side == 1:
        for job in jobs:
            good &= run(*job)[1]
    else:
        with multiprocessing.Pool(side_by_side, maxtasksperchild=1) as pool:
            for result in [pool.apply_async(run, job) for job in jobs]:
                printed, fine = result.get()
                sys.stdout.write(printed)
                sys.stdout.flush()
                good &= fine
    sys.exit(not good)


main()
