# The public contract and its ONE implementation of messages and codecs:
# static and hidden in every plugin, linked by the core too.
sdkinclude_HEADERS += sdk/include/busbar/connector.h sdk/include/busbar/message.h sdk/include/busbar/json.h
sdklib_LIBRARIES += sdk/lib/libbusbar-sdk.a
sdk_lib_libbusbar_sdk_a_CFLAGS = $(AM_CFLAGS) -fPIC
sdk_lib_libbusbar_sdk_a_SOURCES =
pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = sdk/busbar-sdk.pc
include sdk/lib/local.mk
include sdk/lib/plugin.mk
include sdk/tools/local.mk
include sdk/template.mk
include sdk/lib/http.mk
include sdk/schemas.mk
