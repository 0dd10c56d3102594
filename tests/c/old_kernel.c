/*
 * Runs a program on this kernel as if it were an old one, and writes down every call that such a kernel does not have.
 *
 * usage: old_kernel enosys|einval FILE COMMAND [ARGUMENT]...
 *
 * Every system call above setns (375), the last of ARM's table in Linux 3.0, fails with ENOSYS; so it is for the program
 * and all it starts. Under `einval`, statx (397) and clock_gettime64 (403) fail with EINVAL, as on kernels whose vendors use
 * these numbers for calls of their own. A line `SECONDS PID NUMBER` (monotonic clock) goes to FILE for each such call.
 *
 * The program keeps this process's id. A child of ours, which answers the kernel (SECCOMP_RET_USER_NOTIF), ends after it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef __arm__
#error "the numbers are those of 32-bit ARM"
#endif

enum { LAST = 375, ARM_PRIVATE = 0x0f0000, STATX = 397, CLOCK_GETTIME64 = 403 };

static void fail(const char *what)
{
    perror(what);
    exit(125);
}

static void answer(int listener, int einval, FILE *calls)
{
    struct seccomp_notif call;
    struct timespec now;

    for (;;) {
        struct pollfd ready = { listener, POLLIN, 0 };

        /* The last of the program's processes has gone. */
        if (poll(&ready, 1, -1) == 1 && (ready.revents & POLLIN) == 0)
            exit(0);
        memset(&call, 0, sizeof call);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == -1) {
            if (errno == EINTR || errno == ENOENT)
                continue;
            exit(0);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        fprintf(calls, "%ld.%06ld %u %d\n", (long)now.tv_sec, now.tv_nsec / 1000, call.pid, call.data.nr);
        fflush(calls);
        int vendors = call.data.nr == STATX || call.data.nr == CLOCK_GETTIME64;
        struct seccomp_notif_resp response = { .id = call.id, .error = einval && vendors ? -EINVAL : -ENOSYS };
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    }
}

static int install(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ARM_PRIVATE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        fail("no new privileges");
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* Hands the descriptor to whoever reads the other end. */
static void hand_over(int socket, int descriptor)
{
    char byte = 0, control[CMSG_SPACE(sizeof descriptor)] = { 0 };
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    if (sendmsg(socket, &message, 0) == -1)
        fail("sendmsg");
}

static int taken_over(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    int descriptor;

    if (recvmsg(socket, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == NULL)
        exit(125);
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
    return descriptor;
}

int main(int argc, char **argv)
{
    int sockets[2], listener;
    FILE *calls;

    if (argc < 4 || (strcmp(argv[1], "enosys") && strcmp(argv[1], "einval"))) {
        fprintf(stderr, "usage: %s enosys|einval FILE COMMAND [ARGUMENT]...\n", argv[0]);
        return 2;
    }
    calls = fopen(argv[2], "a");
    if (calls == NULL)
        fail(argv[2]);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == -1)
        fail("socketpair");
    switch (fork()) {
    case -1:
        fail("fork");
        break;
    case 0:
        /* Not the program's terminal, pipes or session: whoever waits for their end waits for the program alone. */
        setsid();
        close(sockets[1]);
        if (freopen("/dev/null", "r", stdin) == NULL || freopen("/dev/null", "w", stdout) == NULL ||
            freopen("/dev/null", "w", stderr) == NULL)
            exit(125);
        listener = taken_over(sockets[0]);
        answer(listener, strcmp(argv[1], "einval") == 0, calls);
    }
    close(sockets[0]);
    fclose(calls);
    listener = install();
    if (listener == -1)
        fail("seccomp");
    hand_over(sockets[1], listener);
    close(listener);
    close(sockets[1]);
    execv(argv[3], argv + 3);
    fail(argv[3]);
    return 125;
}
