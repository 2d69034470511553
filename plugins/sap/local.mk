# sap: an SAP-style ERP over OData. Adding a file: list it in sap_sources.
plugin_LTLIBRARIES += plugins/sap/sap.la
sap_sources = plugins/sap/plugin.c plugins/sap/sap.h plugins/sap/job.c plugins/sap/batch.c plugins/sap/service.c \
  plugins/sap/faults.c plugins/sap/edm.c plugins/sap/edm.h plugins/sap/value.c plugins/sap/value.h \
  plugins/sap/entity.c plugins/sap/ops.c plugins/sap/move.c plugins/sap/move_in.c plugins/sap/bom.c plugins/sap/item.c \
  plugins/sap/model.c plugins/sap/ask.c plugins/sap/source.c
plugins_sap_sap_la_SOURCES = $(sap_sources)
nodist_plugins_sap_sap_la_SOURCES = plugins/sap/sap-manifest.h
plugins_sap_sap_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/plugins/sap
plugins_sap_sap_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(XML_CFLAGS)
plugins_sap_sap_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_sap_sap_la_LIBADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(XML_LIBS) $(GMP_LIBS)
plugins/sap/sap-manifest.h: plugins/sap/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) plugins/sap
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/plugins/sap/manifest.json > $@.tmp && mv $@.tmp $@
$(plugins_sap_sap_la_OBJECTS): plugins/sap/sap-manifest.h
BUILT_SOURCES += plugins/sap/sap-manifest.h
CLEANFILES += plugins/sap/sap-manifest.h
EXTRA_DIST += plugins/sap/manifest.json plugins/sap/README.md
dist_man_MANS += plugins/sap/busbar-sap.7

if HAVE_CHECK
check_PROGRAMS += plugins/sap/tests/test_sap
TESTS += plugins/sap/tests/test_sap
plugins_sap_tests_test_sap_SOURCES = plugins/sap/tests/test_sap.c plugins/sap/edm.c plugins/sap/value.c \
  plugins/sap/entity.c plugins/sap/faults.c
plugins_sap_tests_test_sap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CURL_CFLAGS) $(XML_CFLAGS)
plugins_sap_tests_test_sap_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(CURL_LIBS) $(XML_LIBS) $(GMP_LIBS) -lpthread
check_PROGRAMS += plugins/sap/tests/test_move
TESTS += plugins/sap/tests/test_move
plugins_sap_tests_test_move_SOURCES = plugins/sap/tests/test_move.c $(sap_sources)
plugins_sap_tests_test_move_CPPFLAGS = $(plugins_sap_tests_test_sap_CPPFLAGS) -I$(top_builddir)/plugins/sap
plugins_sap_tests_test_move_LDADD = $(plugins_sap_tests_test_sap_LDADD)
$(plugins_sap_tests_test_move_OBJECTS): plugins/sap/sap-manifest.h
endif
