# core/hub: the router
core_libbusbar_core_la_SOURCES += core/hub/hub.h core/hub/internal.h core/hub/generation.h \
  core/hub/carries.h core/hub/carries.c core/hub/generation.c core/hub/generation_internal.h core/hub/generation_query.c core/hub/generation_plugin.c core/hub/query.c core/hub/hub.c core/hub/frames.c core/hub/metric.c core/hub/peer.c core/hub/intake.c core/hub/lanes.c \
  core/hub/route.c core/hub/mark.c core/hub/rows.c core/hub/setup.c core/hub/join.c core/hub/key.c core/hub/dispatch.c core/hub/flight.c core/hub/batch.c core/hub/limit.c core/hub/settle.c \
  core/hub/outcome.c core/hub/changed.c core/hub/ask.c core/hub/status.c core/hub/rehearse.c
