# Check programs, one .mk a subject. UNIT_LIBS after the program's own objects.
UNIT_LIBS = $(core_LIBS) $(CHECK_LIBS)
include tests/unit/sdk.mk
include tests/unit/config.mk
include tests/unit/journal.mk
include tests/unit/wire.mk
include tests/unit/transform.mk
include tests/unit/schema.mk
include tests/unit/plugin.mk
include tests/unit/host.mk
include tests/unit/hub.mk
include tests/unit/index.mk
include tests/unit/admin.mk
include tests/unit/rehearse.mk
# ThreadSanitizer does not see libzmq's fences; both threads of test_hub_flow meet in one process
tests_unit_test_hub_flow_SOURCES += tests/unit/zmq_tsan.c
tests_unit_test_hub_flow_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=zmq_msg_send -Wl,--wrap=zmq_msg_recv
