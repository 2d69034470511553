core_libbusbar_core_la_SOURCES += core/host/host.h core/host/internal.h core/host/accept.c core/host/api.c core/host/arrive.c core/host/ask.c core/host/cache.c \
  core/host/child.c core/host/deliver.c core/host/deliver.h core/host/elf.c core/host/end.c core/host/instance.c core/host/link.c core/host/load.c \
  core/host/manifest.c core/host/message.c core/host/outbox.c core/host/process.c \
  core/host/run.c core/host/step.c core/host/submit.c core/host/token.c core/host/welcome.c
