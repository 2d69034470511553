# tests/real: samples of real systems, read where they lie and skipped where they do not
TESTS += tests/real/inventree.sh
EXTRA_DIST += tests/real/inventree.sh
TESTS += tests/real/model.sh
EXTRA_DIST += tests/real/model.sh tests/real/model
check_PROGRAMS += tests/real/ulx3s
TESTS += tests/real/ulx3s
tests_real_ulx3s_SOURCES = tests/real/ulx3s.c
tests_real_ulx3s_LDADD = $(UNIT_LIBS)
