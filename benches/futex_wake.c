/* The reference for the latency budget: a bare futex wake between two C processes. Prints the nanoseconds of each of N wakes,
 * from before the store until the waking process sees the answer of the other. Each process has its own processor where
 * there are two. On one processor the answer is seen only when the other process sleeps again. usage: futex_wake N
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Restricts this process to the n-th of the processors that it may use. */
static void pin(int n)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == -1)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && n-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            sched_setaffinity(0, sizeof one, &one);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    uint32_t *bell = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t *answer = bell + 64;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(1);
        for (uint32_t seen = 0;;) {
            syscall(SYS_futex, bell, FUTEX_WAIT, seen, NULL, NULL, 0);
            seen = __atomic_load_n(bell, __ATOMIC_ACQUIRE);
            __atomic_store_n(answer, seen, __ATOMIC_RELEASE);
        }
    }
    pin(0);
    for (int turn = 0; turn < count; turn++) {
        usleep(3000); /* after this time the other process sleeps */
        uint64_t start = now();
        uint32_t rung = __atomic_add_fetch(bell, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
        while (__atomic_load_n(answer, __ATOMIC_ACQUIRE) != rung)
            ;
        printf("%llu\n", (unsigned long long)(now() - start));
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
