# conf.d: YAML to typed configuration
core_libbusbar_core_la_SOURCES += core/config/config.h core/config/internal.h \
  core/config/arena.c core/config/node.c core/config/file.c core/config/yaml.c \
  core/config/expand.c core/config/diag.c core/config/values.c core/config/format.c \
  core/config/scalar.c core/config/read.c core/config/keys.c core/config/schema.c \
  core/config/secrets.c core/config/sections.c core/config/policies.c core/config/load.c core/config/extra.c
dist_man_MANS += docs/man/busbar.yaml.5
EXTRA_DIST += docs/configuration.md
