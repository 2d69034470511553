# busbar-manifest: manifest.json to the ELF note's C text; plugins are built with it, in this tree
# and elsewhere. The pattern for a plugin is in plugins/file/local.mk.
bin_PROGRAMS += sdk/tools/busbar-manifest
sdk_tools_busbar_manifest_SOURCES = sdk/tools/busbar-manifest.c
sdk_tools_busbar_manifest_LDADD = sdk/lib/libbusbar-sdk.a
