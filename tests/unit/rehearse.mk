check_PROGRAMS += tests/unit/test_rehearse tests/unit/test_tap
TESTS += tests/unit/test_rehearse tests/unit/test_tap
tests_unit_test_rehearse_SOURCES = tests/unit/test_rehearse.c tests/unit/zmq_tsan.c
tests_unit_test_rehearse_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_rehearse_LDADD = $(UNIT_LIBS)
tests_unit_test_tap_SOURCES = tests/unit/test_tap.c core/cli/tap_mask.c
tests_unit_test_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tap_LDADD = $(UNIT_LIBS)
# as test_hub_flow: hub and hosts meet in one process
tests_unit_test_rehearse_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=zmq_msg_send -Wl,--wrap=zmq_msg_recv
