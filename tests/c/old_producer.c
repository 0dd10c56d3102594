/* A producer as the old trio's were: no lock, no doorbell, no header of ours. It takes its key from ftok or as a number,
 * stores the five words with plain assignments, and removes the segment at the order to leave.
 *
 * usage: old_producer ftok PATH ID | old_producer key NUMBER
 * Reads numbers: 0 clear, 1 raise, 2 leave and remove, else wipe. Answers each with a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

struct alarm {
    int alarm_flag;
    int alarm_type;
    int alarm_code;
    int alarm_level;
    int alarm_index;
};

#define SIZE 1024

int main(int argc, char **argv)
{
    key_t key;
    if (argc == 4 && strcmp(argv[1], "ftok") == 0)
        key = ftok(argv[2], atoi(argv[3]));
    else if (argc == 3 && strcmp(argv[1], "key") == 0)
        key = (key_t)strtoul(argv[2], NULL, 0);
    else
        return 2;
    int id = key == -1 ? -1 : shmget(key, SIZE, IPC_CREAT | 0666);
    struct alarm *alarm = id == -1 ? (void *)-1 : shmat(id, NULL, 0);
    if (alarm == (void *)-1) {
        perror("old_producer");
        return 1;
    }
    printf("attached 0x%08x\n", (unsigned)key);
    fflush(stdout);
    int word;
    while (scanf("%d", &word) == 1) {
        switch (word) {
        case 0:
            alarm->alarm_flag = 0;
            break;
        case 1:
            alarm->alarm_flag = 1;
            alarm->alarm_type = 0x14;
            alarm->alarm_code = 0x11;
            alarm->alarm_level = 0x13;
            alarm->alarm_index = 0x12;
            break;
        case 2:
            shmdt(alarm);
            shmctl(id, IPC_RMID, NULL);
            printf("left\n");
            return 0;
        default:
            memset(alarm, 0, SIZE);
        }
        printf("done %d\n", word);
        fflush(stdout);
    }
    return 0;
}
