# core/admin
core_libbusbar_core_la_SOURCES += core/admin/admin.h core/admin/internal.h core/admin/report.h \
  core/admin/api.c core/admin/delivery.c core/admin/match.c core/admin/metrics.c \
  core/admin/report.c core/admin/rows.c core/admin/server.c core/admin/socket.c core/admin/trace.c
