include tests/unit/local.mk
include tests/plugins/local.mk
include tests/integration/local.mk
include tests/schemas/local.mk
include tests/fault/local.mk
include tests/fuzz/local.mk
include tests/abi/local.mk
include tests/real/local.mk
