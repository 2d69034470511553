# tests/fault: what must be survived
TESTS += tests/fault/kill.sh tests/fault/isolation.sh tests/fault/disk-full.sh tests/fault/slow.sh
EXTRA_DIST += tests/fault/lib_kill.sh tests/fault/kill.sh tests/fault/isolation.sh \
  tests/fault/disk-full.sh tests/fault/slow.sh

# A core that answers before its commit: kill.sh must catch it. Not for sanitized builds, whose
# object of the writer would be one more.
if !SANITIZED
check_PROGRAMS += tests/fault/busbar-early
tests_fault_busbar_early_SOURCES = $(busbar_SOURCES) core/journal/writer.c
tests_fault_busbar_early_CPPFLAGS = $(AM_CPPFLAGS) -DBB_JOURNAL_ACK_EARLY
tests_fault_busbar_early_LDADD = $(core_LIBS)
endif
# the journal alone: killed, out of space, without power. journal_driver_early answers before its
# commit: the harnesses must find that
check_PROGRAMS += tests/fault/journal_driver tests/fault/journal_driver_early tests/fault/power_cut
TESTS += tests/fault/journal-sweep.sh tests/fault/power-cut.sh tests/fault/journal-full.sh tests/fault/emit-room.sh
EXTRA_DIST += tests/fault/journal-sweep.sh tests/fault/power-cut.sh tests/fault/journal-full.sh tests/fault/emit-room.sh
tests_fault_journal_driver_SOURCES = tests/fault/journal_driver.c tests/fault/journal_driver.h \
  tests/fault/journal_batch.c tests/fault/journal_verify.c
tests_fault_journal_driver_LDADD = $(core_LIBS)
tests_fault_journal_driver_early_SOURCES = $(tests_fault_journal_driver_SOURCES) \
  core/journal/writer.c
tests_fault_journal_driver_early_CPPFLAGS = $(AM_CPPFLAGS) -DBB_JOURNAL_ACK_EARLY
tests_fault_journal_driver_early_LDADD = $(core_LIBS)
tests_fault_power_cut_SOURCES = tests/fault/power_cut.c

# the whole core: its write-side calls in turn
TESTS += tests/fault/poll-kill.sh
EXTRA_DIST += tests/fault/poll-kill.sh
TESTS += tests/fault/core-sweep.sh
EXTRA_DIST += tests/fault/core-sweep.sh tests/fault/core-point.sh tests/fault/inject.c
if !SANITIZED
check_LTLIBRARIES += tests/fault/inject.la
tests_fault_inject_la_SOURCES = tests/fault/inject.c
tests_fault_inject_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere
endif

# files to a file over kills of the core
TESTS += tests/fault/files.sh
EXTRA_DIST += tests/fault/files.sh
# a new route takes what is stored, over kills of the core
TESTS += tests/fault/start-oldest.sh
EXTRA_DIST += tests/fault/start-oldest.sh
# the wall clock jumps; not for sanitized builds, whose run time must be loaded first
TESTS += tests/fault/clock.sh
EXTRA_DIST += tests/fault/clock.sh tests/fault/clock_shift.c
if !SANITIZED
check_LTLIBRARIES += tests/fault/clock_shift.la
tests_fault_clock_shift_la_SOURCES = tests/fault/clock_shift.c
tests_fault_clock_shift_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere
endif
# a message becomes others, over kills of the core: all of them or none
TESTS += tests/fault/split.sh
EXTRA_DIST += tests/fault/split.sh
# stock postings from the plant's WMS to its ERP, over lost answers and kills of the core: each once
TESTS += tests/fault/postings.sh
EXTRA_DIST += tests/fault/postings.sh
