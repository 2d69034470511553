# tests of journal
check_PROGRAMS += tests/unit/test_journal
TESTS += tests/unit/test_journal
tests_unit_test_journal_SOURCES = tests/unit/test_journal.c tests/unit/journal_rig.h
tests_unit_test_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(LMDB_CFLAGS)
tests_unit_test_journal_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_journal_model
TESTS += tests/unit/test_journal_model
tests_unit_test_journal_model_SOURCES = tests/unit/test_journal_model.c tests/unit/journal_rig.h
tests_unit_test_journal_model_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_journal_model_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_journal_tools
TESTS += tests/unit/test_journal_tools
tests_unit_test_journal_tools_SOURCES = tests/unit/test_journal_tools.c tests/unit/journal_rig.h
tests_unit_test_journal_tools_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(LMDB_CFLAGS)
tests_unit_test_journal_tools_LDADD = $(UNIT_LIBS)
