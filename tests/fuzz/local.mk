# tests/fuzz
# A fuzzer is its name in FUZZERS, its sources, a folder corpus/<name> of seeds and, if it helps,
# <name>.dict. It returns what it finds as a crash file in the build folder.
FUZZERS =
FUZZ_SECONDS = 600
FUZZ_LIBS = $(core_LIBS)
EXTRA_PROGRAMS += $(FUZZERS)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/json.dict tests/fuzz/message.dict tests/fuzz/csv.dict \
  tests/fuzz/map.dict tests/fuzz/xml.dict tests/fuzz/units.dict tests/fuzz/schema.dict tests/fuzz/steps.dict

FUZZERS += tests/fuzz/fuzz_json
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_json_LDADD = sdk/lib/libbusbar-sdk.a

FUZZERS += tests/fuzz/fuzz_message
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c
tests_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_message_LDADD = sdk/lib/libbusbar-sdk.a

FUZZERS += tests/fuzz/fuzz_csv
tests_fuzz_fuzz_csv_SOURCES = tests/fuzz/fuzz_csv.c
tests_fuzz_fuzz_csv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_csv_LDADD = sdk/lib/libbusbar-sdk.a

FUZZERS += tests/fuzz/fuzz_web
tests_fuzz_fuzz_web_SOURCES = tests/fuzz/fuzz_web.c
tests_fuzz_fuzz_web_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_web_LDADD = sdk/lib/libbusbar-sdk.a

FUZZERS += tests/fuzz/fuzz_xml
tests_fuzz_fuzz_xml_SOURCES = tests/fuzz/fuzz_xml.c
tests_fuzz_fuzz_xml_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_xml_LDADD = sdk/lib/libbusbar-sdk.a $(XML_LIBS)

FUZZERS += tests/fuzz/fuzz_units
tests_fuzz_fuzz_units_SOURCES = tests/fuzz/fuzz_units.c
tests_fuzz_fuzz_units_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_units_LDADD = sdk/lib/libbusbar-sdk.a $(GMP_LIBS)

FUZZERS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_wire_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_zmtp
tests_fuzz_fuzz_zmtp_SOURCES = tests/fuzz/fuzz_zmtp.c
tests_fuzz_fuzz_zmtp_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_zmtp_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_bom
tests_fuzz_fuzz_bom_SOURCES = tests/fuzz/fuzz_bom.c
tests_fuzz_fuzz_bom_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_bom_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_manifest
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz_manifest.c
tests_fuzz_fuzz_manifest_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_manifest_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_map
tests_fuzz_fuzz_map_SOURCES = tests/fuzz/fuzz_map.c
tests_fuzz_fuzz_map_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_map_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_steps
tests_fuzz_fuzz_steps_SOURCES = tests/fuzz/fuzz_steps.c
tests_fuzz_fuzz_steps_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_steps_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_case
tests_fuzz_fuzz_case_SOURCES = tests/fuzz/fuzz_case.c
tests_fuzz_fuzz_case_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_case_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_schema
tests_fuzz_fuzz_schema_SOURCES = tests/fuzz/fuzz_schema.c
tests_fuzz_fuzz_schema_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_schema_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_validate
tests_fuzz_fuzz_validate_SOURCES = tests/fuzz/fuzz_validate.c
tests_fuzz_fuzz_validate_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_validate_LDADD = $(FUZZ_LIBS)

FUZZERS += tests/fuzz/fuzz_plant
tests_fuzz_fuzz_plant_SOURCES = tests/fuzz/fuzz_plant.c $(plant_systems)
tests_fuzz_fuzz_plant_CPPFLAGS = $(tools_plant_plant_CPPFLAGS)
tests_fuzz_fuzz_plant_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_plant_LDADD = $(tools_plant_plant_LDADD)

# Each fuzzer in turn, from its seeds and from what earlier runs of this build folder learned.
.PHONY: fuzz
if FUZZER
fuzz: $(FUZZERS)
	@set -e; for f in $(FUZZERS); do n=$${f##*/fuzz_}; \
	  c=tests/fuzz/learned/$$n; mkdir -p $$c; set -- $$c; \
	  s=$(top_srcdir)/tests/fuzz; \
	  if test -d $$s/corpus/$$n; then set -- "$$@" $$s/corpus/$$n; fi; \
	  if test -f $$s/$$n.dict; then set -- -dict=$$s/$$n.dict "$$@"; fi; \
	  echo "fuzz: $$n for $(FUZZ_SECONDS) s"; \
	  ./$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
	    -artifact_prefix=tests/fuzz/$$n- -print_final_stats=1 "$$@" 2> tests/fuzz/$$n.log \
	    || { tail -n 60 tests/fuzz/$$n.log; echo "fuzz: $$n found a fault; the input is in" \
	         "tests/fuzz/$$n-*, the log in tests/fuzz/$$n.log" >&2; exit 1; }; \
	  grep -E 'Done|average_exec' tests/fuzz/$$n.log; done
else
fuzz:
	@echo "make fuzz needs a build for libFuzzer: CC=clang ../configure --enable-sanitizer=fuzzer" >&2
	@exit 1
endif

FUZZERS += tests/fuzz/fuzz_mes
tests_fuzz_fuzz_mes_SOURCES = tests/fuzz/fuzz_mes.c $(mes_SOURCES) tests/plugins/fakehost.c tests/plugins/fakehost.h
tests_fuzz_fuzz_mes_CPPFLAGS = $(AM_CPPFLAGS) -Iplugins/mes
tests_fuzz_fuzz_mes_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_mes_LDADD = $(mes_LIBS) -lpthread
$(tests_fuzz_fuzz_mes_OBJECTS): plugins/mes/mes-manifest.h
FUZZERS += tests/fuzz/fuzz_edm
tests_fuzz_fuzz_edm_SOURCES = tests/fuzz/fuzz_edm.c plugins/sap/edm.c plugins/sap/value.c plugins/sap/entity.c
tests_fuzz_fuzz_edm_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
tests_fuzz_fuzz_edm_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_edm_LDADD = sdk/lib/libbusbar-sdk.a $(XML_LIBS) $(GMP_LIBS)
FUZZERS += tests/fuzz/fuzz_wms
tests_fuzz_fuzz_wms_SOURCES = tests/fuzz/fuzz_wms.c plugins/wms/value.c plugins/wms/uri.c plugins/wms/kind.c \
  plugins/wms/event_in.c plugins/wms/xml.c plugins/wms/drop_row.c
tests_fuzz_fuzz_wms_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS) $(CRYPTO_CFLAGS)
tests_fuzz_fuzz_wms_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_wms_LDADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(XML_LIBS) $(CRYPTO_LIBS) $(GMP_LIBS)
FUZZERS += tests/fuzz/fuzz_plm
tests_fuzz_fuzz_plm_SOURCES = tests/fuzz/fuzz_plm.c plugins/plm/field.c plugins/plm/change_in.c plugins/plm/item_in.c \
  plugins/plm/bom_in.c plugins/plm/structure.c
tests_fuzz_fuzz_plm_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_fuzz_fuzz_plm_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_plm_LDADD = sdk/lib/libbusbar-sdk.a $(CRYPTO_LIBS) $(GMP_LIBS)
FUZZERS += tests/fuzz/fuzz_x12
tests_fuzz_fuzz_x12_SOURCES = tests/fuzz/fuzz_x12.c plugins/portal/kind.c plugins/portal/feed.c $(portal_x12)
tests_fuzz_fuzz_x12_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_fuzz_x12_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_x12_LDADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(CRYPTO_LIBS) $(GMP_LIBS)
