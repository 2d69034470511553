# tests of hub
check_PROGRAMS += tests/unit/test_hub
TESTS += tests/unit/test_hub
tests_unit_test_hub_SOURCES = tests/unit/test_hub.c
tests_unit_test_hub_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_hub_flow
TESTS += tests/unit/test_hub_flow
tests_unit_test_hub_flow_SOURCES = tests/unit/test_hub_flow.c tests/unit/hub_core.c tests/unit/hub_core.h \
  tests/unit/hub_fake.c tests/unit/hub_fake.h
tests_unit_test_hub_flow_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_hub_peer
TESTS += tests/unit/test_hub_peer
tests_unit_test_hub_peer_SOURCES = tests/unit/test_hub_peer.c tests/unit/hub_rig.c tests/unit/hub_rig.h
tests_unit_test_hub_peer_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_hub_start
TESTS += tests/unit/test_hub_start
tests_unit_test_hub_start_SOURCES = tests/unit/test_hub_start.c tests/unit/hub_rig.c tests/unit/hub_rig.h
tests_unit_test_hub_start_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_hub_books
TESTS += tests/unit/test_hub_books
tests_unit_test_hub_books_SOURCES = tests/unit/test_hub_books.c tests/unit/hub_rig.c tests/unit/hub_rig.h
tests_unit_test_hub_books_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_hub_join
TESTS += tests/unit/test_hub_join
tests_unit_test_hub_join_SOURCES = tests/unit/test_hub_join.c tests/unit/hub_rig.c tests/unit/hub_rig.h
tests_unit_test_hub_join_LDADD = $(UNIT_LIBS)
