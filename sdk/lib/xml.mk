# XML; a plugin that uses it adds $(XML_LIBS) to its LIBADD, one that does not needs no libxml2
sdkinclude_HEADERS += sdk/include/busbar/xml.h
sdk_lib_libbusbar_sdk_a_SOURCES += sdk/lib/xml_map.c sdk/lib/xml_read.c sdk/lib/xml_names.c sdk/lib/xml_events.c sdk/lib/xml_emit.c \
  sdk/lib/xml_write.c sdk/lib/xml_qname.c sdk/lib/xml_map.h sdk/lib/xml_tree.h sdk/lib/xml_read.h
