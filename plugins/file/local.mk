# plugins/file
#
# The pattern for a connector in this tree (elsewhere: sdk/template/Makefile):
#  1. NAME.la among plugin_LTLIBRARIES, its sources, $(PLUGIN_LDFLAGS) and the SDK's archive;
#  2. manifest.h, made in the build tree from manifest.json, found by -Iplugins/NAME;
#  3. its objects depend on manifest.h by name, so that `make plugins/NAME/NAME.la` alone works too.
plugin_LTLIBRARIES += plugins/file/file.la
file_SOURCES = plugins/file/file.h plugins/file/plugin.c plugins/file/config.c \
  plugins/file/reader.c plugins/file/json.c plugins/file/record.c plugins/file/folder.c \
  plugins/file/source.c plugins/file/sink.c plugins/file/keys.c plugins/file/dialect.c \
  plugins/file/stream.c plugins/file/render.c plugins/file/wrap.c
plugins_file_file_la_SOURCES = $(file_SOURCES)
plugins_file_file_la_CPPFLAGS = $(AM_CPPFLAGS) -Iplugins/file
plugins_file_file_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_file_file_la_LIBADD = sdk/lib/libbusbar-sdk.a $(XML_LIBS)
$(plugins_file_file_la_OBJECTS): plugins/file/manifest.h
plugins/file/manifest.h: plugins/file/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) plugins/file && \
	  sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/plugins/file/manifest.json > $@.tmp && mv $@.tmp $@
CLEANFILES += plugins/file/manifest.h plugins/file/manifest.h.tmp
EXTRA_DIST += plugins/file/manifest.json plugins/file/README.md
dist_man_MANS += plugins/file/busbar-file.7

# its tests: the connector's own sources and a host in the test's process
check_PROGRAMS += plugins/file/tests/test_file
TESTS += plugins/file/tests/test_file
plugins_file_tests_test_file_SOURCES = plugins/file/tests/test_file.c $(file_SOURCES) \
  plugins/file/tests/file_rig.h \
  tests/plugins/fakehost.c tests/plugins/fakehost.h
plugins_file_tests_test_file_CPPFLAGS = $(AM_CPPFLAGS) -Iplugins/file $(CHECK_CFLAGS)
plugins_file_tests_test_file_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(XML_LIBS) -lpthread
$(plugins_file_tests_test_file_OBJECTS): plugins/file/manifest.h
check_PROGRAMS += plugins/file/tests/test_formats
TESTS += plugins/file/tests/test_formats
plugins_file_tests_test_formats_SOURCES = plugins/file/tests/test_formats.c $(file_SOURCES) \
  plugins/file/tests/file_rig.h tests/plugins/fakehost.c tests/plugins/fakehost.h
plugins_file_tests_test_formats_CPPFLAGS = $(AM_CPPFLAGS) -Iplugins/file $(CHECK_CFLAGS)
plugins_file_tests_test_formats_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(XML_LIBS) -lpthread
$(plugins_file_tests_test_formats_OBJECTS): plugins/file/manifest.h
check_PROGRAMS += plugins/file/tests/test_big
TESTS += plugins/file/tests/test_big
plugins_file_tests_test_big_SOURCES = plugins/file/tests/test_big.c $(file_SOURCES)
plugins_file_tests_test_big_CPPFLAGS = $(AM_CPPFLAGS) -Iplugins/file
plugins_file_tests_test_big_LDADD = sdk/lib/libbusbar-sdk.a $(XML_LIBS) -lpthread
$(plugins_file_tests_test_big_OBJECTS): plugins/file/manifest.h
