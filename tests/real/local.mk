# tests/real: samples of real systems, read where they lie and skipped where they do not
TESTS += tests/real/inventree.sh
EXTRA_DIST += tests/real/inventree.sh
TESTS += tests/real/units.sh
EXTRA_DIST += tests/real/units.sh
check_PROGRAMS += tests/real/units_all
tests_real_units_all_SOURCES = tests/real/units_all.c
tests_real_units_all_LDADD = sdk/lib/libbusbar-sdk.a $(GMP_LIBS)
TESTS += tests/real/model.sh
EXTRA_DIST += tests/real/model.sh tests/real/model
