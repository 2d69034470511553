# tests/real: samples of real systems, read where they lie and skipped where they do not
TESTS += tests/real/inventree.sh
EXTRA_DIST += tests/real/inventree.sh
check_PROGRAMS += tests/real/xml_identity
tests_real_xml_identity_SOURCES = tests/real/xml_identity.c
tests_real_xml_identity_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
tests_real_xml_identity_LDADD = sdk/lib/libbusbar-sdk.a $(XML_LIBS)
TESTS += tests/real/xml.sh
EXTRA_DIST += tests/real/xml.sh
