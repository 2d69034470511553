# reading the journal beside its writer
core_libbusbar_core_la_SOURCES += core/journal/view.c core/journal/check.c core/journal/backup.c \
  core/journal/salvage.c
