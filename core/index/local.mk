# core/index
