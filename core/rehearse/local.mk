# core/rehearse: routes tried out by the real core, with played endpoints and a clock that jumps
core_libbusbar_core_la_SOURCES += core/rehearse/rehearse.h core/rehearse/internal.h \
  core/rehearse/case.c core/rehearse/read.c core/rehearse/mock.c core/rehearse/play.c core/rehearse/run.c \
  core/rehearse/input.c core/rehearse/stage.c core/rehearse/compare.c core/rehearse/coverage.c \
  core/rehearse/apart.c
