# http: webhooks in, requests out. Adding a file: list it in _SOURCES.
plugin_LTLIBRARIES += plugins/http/http.la
plugins_http_http_la_SOURCES = plugins/http/plugin.c plugins/http/http.h plugins/http/source.c \
  plugins/http/source.h plugins/http/conn.c plugins/http/request.c plugins/http/messages.c \
  plugins/http/guard.c plugins/http/answer.c plugins/http/sink.c plugins/http/body.c \
  plugins/http/body.h
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
EXTRA_DIST += plugins/http/manifest.json plugins/http/README.md
dist_man_MANS += plugins/http/busbar-http.7
