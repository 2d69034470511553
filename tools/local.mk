# tools: the simulated plant and the load generators; none of them is installed
noinst_PROGRAMS += tools/plant/plant-erp tools/bench/bench-load
tools_plant_plant_erp_SOURCES = tools/plant/erp.c tools/plant/erp.h tools/plant/deliver.c \
  tools/plant/books.c tools/plant/fault.c tools/plant/fault.h tools/plant/http.c \
  tools/plant/http.h tools/plant/json.c tools/plant/json.h tools/plant/store.c \
  tools/plant/store.h tools/bench/hist.h
tools_bench_bench_load_SOURCES = tools/bench/load.c tools/bench/load_http.c tools/bench/load.h \
  tools/bench/hist.h
