# tests/schemas: the canonical model keeps its rules, its examples hold, its bad ones do not
TESTS += tests/schemas/house.sh tests/schemas/examples.sh tests/schemas/versions.sh
EXTRA_DIST += tests/schemas/lib.sh tests/schemas/examples.sh tests/schemas/house.sh tests/schemas/house.jq tests/schemas/features.jq tests/schemas/versions.sh \
  tests/schemas/invalid.json tests/schemas/valid tests/schemas/versions
