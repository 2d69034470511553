# tools: the simulated plant and the load generators; none of them is installed
noinst_PROGRAMS += tools/plant/plant-erp tools/bench/bench-load tools/bench/nats-load \
  tools/bench/bench-map
tools_plant_plant_erp_SOURCES = tools/plant/erp.c tools/plant/erp.h tools/plant/deliver.c \
  tools/plant/books.c tools/plant/fault.c tools/plant/fault.h tools/plant/http.c \
  tools/plant/http.h tools/plant/json.c tools/plant/json.h tools/plant/store.c \
  tools/plant/store.h tools/bench/hist.h
include tools/plant/local.mk
tools_bench_bench_load_SOURCES = tools/bench/load.c tools/bench/load_http.c tools/bench/load.h \
  tools/bench/hist.h
tools_bench_nats_load_SOURCES = tools/bench/nats_load.c tools/bench/hist.h
tools_bench_nats_load_LDADD = -lpthread
tools_bench_bench_map_SOURCES = tools/bench/map_bench.c
tools_bench_bench_map_LDADD = $(core_LIBS)
EXTRA_PROGRAMS += tools/bench/units_bench
tools_bench_units_bench_SOURCES = tools/bench/units_bench.c
tools_bench_units_bench_LDADD = sdk/lib/libbusbar-sdk.a $(GMP_LIBS)

# what tools/test asks
.PHONY: print-tests print-fuzzers
print-tests:
	@echo $(TESTS)
print-fuzzers:
	@echo $(FUZZERS)

# the benches; each needs what tools/bench/run.sh --help says
.PHONY: bench
bench: all $(noinst_PROGRAMS)
	bash $(top_srcdir)/tools/bench/run.sh --build $(abs_top_builddir) $(BENCH)

EXTRA_DIST += tools/test tools/lint tools/quickstart tools/lib/common.sh tools/lib/tally.sh \
  tools/lib/sample.awk tools/bench/run.sh tools/bench/lib.sh tools/bench/files.sh tools/bench/model.sh \
  tests/tsan.supp .ci/run
EXTRA_DIST += tools/units/rec20.py tools/units/expression.py tools/units/facts.py
EXTRA_DIST += tools/model/docs tools/model/page.jq tools/model/index.jq

# style and findings; both look at what git tracks, so they run on the source tree
.PHONY: lint format
lint:
	@$(srcdir)/tools/lint
format:
	@cd $(srcdir) && git ls-files '*.c' '*.h' | xargs -r clang-format -i
