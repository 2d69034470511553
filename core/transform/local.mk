# core/transform: the step interface, then one file (or folder) a step
core_libbusbar_core_la_SOURCES += core/transform/transform.h core/transform/step.h \
  core/transform/internal.h core/transform/compile.c core/transform/apply.c \
  core/transform/ref.h core/transform/ref.c core/transform/enrich.c core/transform/plugin.c \
  core/transform/emit.c
core_libbusbar_core_la_SOURCES += \
  core/transform/split/split.h core/transform/split/read.c core/transform/split/split.c \
  core/transform/require/require.h core/transform/require/read.c core/transform/require/check.c \
  core/transform/require/lists.c core/transform/require/schema.c core/transform/require/window.h \
  core/transform/require/window.c \
  core/transform/jq/jq.h core/transform/jq/program.c core/transform/jq/value.c core/transform/jq/jq.c
core_libbusbar_core_la_SOURCES += \
  core/transform/map/map.h core/transform/map/path.c core/transform/map/level.c \
  core/transform/map/span.c core/transform/map/value.c core/transform/map/arg.c \
  core/transform/map/rule.c core/transform/map/test.h core/transform/map/test.c \
  core/transform/map/cond.c core/transform/map/lint.c core/transform/map/move.c \
  core/transform/map/branch.c core/transform/map/prune.c \
  core/transform/map/gather.c core/transform/map/list.c core/transform/map/order.c \
  core/transform/map/text.c core/transform/map/template.c core/transform/map/table.h \
  core/transform/map/table.c core/transform/map/lookup.c core/transform/map/zone.c \
  core/transform/map/moment.c core/transform/map/date.c core/transform/map/calc.c \
  core/transform/map/convert.c core/transform/map/run.c
core_libbusbar_core_la_SOURCES += \
  core/transform/bom/bom.h core/transform/bom/doc.c core/transform/bom/shelf.c \
  core/transform/bom/phantom.c core/transform/bom/effect.c core/transform/bom/times.c \
  core/transform/bom/number.c core/transform/bom/diff.c core/transform/bom/step.c \
  core/transform/bom/run.c core/transform/bom/carries.c
