/* What a C compiler makes of include/alarm.h: a line `NAME OFFSET` for each field. */
#include <stddef.h>

#include "alarm.h"

#define FIELD(type, field) printf(#type "." #field " %zu\n", offsetof(struct alarm_##type, field))

int main(void)
{
    FIELD(segment, record);
    FIELD(segment, zero);
    FIELD(segment, magic);
    FIELD(segment, sequence);
    FIELD(segment, writer);
    FIELD(segment, beat);
    FIELD(segment, beat_ms);
    FIELD(segment, owner);
    FIELD(segment, more_zero);
    FIELD(segment, slots);
    FIELD(record, flag);
    FIELD(record, type);
    FIELD(record, code);
    FIELD(record, level);
    FIELD(record, index);
    FIELD(slot, flag);
    FIELD(slot, type);
    FIELD(slot, code);
    FIELD(slot, level);
    FIELD(slot, index);
    FIELD(slot, raised_at);
    FIELD(slot, count);
    FIELD(doorbell, magic);
    FIELD(doorbell, version);
    FIELD(doorbell, bell);
    FIELD(doorbell, waiting);
    FIELD(doorbell, command);
    FIELD(doorbell, lamp_test_s);
    FIELD(doorbell, completed);
    FIELD(doorbell, spare);
    printf("segment %zu\nslot %zu\ndoorbell %zu\n", sizeof(struct alarm_segment), sizeof(struct alarm_slot),
           sizeof(struct alarm_doorbell));
    printf("magic %u %u\n", ALARM_MODULE_MAGIC, ALARM_DOORBELL_MAGIC);
    printf("keys %u %u %u\n", (unsigned)ALARM_KEY(31), (unsigned)ALARM_DOORBELL_KEY, (unsigned)ALARM_STATUS_KEY);
    return 0;
}
