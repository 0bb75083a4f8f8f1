/* What libical makes of recurrence rules, on local times without a zone. Reads lines `NAME DTSTART RULE LIMIT FROM TO`
 * with tabs between them, and answers each with `NAME FIRST INSTANCES`: the first instance, and those in [FROM, TO),
 * or the first LIMIT where that is not 0; `NAME ! REASON` for a rule that it does not read, or does not come to an end
 * of. Each is asked in a process of its own. */
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct itimerval PATIENCE = {{0, 0}, {0, 50000}};

static void answer(char *part[]) {
    struct icaltimetype start = icaltime_from_string(part[1]);
    struct icalrecurrencetype rule = icalrecurrencetype_from_string(part[2]);
    long limit = atol(part[3]), found = 0;
    icalrecur_iterator *all = rule.freq == ICAL_NO_RECURRENCE ? NULL : icalrecur_iterator_new(rule, start);
    if (!all) {
        printf("%s\t! %s\n", part[0], icalerror_perror());
        return;
    }
    const char *between = "\t";
    printf("%s\t", part[0]);
    for (;;) {
        struct icaltimetype at = icalrecur_iterator_next(all);
        if (icaltime_is_null_time(at))
            break;
        char text[64];
        int length = snprintf(text, sizeof text, "%04d%02d%02d", at.year, at.month, at.day);
        if (!at.is_date)
            snprintf(text + length, sizeof text - length, "T%02d%02d%02d", at.hour, at.minute, at.second);
        if (!found++)
            fputs(text, stdout);
        if (strcmp(text, part[5]) >= 0)
            break;
        if (limit || strcmp(text, part[4]) >= 0) {
            printf("%s%s", between, text);
            between = ",";
        }
        if (limit && found >= limit)
            break;
    }
    printf("\n");
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    static char whole[1 << 20];
    setvbuf(stdout, whole, _IOFBF, sizeof whole);
    icalerror_set_errors_are_fatal(0);
    while (getline(&line, &room, stdin) > 0) {
        char *part[6], *rest = line;
        for (int n = 0; n < 6; n++)
            part[n] = strsep(&rest, "\t\n");
        fflush(stdout);
        pid_t child = fork();
        if (!child) {
            setitimer(ITIMER_VIRTUAL, &PATIENCE, NULL);
            answer(part);
            fflush(stdout);
            _exit(0);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) < 0 || WIFSIGNALED(status))
            printf("%s\t! no end\n", part[0]);
    }
    return 0;
}
