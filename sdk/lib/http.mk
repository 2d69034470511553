# the HTTP client; a plugin that uses it adds $(CURL_LIBS) to its LIBADD
sdkinclude_HEADERS += sdk/include/busbar/http.h sdk/include/busbar/poll.h
sdk_lib_libbusbar_sdk_a_SOURCES += sdk/lib/http_client.c sdk/lib/http_call.c sdk/lib/http_run.c sdk/lib/http_answer.c \
  sdk/lib/http_gate.c sdk/lib/http_oauth.c sdk/lib/http_lease.c sdk/lib/http_tls.c \
  sdk/lib/http_conf.c sdk/lib/http_outcome.c sdk/lib/http_template.c sdk/lib/poll.c sdk/lib/poll_page.c sdk/lib/poll_conf.c sdk/lib/poll.h sdk/lib/http_call.h
