bin_PROGRAMS += busbar
busbar_SOURCES = core/cli/main.c core/cli/cli.h core/cli/args.c core/cli/check.c core/cli/client.c \
  core/cli/host.c core/cli/journal.c core/cli/message.c core/cli/new.c core/cli/open.c \
  core/cli/out.c core/cli/plugins.c core/cli/read.c core/cli/run.c core/cli/send.c \
  core/cli/status.c core/cli/trace.c
busbar_LDADD = $(core_LIBS)
