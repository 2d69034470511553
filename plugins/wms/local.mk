# wms: EPCIS 2.0 both ways, stock questions. Adding a file: list it in wms_sources.
wms_sources = plugins/wms/plugin.c plugins/wms/wms.h plugins/wms/value.c plugins/wms/uri.c plugins/wms/kind.c \
  plugins/wms/event_out.c plugins/wms/event_in.c plugins/wms/xml.c plugins/wms/fault.c plugins/wms/sink.c plugins/wms/query.c \
  plugins/wms/drop.h plugins/wms/drop_row.c plugins/wms/drop_out.c plugins/wms/drop_in.c
plugin_LTLIBRARIES += plugins/wms/wms.la
plugins_wms_wms_la_SOURCES = $(wms_sources)
nodist_plugins_wms_wms_la_SOURCES = plugins/wms/wms-manifest.h
plugins_wms_wms_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/plugins/wms
plugins_wms_wms_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(XML_CFLAGS) $(CRYPTO_CFLAGS)
plugins_wms_wms_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_wms_wms_la_LIBADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(XML_LIBS) $(CRYPTO_LIBS) $(GMP_LIBS)
plugins/wms/wms-manifest.h: plugins/wms/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) plugins/wms
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/plugins/wms/manifest.json > $@.tmp && mv $@.tmp $@
$(plugins_wms_wms_la_OBJECTS): plugins/wms/wms-manifest.h
BUILT_SOURCES += plugins/wms/wms-manifest.h
CLEANFILES += plugins/wms/wms-manifest.h
EXTRA_DIST += plugins/wms/manifest.json plugins/wms/README.md
dist_man_MANS += plugins/wms/busbar-wms.7
if HAVE_CHECK
check_PROGRAMS += plugins/wms/tests/test_wms
TESTS += plugins/wms/tests/test_wms
plugins_wms_tests_test_wms_SOURCES = plugins/wms/tests/test_wms.c $(wms_sources) plugins/http/tests/faults.c \
  plugins/http/tests/faults.h tests/plugins/fakehost.c tests/plugins/fakehost.h
plugins_wms_tests_test_wms_CPPFLAGS = $(plugins_wms_wms_la_CPPFLAGS) $(CURL_CFLAGS) $(XML_CFLAGS) $(CRYPTO_CFLAGS) $(CHECK_CFLAGS)
plugins_wms_tests_test_wms_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(CURL_LIBS) $(XML_LIBS) $(GMP_LIBS) -lssl \
  $(CRYPTO_LIBS) -lpthread
$(plugins_wms_tests_test_wms_OBJECTS): plugins/wms/wms-manifest.h
endif
