# conf.d: YAML to typed configuration
core_libbusbar_core_la_SOURCES += core/config/config.h core/config/internal.h \
  core/config/arena.c core/config/source.c core/config/yaml.c core/config/diag.c \
  core/config/nearest.c core/config/values.c core/config/emit.c core/config/expand.c \
  core/config/secrets.c core/config/table.c core/config/tables.c core/config/shapes.c \
  core/config/sections.c core/config/cross.c \
  core/config/schema.c core/config/check_endpoint.c core/config/load.c
dist_man_MANS += docs/man/busbar.yaml.5
EXTRA_DIST += docs/configuration.md
