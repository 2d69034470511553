# core/admin
