/* alarm.h: report alarms to alarmd from C or C++. A header without a library, for a compiler with the __atomic
 * builtins. C needs -std=gnu99 or later, or _GNU_SOURCE defined before the first include; C++ works from C++98 on.
 *
 * docs/wire-format.md defines the bytes. Several processes may write one module. Each call is safe if other processes
 * write at the same time, if the process is killed at any instruction, and if another process removes the segment.
 * A struct alarm_producer may be used by one thread at a time.
 *
 *     struct alarm_producer fan;
 *     if (alarm_open(&fan, 31, 0660) == -1)
 *         perror("alarm_open");
 *     alarm_raise(&fan, 1, 7, 2, ALARM_MAJOR);    type 1, code 7, index 2
 *     alarm_clear(&fan, 1, 7, 2);
 *     alarm_close(&fan);
 *
 * On failure, functions that return int return -1 and set errno; docs/producers.md explains each errno.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef ALARM_H
#define ALARM_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define ALARM_KEY(module_id) ((key_t)(0x414C0000u | (module_id)))
#define ALARM_DOORBELL_KEY ((key_t)0x414C0100)
#define ALARM_STATUS_KEY ((key_t)0x414C0101)
#define ALARM_MODULE_MAGIC 0x314D4C41u   /* "ALM1" */
#define ALARM_DOORBELL_MAGIC 0x424D4C41u /* "ALMB" */
#define ALARM_DOORBELL_VERSION 1u
#define ALARM_SLOTS 32

/* alarm_level by the default table. All other values are indeterminate. */
enum { ALARM_INDETERMINATE = 0, ALARM_CRITICAL = 1, ALARM_MAJOR = 2, ALARM_MINOR = 3, ALARM_WARNING = 4 };

/* The original five words: slot 0. */
struct alarm_record {
    uint32_t flag, type, code, level, index;
};

/* Slots 1 to 32. flag is stored last when an alarm is raised, and alone when it is cleared. */
struct alarm_slot {
    uint32_t flag, type, code, level, index;
    uint32_t raised_at; /* seconds since 1970 */
    uint32_t count;     /* how many times it was raised; 0: slot never used */
};

struct alarm_segment {
    struct alarm_record record;
    uint32_t zero[11];
    uint32_t magic;
    uint32_t sequence; /* odd while slots are being written */
    uint32_t writer;   /* process id of the process that writes them, 0 if none */
    uint32_t beat;
    uint32_t beat_ms;
    uint32_t owner;
    uint32_t more_zero[10];
    struct alarm_slot slots[ALARM_SLOTS];
};

struct alarm_doorbell {
    uint32_t magic, version;
    uint32_t bell;    /* the futex word */
    uint32_t waiting; /* not 0 while the daemon sleeps on bell */
    uint32_t command;
    uint32_t lamp_test_s;
    uint32_t completed; /* incremented when commands have been executed */
    uint32_t spare[57];
};

struct alarm_producer {
    key_t key;
    int mode;
    uint32_t beat_ms;
    int id, doorbell_id;
    struct alarm_segment *segment;
    struct alarm_doorbell *doorbell;
};

#define ALARM_LOAD(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define ALARM_STORE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELEASE)

static inline void *alarm__attach(int id, size_t size)
{
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) == -1) {
        errno = errno == EINVAL ? EIDRM : errno; /* removed since shmget */
        return NULL;
    }
    if (ds.shm_segsz < size) {
        errno = EINVAL;
        return NULL;
    }
    void *address = shmat(id, NULL, 0);
    return address == (void *)-1 ? NULL : address;
}

/* Attaches the module's segment; creates it if it does not exist. */
static inline int alarm__attach_module(struct alarm_producer *p)
{
    for (int turn = 0; turn < 8; turn++) {
        int id = shmget(p->key, 0, 0);
        if (id == -1 && errno == ENOENT)
            id = shmget(p->key, sizeof(struct alarm_segment), IPC_CREAT | IPC_EXCL | p->mode);
        struct alarm_segment *segment =
            id == -1 ? NULL : (struct alarm_segment *)alarm__attach(id, sizeof(struct alarm_segment));
        if (segment != NULL) {
            if (p->segment != NULL)
                shmdt(p->segment);
            p->segment = segment;
            p->id = id;
            return 0;
        }
        /* Another process creates or removes it at this moment. */
        if (errno != EEXIST && errno != EIDRM)
            return -1;
    }
    return -1;
}

/* True if the segment is removed: no key leads to it. */
static inline int alarm__removed(int id)
{
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) == -1)
        return errno == EIDRM || errno == EINVAL;
    return (ds.shm_perm.mode & 01000) != 0;
}

/* True if no process has this id, or only a zombie, which cannot write any more. */
static inline int alarm__gone(uint32_t pid)
{
    char path[32], text[256], state = 0;
    if (pid > INT32_MAX || (kill((pid_t)pid, 0) == -1 && errno == ESRCH))
        return 1;
    snprintf(path, sizeof path, "/proc/%u/stat", (unsigned)pid);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        size_t length = fread(text, 1, sizeof text - 1, file);
        fclose(file);
        text[length] = 0;
        const char *after_name = strrchr(text, ')');
        if (after_name != NULL && after_name[1] != 0)
            state = after_name[2];
    }
    return state == 'Z' || state == 'X';
}

/* Takes the lock of slots 1 to 32. Waits at most one second for another writer that is alive.
 * Returns the odd sequence, or 0 on failure. */
static inline uint32_t alarm__enter(struct alarm_segment *s)
{
    uint32_t me = (uint32_t)getpid();
    for (int turn = 0; turn < 1000; turn++) {
        uint32_t holder = 0;
        int inside = __atomic_compare_exchange_n(&s->writer, &holder, me, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
        if (!inside && alarm__gone(holder))
            inside = __atomic_compare_exchange_n(&s->writer, &holder, me, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
        if (inside) {
            uint32_t odd = ALARM_LOAD(s->sequence) | 1;
            __atomic_store_n(&s->sequence, odd, __ATOMIC_RELAXED);
            __atomic_thread_fence(__ATOMIC_RELEASE);
            ALARM_STORE(s->magic, ALARM_MODULE_MAGIC);
            return odd;
        }
        if (turn >= 20) {
            struct timespec ms = { 0, 1000000 };
            nanosleep(&ms, NULL);
        }
    }
    errno = EBUSY;
    return 0;
}

static inline void alarm__leave(struct alarm_segment *s, uint32_t odd)
{
    uint32_t me = (uint32_t)getpid();
    ALARM_STORE(s->sequence, odd + 1);
    __atomic_compare_exchange_n(&s->writer, &me, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* Rings the doorbell. If there is none, the daemon reads the alarm at its next poll, or when it starts. */
static inline void alarm__ring(struct alarm_producer *p)
{
    for (int turn = 0; turn < 2; turn++) {
        if (p->doorbell == NULL) {
            p->doorbell_id = shmget(ALARM_DOORBELL_KEY, 0, 0);
            if (p->doorbell_id == -1)
                return;
            p->doorbell = (struct alarm_doorbell *)alarm__attach(p->doorbell_id, sizeof(struct alarm_doorbell));
            if (p->doorbell == NULL)
                return;
        }
        struct alarm_doorbell *d = p->doorbell;
        if (ALARM_LOAD(d->magic) == ALARM_DOORBELL_MAGIC && ALARM_LOAD(d->version) == ALARM_DOORBELL_VERSION) {
            __atomic_fetch_add(&d->bell, 1, __ATOMIC_SEQ_CST);
            if (__atomic_load_n(&d->waiting, __ATOMIC_SEQ_CST) != 0)
                syscall(SYS_futex, &d->bell, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0);
        }
        if (!alarm__removed(p->doorbell_id))
            return;
        shmdt(d);
        p->doorbell = NULL;
    }
}

/* Completes an attempt to store. Returns 1 if the alarm is stored in a valid segment, 0 if the segment was removed and
 * a new one is attached, so that the attempt must be repeated, and -1 on failure. Rings the doorbell before it checks
 * the segment, because the check takes time. */
static inline int alarm__settled(struct alarm_producer *p, int failed)
{
    int error = errno;
    if (!failed)
        alarm__ring(p);
    if (!alarm__removed(p->id)) {
        errno = error;
        return failed ? -1 : 1;
    }
    return alarm__attach_module(p);
}

/* Attaches the segment of module 1 to 255; creates it with this mode, such as 0660, if it does not exist. */
static inline int alarm_open(struct alarm_producer *p, unsigned module_id, int mode)
{
    memset(p, 0, sizeof *p);
    p->doorbell_id = -1;
    p->key = ALARM_KEY(module_id);
    p->mode = mode;
    if (module_id < 1 || module_id > 255) {
        errno = EINVAL;
        return -1;
    }
    return alarm__attach_module(p);
}

static inline int alarm__raise(struct alarm_segment *s, uint32_t type, uint32_t code, uint32_t index, uint32_t level)
{
    struct alarm_slot *before = NULL, *unused = NULL, *cleared = NULL;
    for (struct alarm_slot *slot = s->slots; slot < s->slots + ALARM_SLOTS; slot++) {
        int same = slot->type == type && slot->code == code && slot->index == index;
        if (ALARM_LOAD(slot->flag) != 0) {
            if (same) {
                ALARM_STORE(slot->level, level);
                ALARM_STORE(slot->count, slot->count + 1 ? slot->count + 1 : 1);
                return 0;
            }
        } else if (slot->count == 0) {
            unused = unused ? unused : slot;
        } else {
            cleared = cleared ? cleared : slot;
            before = same && !before ? slot : before;
        }
    }
    struct alarm_slot *slot = before ? before : unused ? unused : cleared;
    if (slot == NULL) {
        errno = ENOBUFS;
        return -1;
    }
    /* In this order, a producer that is killed between two stores never leaves a flag with incomplete words. */
    uint32_t count = before ? slot->count : 0;
    if (!before) {
        ALARM_STORE(slot->count, 0);
        ALARM_STORE(slot->type, type);
        ALARM_STORE(slot->code, code);
        ALARM_STORE(slot->index, index);
    }
    ALARM_STORE(slot->level, level);
    ALARM_STORE(slot->raised_at, (uint32_t)time(NULL));
    ALARM_STORE(slot->count, count + 1 ? count + 1 : 1);
    ALARM_STORE(slot->flag, 1);
    return 0;
}

/* Raises an alarm. If it is raised already, its level and count change. */
static inline int alarm_raise(struct alarm_producer *p, uint32_t type, uint32_t code, uint32_t index, uint32_t level)
{
    for (int turn = 0; turn < 8; turn++) {
        uint32_t odd = alarm__enter(p->segment);
        int failed = odd == 0 || alarm__raise(p->segment, type, code, index, level) == -1;
        if (odd != 0)
            alarm__leave(p->segment, odd);
        int settled = alarm__settled(p, failed);
        if (settled != 0)
            return settled == 1 ? 0 : -1;
    }
    errno = EIDRM;
    return -1;
}

/* Clears an alarm. Returns 1 if it was raised, 0 if it was not. */
static inline int alarm_clear(struct alarm_producer *p, uint32_t type, uint32_t code, uint32_t index)
{
    for (int turn = 0; turn < 8; turn++) {
        int any = 0;
        uint32_t odd = alarm__enter(p->segment);
        if (odd != 0) {
            for (struct alarm_slot *slot = p->segment->slots; slot < p->segment->slots + ALARM_SLOTS; slot++) {
                if (ALARM_LOAD(slot->flag) != 0 && slot->type == type && slot->code == code && slot->index == index) {
                    ALARM_STORE(slot->flag, 0);
                    any = 1;
                }
            }
            alarm__leave(p->segment, odd);
        }
        int settled = alarm__settled(p, odd == 0);
        if (settled != 0)
            return settled == 1 ? any : -1;
    }
    errno = EIDRM;
    return -1;
}

/* Promises to call alarm_beat at least once in this many milliseconds; 0 cancels the promise. */
static inline int alarm_promise(struct alarm_producer *p, uint32_t beat_ms)
{
    p->beat_ms = beat_ms;
    for (int turn = 0; turn < 8; turn++) {
        uint32_t odd = alarm__enter(p->segment);
        if (odd != 0) {
            ALARM_STORE(p->segment->beat_ms, beat_ms);
            ALARM_STORE(p->segment->owner, beat_ms ? (uint32_t)getpid() : 0);
            __atomic_fetch_add(&p->segment->beat, 1, __ATOMIC_RELAXED);
            alarm__leave(p->segment, odd);
        }
        int settled = alarm__settled(p, odd == 0);
        if (settled != 0)
            return settled == 1 ? 0 : -1;
    }
    errno = EIDRM;
    return -1;
}

/* Beats: shows that the producer works. */
static inline int alarm_beat(struct alarm_producer *p)
{
    __atomic_fetch_add(&p->segment->beat, 1, __ATOMIC_RELAXED);
    /* A new segment, or one that an old client has cleared, does not contain the promise. */
    if (!alarm__removed(p->id) && ALARM_LOAD(p->segment->beat_ms) == p->beat_ms)
        return 0;
    return alarm_promise(p, p->beat_ms);
}

/* Detaches. Raised alarms stay raised. */
static inline void alarm_close(struct alarm_producer *p)
{
    if (p->segment != NULL)
        shmdt(p->segment);
    if (p->doorbell != NULL)
        shmdt(p->doorbell);
    p->segment = NULL;
    p->doorbell = NULL;
}

#endif
