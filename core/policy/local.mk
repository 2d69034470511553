# core/policy: what the configuration says of messages as they come in
core_libbusbar_core_la_SOURCES += core/policy/policy.h core/policy/match.c core/policy/ownership.c
