# core/journal
core_libbusbar_core_la_SOURCES += core/journal/journal.h core/journal/record.h core/journal/internal.h \
  core/journal/record.c core/journal/store.c core/journal/siphash.c core/journal/crc32c.c
