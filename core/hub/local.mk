# core/hub
