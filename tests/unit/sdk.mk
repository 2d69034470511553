# tests of sdk
sdk_tests = tests/unit/test_json tests/unit/test_json_grammar tests/unit/test_json_random \
  tests/unit/test_json_event tests/unit/test_value tests/unit/test_message tests/unit/test_csv
check_PROGRAMS += $(sdk_tests)
TESTS += $(sdk_tests)
# the codecs alone; msgpack-c is the oracle they are compared with
tests_unit_test_json_SOURCES = tests/unit/test_json.c tests/unit/json_rig.h tests/unit/json_rules.h
tests_unit_test_json_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_json_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
tests_unit_test_json_grammar_SOURCES = tests/unit/test_json_grammar.c tests/unit/json_rig.h
tests_unit_test_json_grammar_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_json_grammar_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
tests_unit_test_json_random_SOURCES = tests/unit/test_json_random.c tests/unit/json_rig.h
tests_unit_test_json_random_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MSGPACK_CFLAGS)
tests_unit_test_json_random_LDADD = sdk/lib/libbusbar-sdk.a $(MSGPACK_LIBS) $(CHECK_LIBS)
tests_unit_test_json_event_SOURCES = tests/unit/test_json_event.c tests/unit/json_rig.h
tests_unit_test_json_event_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_json_event_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
tests_unit_test_value_SOURCES = tests/unit/test_value.c tests/unit/message_rig.h
tests_unit_test_value_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MSGPACK_CFLAGS)
tests_unit_test_value_LDADD = sdk/lib/libbusbar-sdk.a $(MSGPACK_LIBS) $(CHECK_LIBS)
tests_unit_test_message_SOURCES = tests/unit/test_message.c tests/unit/message_rig.h
tests_unit_test_message_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_message_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
tests_unit_test_csv_SOURCES = tests/unit/test_csv.c
tests_unit_test_csv_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_csv_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
# decimals: the edges, and random cases against python's
check_PROGRAMS += tests/unit/test_decimal tests/unit/decimal_calc
TESTS += tests/unit/test_decimal tests/unit/decimal.sh
EXTRA_DIST += tests/unit/decimal.sh tests/unit/decimal_oracle.py
tests_unit_test_decimal_SOURCES = tests/unit/test_decimal.c
tests_unit_test_decimal_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_decimal_LDADD = sdk/lib/libbusbar-sdk.a $(GMP_LIBS) $(CHECK_LIBS)
tests_unit_decimal_calc_SOURCES = tests/unit/decimal_calc.c
tests_unit_decimal_calc_LDADD = sdk/lib/libbusbar-sdk.a $(GMP_LIBS)
check_PROGRAMS += tests/unit/test_units
TESTS += tests/unit/test_units
tests_unit_test_units_SOURCES = tests/unit/test_units.c
tests_unit_test_units_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_units_LDADD = sdk/lib/libbusbar-sdk.a $(GMP_LIBS) $(CHECK_LIBS)
