/*
 * abi0_golden.c - the binary contract, member by member, as ABI 0 has it
 *
 * Offsets and sizes are those of LP64 (x86_64, aarch64). A build that fails here has changed what
 * plugins in the field were compiled against: that needs a decision record, a new number and a new
 * frozen header beside tests/abi/abi0/. A member appended at a struct's end changes its size only,
 * and is added here as well.
 */
#include <stdint.h>
#include <string.h>
#include <busbar/connector.h>

#if defined(__LP64__)

#define MEMBER(s, m, offset, bytes)                                                                \
    _Static_assert(offsetof(struct s, m) == (offset), #s "." #m " moved");                         \
    _Static_assert(sizeof(((struct s *)0)->m) == (bytes), #s "." #m " changed its size")
#define STRUCT(s, bytes) _Static_assert(sizeof(struct s) == (bytes), #s " changed its size")
#define NUMBER(c, v) _Static_assert((c) == (v), #c " changed")


STRUCT(bb_bytes, 16);
MEMBER(bb_bytes, ptr, 0, 8);
MEMBER(bb_bytes, len, 8, 8);

STRUCT(bb_error, 280);
MEMBER(bb_error, size, 0, 4);
MEMBER(bb_error, retry_after_ms, 4, 4);
MEMBER(bb_error, vendor_code, 8, 32);
MEMBER(bb_error, text, 40, 240);

STRUCT(bb_msg_view, 96);
MEMBER(bb_msg_view, size, 0, 4);
MEMBER(bb_msg_view, attempt, 4, 4);
MEMBER(bb_msg_view, flags, 8, 4);
MEMBER(bb_msg_view, budget_ms, 12, 4);
MEMBER(bb_msg_view, whole, 16, 16);
MEMBER(bb_msg_view, data, 32, 16);
MEMBER(bb_msg_view, type, 48, 16);
MEMBER(bb_msg_view, key, 64, 16);
MEMBER(bb_msg_view, short_key, 80, 16);

STRUCT(bb_state, 32);
MEMBER(bb_state, size, 0, 4);
MEMBER(bb_state, reserved, 4, 4);
MEMBER(bb_state, expected_version, 8, 8);
MEMBER(bb_state, value, 16, 16);

STRUCT(bb_receipt, 48);
MEMBER(bb_receipt, size, 0, 4);
MEMBER(bb_receipt, duplicates, 4, 4);
MEMBER(bb_receipt, first, 8, 8);
MEMBER(bb_receipt, last, 16, 8);
MEMBER(bb_receipt, state_version, 24, 8);
MEMBER(bb_receipt, error, 32, 16);

STRUCT(bb_host_api, 112);
MEMBER(bb_host_api, size, 0, 4);
MEMBER(bb_host_api, abi, 4, 4);
MEMBER(bb_host_api, extension, 8, 8);
MEMBER(bb_host_api, log, 16, 8);
MEMBER(bb_host_api, metric, 24, 8);
MEMBER(bb_host_api, metric_add, 32, 8);
MEMBER(bb_host_api, msg_view, 40, 8);
MEMBER(bb_host_api, msg_ref, 48, 8);
MEMBER(bb_host_api, msg_unref, 56, 8);
MEMBER(bb_host_api, done, 64, 8);
MEMBER(bb_host_api, submit, 72, 8);
MEMBER(bb_host_api, state, 80, 8);
MEMBER(bb_host_api, cancelled, 88, 8);
MEMBER(bb_host_api, stopped, 96, 8);
MEMBER(bb_host_api, secret, 104, 8);

STRUCT(bb_instance, 80);
MEMBER(bb_instance, size, 0, 4);
MEMBER(bb_instance, roles, 4, 4);
MEMBER(bb_instance, worker, 8, 4);
MEMBER(bb_instance, workers, 12, 4);
MEMBER(bb_instance, endpoint, 16, 64);

STRUCT(bb_ext_instance, 16);
MEMBER(bb_ext_instance, size, 0, 4);
MEMBER(bb_ext_instance, reserved, 4, 4);
MEMBER(bb_ext_instance, describe, 8, 8);
STRUCT(bb_ext_refusal, 16);
MEMBER(bb_ext_refusal, size, 0, 4);
MEMBER(bb_ext_refusal, reserved, 4, 4);
MEMBER(bb_ext_refusal, last, 8, 8);

STRUCT(bb_connector, 88);
MEMBER(bb_connector, size, 0, 4);
MEMBER(bb_connector, flags, 4, 4);
MEMBER(bb_connector, id, 8, 8);
MEMBER(bb_connector, create, 16, 8);
MEMBER(bb_connector, start, 24, 8);
MEMBER(bb_connector, stop, 32, 8);
MEMBER(bb_connector, destroy, 40, 8);
MEMBER(bb_connector, deliver, 48, 8);
MEMBER(bb_connector, cancel, 56, 8);
MEMBER(bb_connector, acked, 64, 8);
MEMBER(bb_connector, resume, 72, 8);
MEMBER(bb_connector, extension, 80, 8);

STRUCT(bb_ext_query, 16);
MEMBER(bb_ext_query, size, 0, 4);
MEMBER(bb_ext_query, reserved, 4, 4);
MEMBER(bb_ext_query, query, 8, 8);

STRUCT(bb_ext_health, 16);
MEMBER(bb_ext_health, size, 0, 4);
MEMBER(bb_ext_health, reserved, 4, 4);
MEMBER(bb_ext_health, health, 8, 8);

STRUCT(bb_ext_probe, 16);
MEMBER(bb_ext_probe, size, 0, 4);
MEMBER(bb_ext_probe, reserved, 4, 4);
MEMBER(bb_ext_probe, probe, 8, 8);

STRUCT(bb_ext_batch, 16);
MEMBER(bb_ext_batch, size, 0, 4);
MEMBER(bb_ext_batch, reserved, 4, 4);
MEMBER(bb_ext_batch, deliver, 8, 8);

STRUCT(bb_ext_transform, 16);
MEMBER(bb_ext_transform, size, 0, 4);
MEMBER(bb_ext_transform, reserved, 4, 4);
MEMBER(bb_ext_transform, apply, 8, 8);

STRUCT(bb_pollfd, 12);
MEMBER(bb_pollfd, fd, 0, 4);
MEMBER(bb_pollfd, events, 4, 4);
MEMBER(bb_pollfd, revents, 8, 4);

STRUCT(bb_ext_wait, 16);
MEMBER(bb_ext_wait, size, 0, 4);
MEMBER(bb_ext_wait, reserved, 4, 4);
MEMBER(bb_ext_wait, wait, 8, 8);

STRUCT(bb_module, 24);
MEMBER(bb_module, size, 0, 4);
MEMBER(bb_module, abi, 4, 4);
MEMBER(bb_module, count, 8, 4);
MEMBER(bb_module, reserved, 12, 4);
MEMBER(bb_module, connectors, 16, 8);

NUMBER(BB_ABI, 0u);
NUMBER(BB_OK, 0);
NUMBER(BB_PENDING, 1);
NUMBER(BB_NOT_APPLIED, 2);
NUMBER(BB_E_RETRY, (-1));
NUMBER(BB_E_REJECT, (-2));
NUMBER(BB_E_DOWN, (-3));
NUMBER(BB_E_CONFIG, (-4));
NUMBER(BB_E_UNSUP, (-5));
NUMBER(BB_E_BUSY, (-6));
NUMBER(BB_E_CANCEL, (-7));
NUMBER(BB_E_BUG, (-8));
NUMBER(BB_E_UNKNOWN, (-9));
NUMBER(BB_MSG_REDELIVERY, 1u);
NUMBER(BB_LOG_ERROR, 1u);
NUMBER(BB_LOG_WARN, 2u);
NUMBER(BB_LOG_INFO, 3u);
NUMBER(BB_LOG_DEBUG, 4u);
NUMBER(BB_METRIC_COUNTER, 1u);
NUMBER(BB_METRIC_GAUGE, 2u);
NUMBER(BB_ROLE_SOURCE, 1u);
NUMBER(BB_ROLE_SINK, 2u);
NUMBER(BB_POLL_IN, 1u);
NUMBER(BB_MANIFEST_TYPE, 1u);
_Static_assert(sizeof(bb_status) == 4 && (bb_status)-1 < 0, "bb_status is int32_t");
_Static_assert(sizeof(bb_token) == 8 && (bb_token)-1 > 0, "bb_token is uint64_t");
#ifdef BUSBAR_ABI
_Static_assert(BB_ABI == BUSBAR_ABI, "configure.ac and connector.h name different ABIs");
#endif

#endif

/* ids are compared as text, so they are part of the contract too */
static const char *const ids[][2] = {
    {BB_EXT_INSTANCE, "busbar.instance/1"},
    {BB_EXT_REFUSAL, "busbar.refusal/1"},
    {BB_EXT_QUERY, "busbar.query/1"},
    {BB_EXT_HEALTH, "busbar.health/1"},
    {BB_EXT_PROBE, "busbar.probe/1"},
    {BB_EXT_BATCH, "busbar.batch/1"},
    {BB_EXT_TRANSFORM, "busbar.transform/1"},
    {BB_EXT_WAIT, "busbar.wait/1"},
    {BB_MANIFEST_OWNER, "busbar"},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (strcmp(ids[i][0], ids[i][1]) != 0)
            return 1;
    }
    return 0;
}
