# the friendly layer and busbar-manifest (run from the top of the build folder)
check_PROGRAMS += tests/unit/test_plugin
TESTS += tests/unit/test_plugin
tests_unit_test_plugin_SOURCES = tests/unit/test_plugin.c
tests_unit_test_plugin_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_plugin_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
