# plm: change packages from a PLM, statuses back. Adding a file: list it in plm_sources.
plm_sources = plugins/plm/plugin.c plugins/plm/plm.h plugins/plm/field.c plugins/plm/change_in.c plugins/plm/item_in.c \
  plugins/plm/bom_in.c plugins/plm/structure.c plugins/plm/fault.c plugins/plm/job.c plugins/plm/pack.h \
  plugins/plm/pack.c plugins/plm/pack_read.c plugins/plm/status.c
plugin_LTLIBRARIES += plugins/plm/plm.la
plugins_plm_plm_la_SOURCES = $(plm_sources)
nodist_plugins_plm_plm_la_SOURCES = plugins/plm/plm-manifest.h
plugins_plm_plm_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/plugins/plm
plugins_plm_plm_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
plugins_plm_plm_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_plm_plm_la_LIBADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(CRYPTO_LIBS) $(GMP_LIBS)
plugins/plm/plm-manifest.h: plugins/plm/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) plugins/plm
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/plugins/plm/manifest.json > $@.tmp && mv $@.tmp $@
$(plugins_plm_plm_la_OBJECTS): plugins/plm/plm-manifest.h
BUILT_SOURCES += plugins/plm/plm-manifest.h
CLEANFILES += plugins/plm/plm-manifest.h
EXTRA_DIST += plugins/plm/manifest.json plugins/plm/README.md
dist_man_MANS += plugins/plm/busbar-plm.7
if HAVE_CHECK
check_PROGRAMS += plugins/plm/tests/test_plm
TESTS += plugins/plm/tests/test_plm
plugins_plm_tests_test_plm_SOURCES = plugins/plm/tests/test_plm.c $(plm_sources) plugins/http/tests/faults.c \
  plugins/http/tests/faults.h tests/plugins/fakehost.c tests/plugins/fakehost.h
plugins_plm_tests_test_plm_CPPFLAGS = $(plugins_plm_plm_la_CPPFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS) $(CHECK_CFLAGS)
plugins_plm_tests_test_plm_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(CURL_LIBS) $(GMP_LIBS) -lssl \
  $(CRYPTO_LIBS) -lpthread
$(plugins_plm_tests_test_plm_OBJECTS): plugins/plm/plm-manifest.h
endif
