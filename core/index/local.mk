# core/index
core_libbusbar_core_la_SOURCES += core/index/index.h core/index/internal.h core/index/index.c \
  core/index/day.c core/index/search.c
