# core/transform: the step interface, then one file (or folder) a step
core_libbusbar_core_la_SOURCES += core/transform/transform.h core/transform/step.h \
  core/transform/internal.h core/transform/compile.c core/transform/apply.c \
  core/transform/enrich.c \
  core/transform/map/map.h core/transform/map/path.c core/transform/map/span.c \
  core/transform/map/rule.c core/transform/map/move.c core/transform/map/run.c
