# sdk/lib
sdkinclude_HEADERS += sdk/include/busbar/csv.h sdk/include/busbar/decimal.h sdk/include/busbar/units.h
sdk_lib_libbusbar_sdk_a_SOURCES += \
  sdk/lib/codec.h sdk/lib/buf.c sdk/lib/utf8.c sdk/lib/number.c sdk/lib/pack.c \
  sdk/lib/cursor.c sdk/lib/lookup.c sdk/lib/keys.c sdk/lib/check.c sdk/lib/envelope.c \
  sdk/lib/json_read.c sdk/lib/json_write.c sdk/lib/event.c sdk/lib/id.c sdk/lib/csv.c \
  sdk/lib/limbs.h sdk/lib/limbs.c sdk/lib/decimal.c sdk/lib/decimal_text.c \
  sdk/lib/units.c sdk/lib/units_item.c sdk/lib/units_scheme.c sdk/lib/units_table.h sdk/lib/units_table.c
