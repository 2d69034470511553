# the friendly layer
sdkinclude_HEADERS += sdk/include/busbar/plugin.h
sdk_lib_libbusbar_sdk_a_SOURCES += sdk/lib/plugin.c
# small texts of the web
sdkinclude_HEADERS += sdk/include/busbar/web.h
sdk_lib_libbusbar_sdk_a_SOURCES += sdk/lib/web_uri.c sdk/lib/web_date.c sdk/lib/web_multipart.c
