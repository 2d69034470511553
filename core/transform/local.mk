# core/transform
core_libbusbar_core_la_SOURCES += core/transform/transform.h core/transform/internal.h \
  core/transform/path.c core/transform/span.c core/transform/compile.c core/transform/apply.c
