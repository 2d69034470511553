# the example of a REST connector: built and tested with the rest, not installed
check_LTLIBRARIES += docs/examples/rest/acme-rest.la
docs_examples_rest_acme_rest_la_SOURCES = docs/examples/rest/plugin.c
nodist_docs_examples_rest_acme_rest_la_SOURCES = docs/examples/rest/rest-manifest.h
docs_examples_rest_acme_rest_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/docs/examples/rest
docs_examples_rest_acme_rest_la_LDFLAGS = $(PLUGIN_LDFLAGS) -rpath /nowhere
docs_examples_rest_acme_rest_la_LIBADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS)
docs/examples/rest/rest-manifest.h: docs/examples/rest/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) docs/examples/rest
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/docs/examples/rest/manifest.json > $@.tmp && mv $@.tmp $@
$(docs_examples_rest_acme_rest_la_OBJECTS): docs/examples/rest/rest-manifest.h
BUILT_SOURCES += docs/examples/rest/rest-manifest.h
CLEANFILES += docs/examples/rest/rest-manifest.h

if HAVE_CHECK
check_PROGRAMS += docs/examples/rest/test_rest
TESTS += docs/examples/rest/test_rest
docs_examples_rest_test_rest_SOURCES = docs/examples/rest/test_rest.c docs/examples/rest/plugin.c \
  plugins/http/tests/server.c plugins/http/tests/server.h tests/plugins/fakehost.c tests/plugins/fakehost.h
docs_examples_rest_test_rest_CPPFLAGS = $(docs_examples_rest_acme_rest_la_CPPFLAGS) $(CHECK_CFLAGS)
docs_examples_rest_test_rest_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(CURL_LIBS) -lpthread
$(docs_examples_rest_test_rest_OBJECTS): docs/examples/rest/rest-manifest.h
endif
