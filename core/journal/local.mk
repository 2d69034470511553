# core/journal
