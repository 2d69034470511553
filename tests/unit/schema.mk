# JSON Schema
check_PROGRAMS += tests/unit/test_schema
TESTS += tests/unit/test_schema
tests_unit_test_schema_SOURCES = tests/unit/test_schema.c
tests_unit_test_schema_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_schema_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_schema_link
TESTS += tests/unit/test_schema_link
tests_unit_test_schema_link_SOURCES = tests/unit/test_schema_link.c
tests_unit_test_schema_link_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_schema_link_LDADD = $(UNIT_LIBS)
