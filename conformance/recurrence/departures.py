"""Where a library departs from RFC 5545, or from what this server decides where the RFC leaves something open: a
function a class, with the sentence.

A function recognises a class of rules by what the rule says, never one rule; its answer is asked for only where the
library's instances are not the server's. Nearly each rule is held to one library at least: how many are not is told,
and bounded.
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
    """"Each BYDAY value can also be preceded by a positive (+n) or negative (-n) integer": a list of days is their
    union, with and without a number; here it is their intersection.
    """
    days = parts.get("BYDAY", "").split(",")
    numbered = [day for day in days if len(day) > 2]
    return "BYSETPOS" in parts and 0 < len(numbered) < len(days)


@departure("dateutil", "calcard")
def weeks_over_the_turn_of_a_year(rule, parts):
    """BYWEEKNO "corresponds to weeks according to week numbering as defined in ISO.8601.2004": the first and the
    last week of a year may reach into another one, and are of the year that numbers them, by which INTERVAL and
    BYSETPOS count; here their days are of the calendar's year, and some are not found from its other end.
    """
    return bool({"1", "-1", "52", "-52", "53", "-53"} & set(parts.get("BYWEEKNO", "").split(",")))


@departure("dateutil", "calcard")
def begins_in_a_week_of_another_year(rule, parts):
    """"The recurrence set generated with a "DTSTART" property value not synchronized with the recurrence rule is
    undefined": in a rule of weeks the years are counted here from that of the calendar, and by the server from the
    one that numbers the week of DTSTART.
    """
    return not rule.synchronised and not "0104" <= rule.start[4:8] <= "1228" and {"BYWEEKNO", "INTERVAL"} <= set(parts)


@departure("dateutil", "calcard")
def positions_in_the_first_week(rule, parts):
    """BYSETPOS "operates on a set of recurrence instances in one interval of the recurrence rule. For example, in a
    WEEKLY rule, the interval would be one week": also in the week of DTSTART; here that week begins with DTSTART.
    """
    return parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts


@departure("libical")
def month_days_of_a_year(rule, parts):
    """The table of section 3.3.10 says "Expand" for BYMONTHDAY in a YEARLY rule: days of all months; here only of
    the month of DTSTART.
    """
    return parts["FREQ"] == "YEARLY" and "BYMONTHDAY" in parts and "BYMONTH" not in parts


@departure("libical")
def positions_in_sets_with_times(rule, parts):
    """A BYSETPOS value "indicates the nth occurrence of the specific occurrence within the set of occurrences
    specified by the rule": here it counts days, and only of months and years.
    """
    return "BYSETPOS" in parts and (parts["FREQ"] not in ("MONTHLY", "YEARLY") or any(part in parts for part in TIMES)
        or not rule.synchronised or "BYDAY" not in parts)


@departure("libical")
def month_days_from_the_end(rule, parts):
    """"Valid values are 1 to 31 or -31 to -1": those from the end limit DAILY and shorter rules as well; here they
    are passed over.
    """
    return parts["FREQ"] in ("DAILY", *SMALL) and "-" in parts.get("BYMONTHDAY", "")


@departure("libical")
def weeks_by_number(rule, parts):
    """"Week number one of the calendar year is the first week that contains at least four (4) days in that calendar
    year", from the day that WKST says; here weeks begin otherwise, and without BYDAY the day is not that of DTSTART.
    """
    return "BYWEEKNO" in parts


@departure("libical")
def short_intervals_with_limits(rule, parts):
    """The table of section 3.3.10 says "Limit" for these parts in HOURLY and shorter rules: periods go on being
    counted by INTERVAL; here they are counted anew after a gap, or told twice.
    """
    return parts["FREQ"] in SMALL and any(part in parts for part in (*DAYS, *TIMES))


@departure("libical")
def months_in_weekly_rules(rule, parts):
    """The table of section 3.3.10 says "Limit" for BYMONTH in WEEKLY rules: weeks go on being counted by INTERVAL;
    here they are counted anew after months that are left out.
    """
    return parts["FREQ"] == "WEEKLY" and "BYMONTH" in parts and "INTERVAL" in parts


@departure("libical")
def weeks_that_begin_otherwise(rule, parts):
    """WKST "is significant when a WEEKLY "RRULE" has an interval greater than 1, and a BYDAY rule part is
    specified": here days before Monday are not of the week that WKST says.
    """
    return parts["FREQ"] == "WEEKLY" and {"INTERVAL", "WKST", "BYDAY"} <= set(parts)


@departure("calcard")
def minutes_of_some_hours(rule, parts):
    """The table of section 3.3.10 says "Limit" for BYHOUR in MINUTELY rules: minutes go on being counted by
    INTERVAL; here they are counted anew in each such hour.
    """
    return parts["FREQ"] in ("MINUTELY", "SECONDLY") and "INTERVAL" in parts and any(part in parts for part in TIMES)


@departure("calcard")
def begins_long_before_its_first_minute(rule, parts):
    """The table of section 3.3.10 says "Limit" for the BY parts in MINUTELY rules, however many minutes in a row
    they exclude; here the search ends after some hundred and tells nothing.
    """
    return parts["FREQ"] in ("MINUTELY", "SECONDLY") and not rule.synchronised and any(part in parts
        for part in (*DAYS, *TIMES))


@departure("libical")
def begins_off_its_rule(rule, parts):
    """"The recurrence set generated with a "DTSTART" property value not synchronized with the recurrence rule is
    undefined": here the interval is counted from the first instance.
    """
    return not rule.synchronised
