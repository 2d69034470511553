# tests of sdk
check_PROGRAMS += tests/unit/test_json tests/unit/test_message tests/unit/test_csv
TESTS += tests/unit/test_json tests/unit/test_message tests/unit/test_csv
# the codecs alone; msgpack-c is the oracle they are compared with
tests_unit_test_json_SOURCES = tests/unit/test_json.c tests/unit/json_cases.h
tests_unit_test_json_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MSGPACK_CFLAGS)
tests_unit_test_json_LDADD = sdk/lib/libbusbar-sdk.a $(MSGPACK_LIBS) $(CHECK_LIBS)
tests_unit_test_message_SOURCES = tests/unit/test_message.c
tests_unit_test_message_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MSGPACK_CFLAGS)
tests_unit_test_message_LDADD = sdk/lib/libbusbar-sdk.a $(MSGPACK_LIBS) $(CHECK_LIBS)
tests_unit_test_csv_SOURCES = tests/unit/test_csv.c
tests_unit_test_csv_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_csv_LDADD = sdk/lib/libbusbar-sdk.a $(CHECK_LIBS)
