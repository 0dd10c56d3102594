/* A producer through include/alarm.h that reads its orders from standard input.
 *
 * usage: new_producer MODULE_ID
 * Reads: raise TYPE CODE INDEX LEVEL | clear TYPE CODE INDEX | promise MS | beat | hammer. Answers each with a line: what
 * the function gave, and errno's words if that was -1. hammer raises and clears for ever, alarm N being (N, N, N) at level N.
 */
#include <stdlib.h>

#include "alarm.h"

static void hammer(struct alarm_producer *p)
{
    for (uint32_t n = 1;; n = n % 50 + 1) {
        alarm_raise(p, n, n, n, n);
        alarm_raise(p, n, n, n, n);
        alarm_clear(p, n, n, n);
    }
}

int main(int argc, char **argv)
{
    struct alarm_producer p;
    char word[16];
    unsigned a, b, c, d;
    if (argc != 2)
        return 2;
    if (alarm_open(&p, (unsigned)atoi(argv[1]), 0660) == -1) {
        perror("alarm_open");
        return 1;
    }
    puts("attached");
    fflush(stdout);
    while (scanf("%15s", word) == 1) {
        int done = -2;
        if (strcmp(word, "raise") == 0 && scanf("%u %u %u %u", &a, &b, &c, &d) == 4)
            done = alarm_raise(&p, a, b, c, d);
        else if (strcmp(word, "clear") == 0 && scanf("%u %u %u", &a, &b, &c) == 3)
            done = alarm_clear(&p, a, b, c);
        else if (strcmp(word, "promise") == 0 && scanf("%u", &a) == 1)
            done = alarm_promise(&p, a);
        else if (strcmp(word, "beat") == 0)
            done = alarm_beat(&p);
        else if (strcmp(word, "hammer") == 0)
            hammer(&p);
        printf("%d %s\n", done, done == -1 ? strerror(errno) : "");
        fflush(stdout);
    }
    alarm_close(&p);
    return 0;
}
