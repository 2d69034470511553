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
check_PROGRAMS += tests/unit/test_xml
TESTS += tests/unit/test_xml
tests_unit_test_xml_SOURCES = tests/unit/test_xml.c
tests_unit_test_xml_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_xml_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS) $(XML_LIBS)
check_PROGRAMS += tests/unit/test_recode
TESTS += tests/unit/test_recode
tests_unit_test_recode_SOURCES = tests/unit/test_recode.c
tests_unit_test_recode_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_recode_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
