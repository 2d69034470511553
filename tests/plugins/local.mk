# Tiny connectors for tests and the bench, one file each with its manifest. They are loaded by path
# from tests/plugins/.libs of the build folder; "make test-plugins" builds them without running
# anything.
check_LTLIBRARIES += tests/plugins/gen.la \
  tests/plugins/count.la \
  tests/plugins/crash.la \
  tests/plugins/hang.la \
  tests/plugins/leak.la \
  tests/plugins/flood.la \
  tests/plugins/late.la \
  tests/plugins/order.la \
  tests/plugins/narrow.la \
  tests/plugins/teller.la \
  tests/plugins/shape.la
test_plugin_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)
test_plugin_LDFLAGS = $(PLUGIN_LDFLAGS) -rpath /nowhere
test_plugin_LIBADD = sdk/lib/libbusbar-sdk.a -lpthread
EXTRA_DIST += tests/plugins/faults.h
.PHONY: test-plugins
test-plugins: $(check_LTLIBRARIES)

tests_plugins_gen_la_SOURCES = tests/plugins/gen.c
nodist_tests_plugins_gen_la_SOURCES = tests/plugins/gen-manifest.h
tests_plugins_gen_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_gen_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_gen_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_gen_la_OBJECTS): tests/plugins/gen-manifest.h
tests/plugins/gen-manifest.h: tests/plugins/gen.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/gen.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/gen.json
CLEANFILES += tests/plugins/gen-manifest.h

tests_plugins_count_la_SOURCES = tests/plugins/count.c
nodist_tests_plugins_count_la_SOURCES = tests/plugins/count-manifest.h
tests_plugins_count_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_count_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_count_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_count_la_OBJECTS): tests/plugins/count-manifest.h
tests/plugins/count-manifest.h: tests/plugins/count.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/count.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/count.json
CLEANFILES += tests/plugins/count-manifest.h

tests_plugins_crash_la_SOURCES = tests/plugins/crash.c
nodist_tests_plugins_crash_la_SOURCES = tests/plugins/crash-manifest.h
tests_plugins_crash_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_crash_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_crash_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_crash_la_OBJECTS): tests/plugins/crash-manifest.h
tests/plugins/crash-manifest.h: tests/plugins/crash.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/crash.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/crash.json
CLEANFILES += tests/plugins/crash-manifest.h

tests_plugins_hang_la_SOURCES = tests/plugins/hang.c
nodist_tests_plugins_hang_la_SOURCES = tests/plugins/hang-manifest.h
tests_plugins_hang_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_hang_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_hang_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_hang_la_OBJECTS): tests/plugins/hang-manifest.h
tests/plugins/hang-manifest.h: tests/plugins/hang.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/hang.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/hang.json
CLEANFILES += tests/plugins/hang-manifest.h

tests_plugins_leak_la_SOURCES = tests/plugins/leak.c
nodist_tests_plugins_leak_la_SOURCES = tests/plugins/leak-manifest.h
tests_plugins_leak_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_leak_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_leak_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_leak_la_OBJECTS): tests/plugins/leak-manifest.h
tests/plugins/leak-manifest.h: tests/plugins/leak.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/leak.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/leak.json
CLEANFILES += tests/plugins/leak-manifest.h

tests_plugins_flood_la_SOURCES = tests/plugins/flood.c
nodist_tests_plugins_flood_la_SOURCES = tests/plugins/flood-manifest.h
tests_plugins_flood_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_flood_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_flood_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_flood_la_OBJECTS): tests/plugins/flood-manifest.h
tests/plugins/flood-manifest.h: tests/plugins/flood.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/flood.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/flood.json
CLEANFILES += tests/plugins/flood-manifest.h

tests_plugins_late_la_SOURCES = tests/plugins/late.c
nodist_tests_plugins_late_la_SOURCES = tests/plugins/late-manifest.h
tests_plugins_late_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_late_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_late_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_late_la_OBJECTS): tests/plugins/late-manifest.h
tests/plugins/late-manifest.h: tests/plugins/late.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/late.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/late.json
CLEANFILES += tests/plugins/late-manifest.h

tests_plugins_order_la_SOURCES = tests/plugins/order.c
nodist_tests_plugins_order_la_SOURCES = tests/plugins/order-manifest.h
tests_plugins_order_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_order_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_order_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_order_la_OBJECTS): tests/plugins/order-manifest.h
tests/plugins/order-manifest.h: tests/plugins/order.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/order.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/order.json
CLEANFILES += tests/plugins/order-manifest.h

tests_plugins_narrow_la_SOURCES = tests/plugins/narrow.c
nodist_tests_plugins_narrow_la_SOURCES = tests/plugins/narrow-manifest.h
tests_plugins_narrow_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_narrow_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_narrow_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_narrow_la_OBJECTS): tests/plugins/narrow-manifest.h
tests/plugins/narrow-manifest.h: tests/plugins/narrow.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/narrow.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/narrow.json
CLEANFILES += tests/plugins/narrow-manifest.h
tests_plugins_teller_la_SOURCES = tests/plugins/teller.c
nodist_tests_plugins_teller_la_SOURCES = tests/plugins/teller-manifest.h
tests_plugins_teller_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_teller_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_teller_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_teller_la_OBJECTS): tests/plugins/teller-manifest.h
tests/plugins/teller-manifest.h: tests/plugins/teller.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/teller.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/teller.json
CLEANFILES += tests/plugins/teller-manifest.h

tests_plugins_shape_la_SOURCES = tests/plugins/shape.c
nodist_tests_plugins_shape_la_SOURCES = tests/plugins/shape-manifest.h
tests_plugins_shape_la_CPPFLAGS = $(test_plugin_CPPFLAGS)
tests_plugins_shape_la_LDFLAGS = $(test_plugin_LDFLAGS)
tests_plugins_shape_la_LIBADD = $(test_plugin_LIBADD)
$(tests_plugins_shape_la_OBJECTS): tests/plugins/shape-manifest.h
tests/plugins/shape-manifest.h: tests/plugins/shape.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) tests/plugins
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/tests/plugins/shape.json > $@.tmp && mv $@.tmp $@
EXTRA_DIST += tests/plugins/shape.json
CLEANFILES += tests/plugins/shape-manifest.h
