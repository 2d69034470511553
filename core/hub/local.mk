# core/hub
core_libbusbar_core_la_SOURCES += core/hub/generation.c core/hub/generation.h
