# tests of host; test_host is its own host program and loads the plugins of tests/plugins
check_PROGRAMS += tests/unit/test_host tests/unit/test_manifest
TESTS += tests/unit/test_host tests/unit/test_manifest
test_plugin_DIR = -DTEST_PLUGINS='"$(abs_top_builddir)/tests/plugins/.libs"' \
  -DTEST_ABI0='"$(abs_top_builddir)/tests/abi/.libs/abi0_sink.so"'
tests_unit_test_host_SOURCES = tests/unit/test_host.c
tests_unit_test_host_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_host_LDADD = $(UNIT_LIBS)
tests_unit_test_manifest_SOURCES = tests/unit/test_manifest.c
tests_unit_test_manifest_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_manifest_LDADD = $(UNIT_LIBS)
