# portal: supplier portals by REST and X12. Adding a file: list it in portal_sources.
portal_x12 = plugins/portal/x12.h plugins/portal/x12.c plugins/portal/x12_write.c plugins/portal/x12_ship.c \
  plugins/portal/x12_commit.c plugins/portal/x12_ack.c plugins/portal/x12_forecast.c plugins/portal/value.c plugins/portal/portal.h
portal_sources = plugins/portal/plugin.c plugins/portal/kind.c plugins/portal/feed.c plugins/portal/fault.c \
  plugins/portal/sign.c plugins/portal/sink.c $(portal_x12)
portal_libs = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(CRYPTO_LIBS) $(GMP_LIBS)
plugin_LTLIBRARIES += plugins/portal/portal.la
plugins_portal_portal_la_SOURCES = $(portal_sources)
nodist_plugins_portal_portal_la_SOURCES = plugins/portal/portal-manifest.h
plugins_portal_portal_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/plugins/portal
plugins_portal_portal_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
plugins_portal_portal_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_portal_portal_la_LIBADD = $(portal_libs)
plugins/portal/portal-manifest.h: plugins/portal/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) plugins/portal
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/plugins/portal/manifest.json > $@.tmp && mv $@.tmp $@
$(plugins_portal_portal_la_OBJECTS): plugins/portal/portal-manifest.h
BUILT_SOURCES += plugins/portal/portal-manifest.h
CLEANFILES += plugins/portal/portal-manifest.h
EXTRA_DIST += plugins/portal/manifest.json plugins/portal/README.md
dist_man_MANS += plugins/portal/busbar-portal.7
if HAVE_CHECK
check_PROGRAMS += plugins/portal/tests/test_portal plugins/portal/tests/test_x12
TESTS += plugins/portal/tests/test_portal plugins/portal/tests/test_x12
plugins_portal_tests_test_portal_SOURCES = plugins/portal/tests/test_portal.c $(portal_sources) plugins/http/tests/faults.c \
  plugins/http/tests/faults.h tests/plugins/fakehost.c tests/plugins/fakehost.h
plugins_portal_tests_test_portal_CPPFLAGS = $(plugins_portal_portal_la_CPPFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(CHECK_CFLAGS)
plugins_portal_tests_test_portal_LDADD = $(portal_libs) $(CHECK_LIBS) -lssl $(CRYPTO_LIBS) -lpthread
$(plugins_portal_tests_test_portal_OBJECTS): plugins/portal/portal-manifest.h
plugins_portal_tests_test_x12_SOURCES = plugins/portal/tests/test_x12.c plugins/portal/kind.c $(portal_x12)
plugins_portal_tests_test_x12_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
plugins_portal_tests_test_x12_LDADD = $(portal_libs) $(CHECK_LIBS)
endif
