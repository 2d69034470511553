# the map step
check_PROGRAMS += tests/unit/test_transform tests/unit/test_transform_tree
TESTS += tests/unit/test_transform tests/unit/test_transform_tree
tests_unit_test_transform_SOURCES = tests/unit/test_transform.c tests/unit/transform_rig.h
tests_unit_test_transform_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_transform_LDADD = $(UNIT_LIBS)
tests_unit_test_transform_tree_SOURCES = tests/unit/test_transform_tree.c tests/unit/transform_rig.h
tests_unit_test_transform_tree_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_transform_tree_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_transform_docs
TESTS += tests/unit/test_transform_docs
tests_unit_test_transform_docs_SOURCES = tests/unit/test_transform_docs.c tests/unit/transform_rig.h
tests_unit_test_transform_docs_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_transform_docs_LDADD = $(UNIT_LIBS)
EXTRA_DIST += docs/transforms.md
check_PROGRAMS += tests/unit/test_transform_rules
TESTS += tests/unit/test_transform_rules
tests_unit_test_transform_rules_SOURCES = tests/unit/test_transform_rules.c \
  tests/unit/transform_cases.h tests/unit/transform_rig.h
tests_unit_test_transform_rules_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_transform_rules_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_transform_bom
TESTS += tests/unit/test_transform_bom
tests_unit_test_transform_bom_SOURCES = tests/unit/test_transform_bom.c tests/unit/transform_rig.h
tests_unit_test_transform_bom_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_transform_bom_LDADD = $(UNIT_LIBS)
# the steps split and explode
check_PROGRAMS += tests/unit/test_split
TESTS += tests/unit/test_split
tests_unit_test_split_SOURCES = tests/unit/test_split.c tests/unit/transform_rig.h
tests_unit_test_split_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_split_LDADD = $(UNIT_LIBS)
# the step require
check_PROGRAMS += tests/unit/test_require
TESTS += tests/unit/test_require
tests_unit_test_require_SOURCES = tests/unit/test_require.c tests/unit/transform_rig.h
tests_unit_test_require_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_require_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_enrich
TESTS += tests/unit/test_enrich
tests_unit_test_enrich_SOURCES = tests/unit/test_enrich.c tests/unit/transform_rig.h
tests_unit_test_enrich_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_enrich_LDADD = $(UNIT_LIBS)
# the step jq
check_PROGRAMS += tests/unit/test_jq
TESTS += tests/unit/test_jq
tests_unit_test_jq_SOURCES = tests/unit/test_jq.c tests/unit/transform_rig.h
tests_unit_test_jq_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_jq_LDADD = $(UNIT_LIBS)
