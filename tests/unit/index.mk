check_PROGRAMS += tests/unit/test_index tests/unit/test_index_days
TESTS += tests/unit/test_index tests/unit/test_index_days
tests_unit_test_index_SOURCES = tests/unit/test_index.c tests/unit/index_rig.h
tests_unit_test_index_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_index_LDADD = $(UNIT_LIBS)
tests_unit_test_index_days_SOURCES = tests/unit/test_index_days.c tests/unit/index_rig.h
tests_unit_test_index_days_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_index_days_LDADD = $(UNIT_LIBS)
