# what `busbar new connector NAME` copies, @NAME@ replaced
templatedir = $(pkgdatadir)/template
dist_template_DATA = sdk/template/plugin.c sdk/template/manifest.json sdk/template/Makefile \
  sdk/template/test.c sdk/template/sample.yaml sdk/template/README.md
