# tests/real: samples of real systems and servers nobody here wrote, read and talked to where they are, skipped where not
TESTS += tests/real/b2mml.sh
EXTRA_DIST += tests/real/b2mml.sh
TESTS += tests/real/inventree.sh tests/real/json-schema.sh
EXTRA_DIST += tests/real/inventree.sh tests/real/json-schema.sh
TESTS += tests/real/units.sh
EXTRA_DIST += tests/real/units.sh
check_PROGRAMS += tests/real/units_all
tests_real_units_all_SOURCES = tests/real/units_all.c
tests_real_units_all_LDADD = sdk/lib/libbusbar-sdk.a $(GMP_LIBS)
TESTS += tests/real/model.sh
EXTRA_DIST += tests/real/model.sh tests/real/model
check_PROGRAMS += tests/real/ulx3s
TESTS += tests/real/ulx3s
tests_real_ulx3s_SOURCES = tests/real/ulx3s.c
tests_real_ulx3s_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/real/xml_identity
tests_real_xml_identity_SOURCES = tests/real/xml_identity.c
tests_real_xml_identity_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
tests_real_xml_identity_LDADD = sdk/lib/libbusbar-sdk.a $(XML_LIBS)
TESTS += tests/real/xml.sh
EXTRA_DIST += tests/real/xml.sh
check_PROGRAMS += tests/real/sap_edmx
tests_real_sap_edmx_SOURCES = tests/real/sap_edmx.c plugins/sap/edm.c
tests_real_sap_edmx_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS)
tests_real_sap_edmx_LDADD = sdk/lib/libbusbar-sdk.a $(XML_LIBS)
TESTS += tests/real/sap-edmx.sh
EXTRA_DIST += tests/real/sap-edmx.sh
# through routes: conf.d in tests/real/routes, files dropped and written
TESTS += tests/real/inventree-back.sh tests/real/sap.sh tests/real/xml-canonical.sh \
  tests/real/catena-x.sh tests/real/epcis.sh
EXTRA_DIST += tests/real/lib.sh tests/real/routes tests/real/inventree-back.sh tests/real/inventree_back.py tests/real/sap.sh \
  tests/real/xml-canonical.sh tests/real/catena-x.sh tests/real/draft4.jq tests/real/epcis.sh
check_PROGRAMS += tests/real/wms_epcis
tests_real_wms_epcis_SOURCES = tests/real/wms_epcis.c plugins/wms/value.c plugins/wms/uri.c plugins/wms/kind.c \
  plugins/wms/event_in.c plugins/wms/event_out.c plugins/wms/xml.c
tests_real_wms_epcis_CPPFLAGS = $(AM_CPPFLAGS) $(XML_CFLAGS) $(CRYPTO_CFLAGS)
tests_real_wms_epcis_LDADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(XML_LIBS) $(CRYPTO_LIBS)
TESTS += tests/real/wms-epcis.sh
EXTRA_DIST += tests/real/wms-epcis.sh
TESTS += tests/real/plmxml.sh
EXTRA_DIST += tests/real/plmxml.sh
check_PROGRAMS += tests/real/x12_sets
tests_real_x12_sets_SOURCES = tests/real/x12_sets.c plugins/portal/kind.c $(portal_x12)
tests_real_x12_sets_CPPFLAGS = $(AM_CPPFLAGS)
tests_real_x12_sets_LDADD = sdk/lib/libbusbar-sdk.a $(CURL_LIBS) $(CRYPTO_LIBS) $(GMP_LIBS)
TESTS += tests/real/portal-x12.sh
EXTRA_DIST += tests/real/portal-x12.sh
TESTS += tests/real/portal-prism.sh
EXTRA_DIST += tests/real/portal-prism.sh
# servers of npm, fetched into npm/ of the build folder by their lock files (tests/real/npm/lib.sh)
TESTS += tests/real/sap-mockserver.sh tests/real/oauth2.sh tests/real/odata-write.sh tests/real/http-prism.sh
EXTRA_DIST += tests/real/npm tests/real/sap-mockserver.sh tests/real/oauth2.sh tests/real/odata-write.sh tests/real/http-prism.sh
clean-local:
	rm -rf npm
