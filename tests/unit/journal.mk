# tests of journal
check_PROGRAMS += tests/unit/test_journal
TESTS += tests/unit/test_journal
tests_unit_test_journal_SOURCES = tests/unit/test_journal.c tests/unit/journal_rig.h
tests_unit_test_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(LMDB_CFLAGS)
tests_unit_test_journal_LDADD = $(UNIT_LIBS)
