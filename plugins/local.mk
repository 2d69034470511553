# Connectors: each a real .so on the SDK alone.
PLUGIN_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version $(NO_UNDEFINED) -Wl,-z,nodelete -Wl,--exclude-libs,ALL
include plugins/http/local.mk
include plugins/file/local.mk
include plugins/sap/local.mk
include plugins/mes/local.mk
include plugins/wms/local.mk
include plugins/plm/local.mk
include plugins/portal/local.mk

# libtool's .la files have no use for a plugin that is opened by path
install-data-hook:
	rm -f $(DESTDIR)$(plugindir)/*.la
# and without a .la its uninstall finds no .so
uninstall-hook:
	for p in $(plugin_LTLIBRARIES); do \
	  p=$${p##*/}; rm -f "$(DESTDIR)$(plugindir)/$${p%.la}.so"; done
