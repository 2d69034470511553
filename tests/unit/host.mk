# tests of host; test_host is its own host program and loads the plugins of tests/plugins
check_PROGRAMS += tests/unit/test_host
TESTS += tests/unit/test_host
test_plugin_DIR = -DTEST_PLUGINS='"$(abs_top_builddir)/tests/plugins/.libs"'
tests_unit_test_host_SOURCES = tests/unit/test_host.c
tests_unit_test_host_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_host_LDADD = $(UNIT_LIBS)
