/* A producer in C: raises an alarm while the number in a file is at or above a limit.
 *
 * build: cc -std=gnu99 -O2 -Wall -Iinclude -o producer examples/producer.c
 * usage: producer FILE LIMIT [MODULE_ID [PERIOD_MS]]        the defaults are 31 and 1000
 * example: producer /sys/class/thermal/thermal_zone0/temp 85000
 *
 * It reads FILE once in PERIOD_MS and has two alarms: type 1 code 1 (major) while the number is at or above LIMIT,
 * and type 1 code 2 (minor) while FILE cannot be read or does not hold a number. It also sends a heartbeat, so that
 * alarmd raises `silent` if this program hangs or is killed. SIGTERM and SIGINT clear both alarms and end it.
 *
 * Exit status: 0 ended by a signal, 1 the segment cannot be used, 2 wrong usage.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#include <stdlib.h>

#include "alarm.h"

#define TYPE 1
#define INDEX 0

enum state { UNKNOWN, CLEARED, RAISED };

/* One alarm of this program, and whether it is raised in the segment. */
struct condition {
    uint32_t code, level;
    const char *name;
    enum state state;
};

/* Reports a failed call once, not once in each period. errno 0 reports that the failure is over. */
static void report(const char *what)
{
    static int reported;
    if (errno == reported)
        return;
    reported = errno;
    if (errno != 0)
        fprintf(stderr, "producer: %s: %s; trying again\n", what, strerror(errno));
    else
        fprintf(stderr, "producer: alarms can be written again\n");
}

/* Brings the segment in line with `wanted`. A failed call leaves `state` as it was, so the next period tries again.
 * Writing only changes matters: each call of alarm_raise counts as one more occurrence. */
static int set(struct alarm_producer *producer, struct condition *condition, enum state wanted)
{
    if (condition->state == wanted)
        return 0;
    if (wanted == RAISED) {
        if (alarm_raise(producer, TYPE, condition->code, INDEX, condition->level) == -1)
            return report("alarm_raise"), -1;
    } else if (alarm_clear(producer, TYPE, condition->code, INDEX) == -1) {
        return report("alarm_clear"), -1;
    }
    /* At the start the state is unknown: an earlier run may have been killed while an alarm was raised. */
    if (condition->state != UNKNOWN || wanted == RAISED)
        fprintf(stderr, "producer: %s: %s\n", condition->name, wanted == RAISED ? "raised" : "cleared");
    condition->state = wanted;
    return 0;
}

/* Reads a decimal number from a text. Returns -1 if there is none, or if there is something after it. */
static int parse(const char *text, long *number)
{
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    if (end == text || errno != 0)
        return -1;
    while (*end == ' ' || *end == '\n')
        end++;
    return *end == 0 ? 0 : -1;
}

/* Reads the number in a file. Returns -1 if the file cannot be read or does not hold a number. */
static int read_number(const char *path, long *number)
{
    char text[64];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    return parse(text, number);
}

/* Waits for the period to pass. Returns 1 if SIGTERM or SIGINT came. Both signals are blocked and taken here, so none
 * can come between a check and the wait, and none interrupts a write to the segment. */
static int stopped(const sigset_t *signals, long period_ms)
{
    struct timespec period = { period_ms / 1000, period_ms % 1000 * 1000000 };
    return sigtimedwait(signals, NULL, &period) != -1;
}

int main(int argc, char **argv)
{
    struct condition limit = { 1, ALARM_MAJOR, "limit reached", UNKNOWN };
    struct condition sensor = { 2, ALARM_MINOR, "file without a number", UNKNOWN };
    struct alarm_producer producer;
    long highest, number, module = 31, period_ms = 1000;
    sigset_t signals;

    if (argc < 3 || argc > 5 || parse(argv[2], &highest) == -1 || (argc > 3 && parse(argv[3], &module) == -1)
        || (argc > 4 && parse(argv[4], &period_ms) == -1) || module < 1 || module > 255 || period_ms < 1
        || period_ms > 60000) {
        fprintf(stderr, "usage: producer FILE LIMIT [MODULE_ID [PERIOD_MS]]\n");
        return 2;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    /* This works without a daemon too: the segment is created, and alarmd reads it when it starts. */
    if (alarm_open(&producer, (unsigned)module, 0660) == -1) {
        perror("producer: alarm_open");
        return 1;
    }
    /* Twice the period leaves room for a busy machine. */
    if (alarm_promise(&producer, 2 * (uint32_t)period_ms) == -1) {
        perror("producer: alarm_promise");
        return 1;
    }
    int segment = producer.id;

    do {
        int failed = alarm_beat(&producer) == -1;
        if (failed)
            report("alarm_beat");
        /* If the segment was removed, the library has created or found another one, which holds no alarms. */
        if (producer.id != segment) {
            segment = producer.id;
            limit.state = sensor.state = UNKNOWN;
        }
        int good = read_number(argv[1], &number) == 0;
        failed |= set(&producer, &sensor, good ? CLEARED : RAISED) == -1;
        /* Without a number it is not known whether the limit is exceeded: that alarm stays as it is. */
        if (good)
            failed |= set(&producer, &limit, number >= highest ? RAISED : CLEARED) == -1;
        if (!failed) {
            errno = 0;
            report(NULL);
        }
    } while (!stopped(&signals, period_ms));

    /* An orderly end: nothing watches the file from here on, so no alarm and no promise may stay behind. */
    set(&producer, &limit, CLEARED);
    set(&producer, &sensor, CLEARED);
    if (alarm_promise(&producer, 0) == -1)
        perror("producer: alarm_promise");
    alarm_close(&producer);
    return 0;
}
