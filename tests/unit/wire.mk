# tests of wire
check_PROGRAMS += tests/unit/test_wire tests/unit/test_zmtp
TESTS += tests/unit/test_wire tests/unit/test_zmtp
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
tests_unit_test_wire_LDADD = $(UNIT_LIBS)
tests_unit_test_zmtp_SOURCES = tests/unit/test_zmtp.c
tests_unit_test_zmtp_LDADD = $(UNIT_LIBS)
