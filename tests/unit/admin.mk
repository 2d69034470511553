check_PROGRAMS += tests/unit/test_admin tests/unit/test_cli
TESTS += tests/unit/test_admin tests/unit/test_cli
tests_unit_test_admin_SOURCES = tests/unit/test_admin.c
tests_unit_test_admin_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_admin_LDADD = $(UNIT_LIBS)
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c core/cli/args.c core/cli/out.c core/cli/read.c
tests_unit_test_cli_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cli_LDADD = $(UNIT_LIBS)
