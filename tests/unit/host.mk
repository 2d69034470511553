# tests of host; each test_host_* is its own host program and loads the plugins of tests/plugins
host_tests = tests/unit/test_host_ask tests/unit/test_host_sink tests/unit/test_host_source tests/unit/test_host_process \
  tests/unit/test_manifest
check_PROGRAMS += $(host_tests)
TESTS += $(host_tests)
test_plugin_DIR = -DTEST_PLUGINS='"$(abs_top_builddir)/tests/plugins/.libs"' \
  -DTEST_ABI0='"$(abs_top_builddir)/tests/abi/.libs/abi0_sink.so"'
tests_unit_test_host_ask_SOURCES = tests/unit/test_host_ask.c tests/unit/host_rig.c tests/unit/host_rig.h
tests_unit_test_host_ask_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_host_ask_LDADD = $(UNIT_LIBS)
tests_unit_test_host_sink_SOURCES = tests/unit/test_host_sink.c tests/unit/host_rig.c tests/unit/host_rig.h
tests_unit_test_host_sink_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_host_sink_LDADD = $(UNIT_LIBS)
tests_unit_test_host_source_SOURCES = tests/unit/test_host_source.c tests/unit/host_rig.c tests/unit/host_rig.h
tests_unit_test_host_source_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_host_source_LDADD = $(UNIT_LIBS)
tests_unit_test_host_process_SOURCES = tests/unit/test_host_process.c tests/unit/host_rig.c tests/unit/host_rig.h
tests_unit_test_host_process_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_host_process_LDADD = $(UNIT_LIBS)
tests_unit_test_manifest_SOURCES = tests/unit/test_manifest.c
tests_unit_test_manifest_CPPFLAGS = $(AM_CPPFLAGS) $(test_plugin_DIR)
tests_unit_test_manifest_LDADD = $(UNIT_LIBS)
