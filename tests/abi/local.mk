# The binary contract: offsets as goldens, and a plugin built from each frozen header that today's
# host must run (tests/unit/test_host_sink.c).
check_PROGRAMS += tests/abi/abi0_golden
TESTS += tests/abi/abi0_golden
tests_abi_abi0_golden_SOURCES = tests/abi/abi0_golden.c
tests_abi_abi0_golden_CPPFLAGS = $(AM_CPPFLAGS) -DBUSBAR_ABI=$(BUSBAR_ABI)

check_LTLIBRARIES += tests/abi/abi0_sink.la
tests_abi_abi0_sink_la_SOURCES = tests/abi/abi0/sink.c tests/abi/abi0/connector.h
nodist_tests_abi_abi0_sink_la_SOURCES = tests/abi/abi0_sink-manifest.h
tests_abi_abi0_sink_la_CPPFLAGS = -I$(top_srcdir)/tests/abi/abi0 -I$(top_builddir)
tests_abi_abi0_sink_la_LDFLAGS = $(PLUGIN_LDFLAGS) -module -rpath /nowhere
$(tests_abi_abi0_sink_la_OBJECTS): tests/abi/abi0_sink-manifest.h
tests/abi/abi0_sink-manifest.h: tests/abi/abi0/sink.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/abi
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/abi/abi0/sink.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/abi/abi0/sink.json
CLEANFILES += tests/abi/abi0_sink-manifest.h
