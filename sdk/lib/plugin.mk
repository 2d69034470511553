# the friendly layer
sdkinclude_HEADERS += sdk/include/busbar/plugin.h
sdk_lib_libbusbar_sdk_a_SOURCES += sdk/lib/plugin.c
