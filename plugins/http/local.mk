# http: webhooks in, requests out. Adding a file: list it in _SOURCES.
plugin_LTLIBRARIES += plugins/http/http.la
plugins_http_http_la_SOURCES = plugins/http/plugin.c plugins/http/http.h plugins/http/source.c \
  plugins/http/source.h plugins/http/conn.c plugins/http/request.c plugins/http/messages.c \
  plugins/http/messages.h plugins/http/events.c plugins/http/envelope_conf.c \
  plugins/http/guard.c plugins/http/answer.c plugins/http/sink.c plugins/http/sink.h \
  plugins/http/sink_conf.c plugins/http/body.c plugins/http/body.h plugins/http/poll.c
nodist_plugins_http_http_la_SOURCES = plugins/http/http-manifest.h
plugins_http_http_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/plugins/http
plugins_http_http_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
plugins_http_http_la_LDFLAGS = $(PLUGIN_LDFLAGS)
plugins_http_http_la_LIBADD = sdk/lib/libbusbar-sdk.a $(MHD_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)
plugins/http/http-manifest.h: plugins/http/manifest.json sdk/tools/busbar-manifest$(EXEEXT)
	@$(MKDIR_P) plugins/http
	$(AM_V_GEN)sdk/tools/busbar-manifest$(EXEEXT) $(srcdir)/plugins/http/manifest.json > $@.tmp && mv $@.tmp $@
$(plugins_http_http_la_OBJECTS): plugins/http/http-manifest.h
BUILT_SOURCES += plugins/http/http-manifest.h
CLEANFILES += plugins/http/http-manifest.h
EXTRA_DIST += plugins/http/manifest.json plugins/http/README.md plugins/http/tests/oauth_server.py
dist_man_MANS += plugins/http/busbar-http.7

if HAVE_CHECK
http_test_objects = plugins/http/plugin.c plugins/http/source.c plugins/http/conn.c \
  plugins/http/request.c plugins/http/messages.c plugins/http/events.c \
  plugins/http/envelope_conf.c plugins/http/guard.c plugins/http/answer.c plugins/http/sink.c \
  plugins/http/sink_conf.c plugins/http/body.c plugins/http/poll.c tests/plugins/fakehost.c tests/plugins/fakehost.h
http_test_CPPFLAGS = $(plugins_http_http_la_CPPFLAGS) $(MHD_CFLAGS) $(CURL_CFLAGS) \
  $(CRYPTO_CFLAGS) $(CHECK_CFLAGS)
http_test_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(MHD_LIBS) $(CURL_LIBS) -lssl \
  $(CRYPTO_LIBS) -lpthread
HTTP_TESTS = plugins/http/tests/test_source plugins/http/tests/test_limits \
  plugins/http/tests/test_sink plugins/http/tests/test_client plugins/http/tests/test_auth \
  plugins/http/tests/test_poll plugins/http/tests/test_tls
check_PROGRAMS += $(HTTP_TESTS)
TESTS += $(HTTP_TESTS)
plugins_http_tests_test_source_SOURCES = plugins/http/tests/test_source.c \
  plugins/http/tests/ask.c plugins/http/tests/ask.h $(http_test_objects)
plugins_http_tests_test_source_CPPFLAGS = $(http_test_CPPFLAGS)
plugins_http_tests_test_source_LDADD = $(http_test_LDADD)
$(plugins_http_tests_test_source_OBJECTS): plugins/http/http-manifest.h
plugins_http_tests_test_limits_SOURCES = plugins/http/tests/test_limits.c \
  plugins/http/tests/ask.c plugins/http/tests/ask.h $(http_test_objects)
plugins_http_tests_test_limits_CPPFLAGS = $(http_test_CPPFLAGS)
plugins_http_tests_test_limits_LDADD = $(http_test_LDADD)
$(plugins_http_tests_test_limits_OBJECTS): plugins/http/http-manifest.h
plugins_http_tests_test_sink_SOURCES = plugins/http/tests/test_sink.c \
  plugins/http/tests/faults.c plugins/http/tests/faults.h $(http_test_objects)
plugins_http_tests_test_sink_CPPFLAGS = $(http_test_CPPFLAGS)
plugins_http_tests_test_sink_LDADD = $(http_test_LDADD)
$(plugins_http_tests_test_sink_OBJECTS): plugins/http/http-manifest.h
plugins_http_tests_test_client_SOURCES = plugins/http/tests/test_client.c \
  plugins/http/tests/faults.c plugins/http/tests/faults.h
plugins_http_tests_test_client_CPPFLAGS = $(http_test_CPPFLAGS)
plugins_http_tests_test_client_LDADD = $(http_test_LDADD)
http_server_sources = plugins/http/tests/server.c plugins/http/tests/server.h
plugins_http_tests_test_poll_SOURCES = plugins/http/tests/test_poll.c $(http_server_sources) \
  $(http_test_objects)
plugins_http_tests_test_poll_CPPFLAGS = $(http_test_CPPFLAGS)
plugins_http_tests_test_poll_LDADD = $(http_test_LDADD)
$(plugins_http_tests_test_poll_OBJECTS): plugins/http/http-manifest.h
plugins_http_tests_test_tls_SOURCES = plugins/http/tests/test_tls.c \
  plugins/http/tests/faults.c plugins/http/tests/faults.h
plugins_http_tests_test_tls_CPPFLAGS = $(http_test_CPPFLAGS)
plugins_http_tests_test_tls_LDADD = $(http_test_LDADD)
plugins_http_tests_test_auth_SOURCES = plugins/http/tests/test_auth.c \
  plugins/http/tests/faults.c plugins/http/tests/faults.h $(http_server_sources)
plugins_http_tests_test_auth_CPPFLAGS = $(http_test_CPPFLAGS)
plugins_http_tests_test_auth_LDADD = $(http_test_LDADD)
endif
