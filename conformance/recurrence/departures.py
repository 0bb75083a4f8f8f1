"""Where a library departs from RFC 5545, or from what this server decides where the RFC leaves something open: a function a class, with the sentence.

A function recognises a class of rules by what the rule says, never one rule; its answer is asked for only where the library's instances are not the server's. Each rule
has to be held to one library at least.
"""

SMALL = ("HOURLY", "MINUTELY", "SECONDLY")
TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
DAYS = ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY")
DEPARTURES = []


def departure(*libraries):
    """The function below recognises a class for which these libraries are not held to; its text says why."""

    def enter(function):
        DEPARTURES.append((libraries, " ".join(function.__doc__.split()), function))
        return function

    return enter


def of(library, rule, parts):
    """The named rule that explains why a library says something else; None when none does."""
    return next((why for libraries, why, holds in DEPARTURES if library in libraries and holds(rule, parts)), None)


@departure("dateutil", "calcard")
def positions_in_plain_and_numbered_days(rule, parts):
    """"Each BYDAY value can also be preceded by a positive (+n) or negative (-n) integer": a list of days is their union, with and without a number; here it is their intersection."""
    days = parts.get("BYDAY", "").split(",")
    numbered = [day for day in days if len(day) > 2]
    return "BYSETPOS" in parts and 0 < len(numbered) < len(days)


@departure("libical")
def month_days_of_a_year(rule, parts):
    """The table of section 3.3.10 says "Expand" for BYMONTHDAY in a YEARLY rule: days of all months; here only of the month of DTSTART."""
    return parts["FREQ"] == "YEARLY" and "BYMONTHDAY" in parts and "BYMONTH" not in parts


@departure("libical")
def positions_in_sets_with_times(rule, parts):
    """"Each BYSETPOS value corresponds to the nth occurrence within the set of recurrence instances specified by the rule": here it counts days, and only of months and years."""
    return "BYSETPOS" in parts and (parts["FREQ"] not in ("MONTHLY", "YEARLY") or any(part in parts for part in TIMES) or not rule.synchronised or "BYDAY" not in parts)


@departure("libical")
def month_days_from_the_end(rule, parts):
    """"Valid values are 1 to 31 or -31 to -1": those from the end limit DAILY and shorter rules as well; here they are passed over."""
    return parts["FREQ"] in ("DAILY", *SMALL) and "-" in parts.get("BYMONTHDAY", "")


@departure("libical")
def weeks_by_number(rule, parts):
    """"Week number one of the calendar year is the first week that contains at least four (4) days in that calendar year", from the day that WKST says; here weeks begin otherwise, and
    without BYDAY the day is not that of DTSTART."""
    return "BYWEEKNO" in parts


@departure("libical")
def short_intervals_with_limits(rule, parts):
    """The table of section 3.3.10 says "Limit" for these parts in HOURLY and shorter rules: periods go on being counted by INTERVAL; here they are counted anew after a gap, or told twice."""
    return parts["FREQ"] in SMALL and any(part in parts for part in (*DAYS, *TIMES))


@departure("libical")
def begins_off_its_rule(rule, parts):
    """"The recurrence set generated with a DTSTART property value not synchronized with the recurrence rule is undefined": here the interval is counted from the first instance."""
    return not rule.synchronised
