# plugins/mes
plugin_LTLIBRARIES += plugins/mes/mes.la
mes_SOURCES = plugins/mes/mes.h plugins/mes/plugin.c plugins/mes/bod.c plugins/mes/bill.c plugins/mes/routing.c \
  plugins/mes/order.c plugins/mes/confirm.c plugins/mes/sink.c plugins/mes/query.c plugins/mes/performance.c \
  plugins/mes/report.c plugins/mes/xml.c
mes_LIBS = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(XML_LIBS) $(GMP_LIBS)
plugins_mes_mes_la_SOURCES = $(mes_SOURCES)
plugins_mes_mes_la_CPPFLAGS = $(AM_CPPFLAGS) -Iplugins/mes
plugins_mes_mes_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_mes_mes_la_LIBADD = $(mes_LIBS)
$(plugins_mes_mes_la_OBJECTS): plugins/mes/mes-manifest.h
plugins/mes/mes-manifest.h: plugins/mes/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) plugins/mes && \
	  sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/plugins/mes/manifest.json > $@.tmp && mv $@.tmp $@
CLEANFILES += plugins/mes/mes-manifest.h plugins/mes/mes-manifest.h.tmp
EXTRA_DIST += plugins/mes/manifest.json plugins/mes/README.md
dist_man_MANS += plugins/mes/busbar-mes.7

# its tests: the connector's own sources and a host in the test's process
if HAVE_CHECK
check_PROGRAMS += plugins/mes/tests/test_mes
TESTS += plugins/mes/tests/test_mes
plugins_mes_tests_test_mes_SOURCES = plugins/mes/tests/test_mes.c $(mes_SOURCES) tests/plugins/fakehost.c \
  tests/plugins/fakehost.h
plugins_mes_tests_test_mes_CPPFLAGS = $(AM_CPPFLAGS) -Iplugins/mes $(CHECK_CFLAGS)
plugins_mes_tests_test_mes_LDADD = $(mes_LIBS) $(CHECK_LIBS) -lpthread
$(plugins_mes_tests_test_mes_OBJECTS): plugins/mes/mes-manifest.h
endif
