bin_PROGRAMS += busbar
busbar_SOURCES = core/cli/main.c core/cli/cli.h core/cli/args.c core/cli/out.c core/cli/read.c \
  core/cli/message.c core/cli/check.c core/cli/host.c core/cli/new.c
busbar_LDADD = $(core_LIBS)
