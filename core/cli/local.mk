bin_PROGRAMS += busbar
busbar_SOURCES = core/cli/main.c core/cli/cli.h core/cli/args.c core/cli/check.c core/cli/client.c \
  core/cli/host.c core/cli/journal.c core/cli/message.c core/cli/new.c core/cli/open.c \
  core/cli/out.c core/cli/plugins.c core/cli/read.c core/cli/run.c core/cli/send.c \
  core/cli/status.c core/cli/trace.c core/cli/validate.c
busbar_LDADD = $(core_LIBS)

# paths of the installation, which configure cannot fill in whole
EXTRA_DIST += core/cli/busbar.service.in
core/cli/busbar.service: core/cli/busbar.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) core/cli && sed -e 's|@bindir[@]|$(bindir)|g' \
	  -e 's|@sysconfdir[@]|$(sysconfdir)|g' $(srcdir)/core/cli/busbar.service.in >$@.tmp && mv $@.tmp $@
CLEANFILES += core/cli/busbar.service
if SYSTEMD_UNIT
systemdsystemunit_DATA = core/cli/busbar.service
endif
dist_man_MANS += docs/man/busbar.1
