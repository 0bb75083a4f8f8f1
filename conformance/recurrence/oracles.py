"""Three libraries that expand recurrence rules, asked on local times without a zone, and the named rules about what
they get wrong.

Each library is given the rule without COUNT and UNTIL, which the suite applies itself, and answers with the first
instance and with those of a window (or the first few). Where one is known to depart from RFC 5545 for a class of
rules, a function in `DEPARTURES` recognises the class, beside the sentence that says what is right: its answer is
then not held against the server, and how often that was so is told.
"""

import datetime as dt
import re
import subprocess

import dateutil.rrule

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Over(Exception):
    """The window has been passed."""


class Bounded(dateutil.rrule._iterinfo):
    """dateutil's walk through the days, with an end: a rule that never fires is else followed up to the year 9999."""

    last = dt.date.max
    steps = 0

    def ydayset(self, year, month, day):
        return self.within(year, 1, 1) or super().ydayset(year, month, day)

    def mdayset(self, year, month, day):
        return self.within(year, month, 1) or super().mdayset(year, month, day)

    def wdayset(self, year, month, day):
        return self.within(year, month, day) or super().wdayset(year, month, day)

    def ddayset(self, year, month, day):
        return self.within(year, month, day) or super().ddayset(year, month, day)

    def within(self, year, month, day):
        Bounded.steps += 1
        if dt.date(year, month, day) > Bounded.last or Bounded.steps > STEPS:
            raise Over


# More than any rule of the suite needs up to the end of its window.
STEPS = 20_000
dateutil.rrule._iterinfo = Bounded


def local(text):
    return dt.datetime.strptime(text, "%Y%m%d" if len(text) == 8 else "%Y%m%dT%H%M%S")


def parts_of(rule):
    return dict(part.split("=", 1) for part in rule.split(";"))


def by_dateutil(start, rule, limit, first, last):
    """The same answer as the other two: first instance, and those in the window or the first `limit`."""
    return joined([one_by_dateutil(start, part, limit, first, last) for part in worded(rule, local(start))], limit)


def one_by_dateutil(start, rule, limit, first, last):
    day = len(start) == 8
    begins, ends, opens = local(start), local(last), local(first)
    Bounded.last, Bounded.steps = ends.date(), 0
    seen, found = None, []
    try:
        for at in dateutil.rrule.rrulestr(rule, dtstart=begins):
            if seen is None:
                seen = at
            if at >= ends:
                break
            if limit or at >= opens:
                found.append(at)
                if limit and len(found) >= limit:
                    break
    except Over:
        if Bounded.steps > STEPS:
            return "! too many steps", []
    except (ValueError, TypeError, KeyError) as fault:
        return f"! {fault}", []
    form = "%Y%m%d" if day else "%Y%m%dT%H%M%S"
    return (seen.strftime(form) if seen else ""), [at.strftime(form) for at in found]


def joined(answers, limit):
    """One answer of those to the parts of a rule."""
    unread = next((first for first, _ in answers if first.startswith("!")), None)
    if unread:
        return unread, []
    found = sorted({at for _, times in answers for at in times})
    return min((first for first, _ in answers if first), default=""), found[: limit or None]


def worded(rule, begins):
    """A rule in the words that dateutil, and calcard after it, take as RFC 5545 reads the original: one rule, or two
    of which it is the union.
    """
    parts = parts_of(rule)
    # "Information, not contained in the rule, necessary to determine the various recurrence instance start time and
    # dates are derived from the Start Time ("DTSTART") component attribute": BYWEEKNO alone is the weekday of DTSTART;
    # they take all seven days.
    if "BYWEEKNO" in parts and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & set(parts):
        parts["BYDAY"] = DAYS[begins.weekday()]
    # "Each BYDAY value can also be preceded by a positive (+n) or negative (-n) integer": days with and without a
    # number are one list; they take what is in both.
    days = parts.get("BYDAY", "").split(",")
    plain = [day for day in days if len(day) == 2]
    if plain and len(plain) < len(days) and "BYSETPOS" not in parts:
        return [told(parts | {"BYDAY": ",".join(some)}) for some in (plain, [day for day in days if len(day) > 2])]
    return [told(parts)]


def told(parts):
    return ";".join(f"{name}={value}" for name, value in parts.items())


def sorted_lists(rule):
    """A rule with its lists in order: libical tells the times of a day in the order of the lists, and BYSETPOS by
    that.
    """
    parts = parts_of(rule)
    for name in parts:
        if name.startswith("BY") and name != "BYDAY":
            parts[name] = ",".join(sorted(dict.fromkeys(parts[name].split(",")), key=int))
    return told(parts)


def by_calcard(program, questions):
    """The answers of calcard, in its words."""
    lines = [(f"{name}/{number}", start, part, *rest) for name, start, rule, *rest in questions for number,
        part in enumerate(worded(rule, local(start)))]
    answers = ask([program], lines)
    parts = {}
    for name, *_ in lines:
        parts.setdefault(name.split("/")[0], []).append(answers.get(name, ("! ended", [])))
    return {name: joined(parts[name], limit) for name, _, _, limit, *_ in questions}


def by_libical(program, questions):
    """The answers of libical, in its words."""
    return ask([program], [(name, start, sorted_lists(rule), *rest) for name, start, rule, *rest in questions])


def ask(command, lines):
    """The answers of a program, by the names of the questions."""
    done = subprocess.run(command, input="".join("\t".join(map(str, line)) + "\n" for line in lines),
        capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr[-500:]}")
    answers = {}
    for line in done.stdout.splitlines():
        name, first, *found = line.split("\t")
        answers[name] = (first, [at for at in found[0].split(",") if at] if found else [])
    return answers
