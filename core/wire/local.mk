core_libbusbar_core_la_SOURCES += core/wire/wire.h core/wire/read.c core/wire/write.c \
  core/wire/zmtp.h core/wire/zmtp.c
