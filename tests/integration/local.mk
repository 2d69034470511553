# tests/integration: whole programs, one core each
TESTS += tests/integration/instruments.sh tests/integration/flow.sh tests/integration/webhook.sh tests/integration/quarantine.sh \
  tests/integration/pause.sh tests/integration/trace.sh
EXTRA_DIST += tests/lib.sh tests/integration/instruments.sh tests/integration/flow.sh tests/integration/webhook.sh \
  tests/integration/quarantine.sh tests/integration/pause.sh tests/integration/trace.sh
TESTS += tests/integration/cli.sh
EXTRA_DIST += tests/integration/cli.sh
TESTS += tests/integration/template.sh
EXTRA_DIST += tests/integration/template.sh
TESTS += tests/integration/hostile.sh
EXTRA_DIST += tests/integration/hostile.sh
TESTS += tests/integration/ordered-batch.sh
EXTRA_DIST += tests/integration/ordered-batch.sh
TESTS += tests/integration/carries.sh
EXTRA_DIST += tests/integration/carries.sh
TESTS += tests/integration/formats.sh
EXTRA_DIST += tests/integration/formats.sh
TESTS += tests/integration/steps.sh
EXTRA_DIST += tests/integration/steps.sh
TESTS += tests/integration/route-test.sh tests/integration/tap.sh
EXTRA_DIST += tests/integration/route-test.sh tests/integration/tap.sh
TESTS += tests/integration/enrich.sh
EXTRA_DIST += tests/integration/enrich.sh
TESTS += tests/integration/accept.sh
EXTRA_DIST += tests/integration/accept.sh
TESTS += tests/integration/plugin-step.sh
EXTRA_DIST += tests/integration/plugin-step.sh
TESTS += tests/integration/emit.sh
EXTRA_DIST += tests/integration/emit.sh
TESTS += tests/integration/ownership.sh
EXTRA_DIST += tests/integration/ownership.sh
TESTS += tests/integration/echo.sh
EXTRA_DIST += tests/integration/echo.sh
TESTS += tests/integration/partial.sh
EXTRA_DIST += tests/integration/partial.sh
TESTS += tests/integration/oauth.sh
EXTRA_DIST += tests/integration/oauth.sh
