# core/host
