core_libbusbar_core_la_SOURCES += core/base/base.h core/base/log.c core/base/clock.c core/base/nearest.c core/base/util.c
