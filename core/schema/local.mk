# core/schema
core_libbusbar_core_la_SOURCES += core/schema/schema.h core/schema/internal.h \
  core/schema/arena.c core/schema/uri.c core/schema/place.c core/schema/library.c \
  core/schema/locate.c core/schema/meta.c core/schema/table.c core/schema/pattern.c core/schema/format.c \
  core/schema/keyword.h core/schema/keywords.c core/schema/keyword_core.c \
  core/schema/keyword_apply.c core/schema/keyword_value.c core/schema/finish.c core/schema/link.c \
  core/schema/compile.c core/schema/check.c core/schema/logic.c core/schema/object.c \
  core/schema/array.c core/schema/equal.c core/schema/report.c
EXTRA_PROGRAMS += tools/bench/schema_bench
tools_bench_schema_bench_SOURCES = tools/bench/schema_bench.c
tools_bench_schema_bench_LDADD = $(core_LIBS)
EXTRA_DIST += tools/bench/movement.schema.json tools/bench/movement.json tools/bench/movement.jq
