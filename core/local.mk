# Dependencies point one way: base <- {config, journal, wire, transform, schema} <- policy <- host, hub
# <- index <- admin <- rehearse <- cli. Each folder appends its files.
noinst_LTLIBRARIES += core/libbusbar-core.la
core_libbusbar_core_la_CPPFLAGS = $(AM_CPPFLAGS) $(FYAML_CFLAGS)
core_libbusbar_core_la_SOURCES =
core_libbusbar_core_la_LIBADD = $(ZMQ_LIBS) $(LMDB_LIBS) $(FYAML_LIBS) $(MHD_LIBS) \
  $(CURL_LIBS) $(SQLITE_LIBS) $(CRYPTO_LIBS) $(PCRE2_LIBS) $(SYSTEMD_LIBS) $(JQ_LIBS) -lm -lpthread -ldl
core_LIBS = core/libbusbar-core.la sdk/lib/libbusbar-sdk.a $(GMP_LIBS)
include core/base/local.mk
include core/config/local.mk
include core/journal/local.mk
include core/wire/local.mk
include core/transform/local.mk
include core/schema/local.mk
include core/host/local.mk
include core/policy/local.mk
include core/hub/local.mk
include core/index/local.mk
include core/admin/local.mk
include core/rehearse/local.mk
include core/cli/local.mk
