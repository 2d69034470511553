# core/journal
core_libbusbar_core_la_SOURCES += core/journal/journal.h core/journal/record.h \
  core/journal/internal.h core/journal/record.c core/journal/store.c core/journal/siphash.c \
  core/journal/crc32c.c core/journal/journal.c core/journal/load.c core/journal/rebuild.c core/journal/writer.c \
  core/journal/append.c core/journal/settle.c core/journal/oper.c core/journal/rows.c core/journal/oldest.c \
  core/journal/events.c core/journal/claims.c core/journal/reader.c core/journal/retain.c \
  core/journal/reserve.c core/journal/join.c core/journal/hold.c core/journal/guard.c \
  core/journal/wal.h core/journal/wal.c core/journal/checkpoint.c core/journal/redo.c core/journal/txn.c
include core/journal/tools.mk
EXTRA_PROGRAMS += tools/bench/journal_bench
tools_bench_journal_bench_SOURCES = tools/bench/journal_bench.c
tools_bench_journal_bench_CPPFLAGS = $(AM_CPPFLAGS) $(LMDB_CFLAGS)
tools_bench_journal_bench_LDADD = $(core_LIBS) $(LMDB_LIBS)
