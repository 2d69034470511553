# core/wire
