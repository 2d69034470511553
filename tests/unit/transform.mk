# the map step
check_PROGRAMS += tests/unit/test_transform
TESTS += tests/unit/test_transform
tests_unit_test_transform_SOURCES = tests/unit/test_transform.c
tests_unit_test_transform_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_transform_LDADD = $(UNIT_LIBS)
