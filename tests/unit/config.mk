# tests of config
check_PROGRAMS += tests/unit/test_config
TESTS += tests/unit/test_config
tests_unit_test_config_SOURCES = tests/unit/test_config.c tests/unit/config_rig.c \
  tests/unit/config_rig.h tests/unit/config_faults.c tests/unit/config_yaml.c \
  tests/unit/config_values.c tests/unit/config_schema.c tests/unit/config_secrets.c \
  tests/unit/config_check.c
tests_unit_test_config_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_LDADD = $(UNIT_LIBS)
